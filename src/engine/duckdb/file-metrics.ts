/** Metrics of a data file (Iceberg spec, "Manifests": `data_file`), out of what is known of its columns. */
import { encodeBinary } from '../../format/values/binary.ts'
import { boundsInEitherOrder } from '../../format/values/uuid-bounds.ts'
import {
  truncateLowerBound,
  truncateUpperBound,
  type MetricsConfig,
  type MetricsMode,
} from '../../format/metrics-config.ts'
import type { Datum, PrimitiveType } from '../../format/types.ts'

export interface FileMetrics {
  readonly columnSizes: ReadonlyMap<number, number>
  readonly valueCounts: ReadonlyMap<number, number>
  readonly nullValueCounts: ReadonlyMap<number, number>
  readonly nanValueCounts: ReadonlyMap<number, number>
  readonly lowerBounds: ReadonlyMap<number, Uint8Array>
  readonly upperBounds: ReadonlyMap<number, Uint8Array>
}

/** Least and greatest value of a column, before they are cut. */
export interface Extremes {
  readonly lower: Datum
  readonly upper: Datum
}

/** A leaf column of a file. */
export interface MeasuredLeaf {
  readonly id: number
  readonly type: PrimitiveType
  /** Inside a list or map: counts are of elements, and bounds are not kept. */
  readonly isRepeated: boolean
}

/** What is known of a leaf column; undefined is not known. */
export interface LeafMeasures {
  readonly sizeBytes: number | undefined
  readonly values: number | undefined
  readonly nulls: number | undefined
  readonly nans: number | undefined
  /** Least and greatest value; null when there are none. Asked for only where bounds may be kept. */
  extremes(): Extremes | null
}

/** The metrics that the configuration asks for, as far as they are known. */
export function fileMetrics<Leaf extends MeasuredLeaf>(
  leaves: readonly Leaf[],
  config: MetricsConfig,
  measuresOf: (leaf: Leaf) => LeafMeasures | null,
): FileMetrics {
  const metrics = {
    columnSizes: new Map<number, number>(),
    valueCounts: new Map<number, number>(),
    nullValueCounts: new Map<number, number>(),
    nanValueCounts: new Map<number, number>(),
    lowerBounds: new Map<number, Uint8Array>(),
    upperBounds: new Map<number, Uint8Array>(),
  }
  for (const leaf of leaves) {
    const measures = measuresOf(leaf)
    const mode = config.modeOf(leaf.id)
    if (measures === null) continue
    put(metrics.columnSizes, leaf.id, measures.sizeBytes)
    if (mode.kind === 'none' || leaf.isRepeated) continue
    put(metrics.valueCounts, leaf.id, measures.values)
    put(metrics.nullValueCounts, leaf.id, measures.nulls)
    put(metrics.nanValueCounts, leaf.id, measures.nans)
    const extremes = measures.extremes()
    if (extremes !== null) putBounds(metrics, leaf, widened(leaf.type, extremes), mode)
  }
  return metrics
}

function put(counts: Map<number, number>, id: number, count: number | undefined): void {
  if (count !== undefined) counts.set(id, count)
}

/** Both zeros are equal to most engines; the bounds must hold whichever there is. */
function widened(type: PrimitiveType, { lower, upper }: Extremes): Extremes {
  if (type.kind !== 'float' && type.kind !== 'double') return { lower, upper }
  return { lower: lower === 0 ? -0 : lower, upper: upper === 0 ? 0 : upper }
}

function putBounds(
  metrics: { readonly lowerBounds: Map<number, Uint8Array>; readonly upperBounds: Map<number, Uint8Array> },
  leaf: MeasuredLeaf,
  extremes: Extremes,
  mode: MetricsMode,
): void {
  const { lower, upper } = boundsFor(leaf.type, extremes)
  const cutLower = lower === null ? null : truncateLowerBound(leaf.type, lower, mode)
  const cutUpper = upper === null ? null : truncateUpperBound(leaf.type, upper, mode)
  if (cutLower !== null) metrics.lowerBounds.set(leaf.id, encodeBinary(leaf.type, cutLower))
  if (cutUpper !== null) metrics.upperBounds.set(leaf.id, encodeBinary(leaf.type, cutUpper))
}

/** Bounds that every reader's order of the type agrees with. */
function boundsFor(
  type: PrimitiveType,
  { lower, upper }: Extremes,
): { readonly lower: Datum | null; readonly upper: Datum | null } {
  if (type.kind !== 'uuid') return { lower, upper }
  return boundsInEitherOrder(String(lower), String(upper))
}
