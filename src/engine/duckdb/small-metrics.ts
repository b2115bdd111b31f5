/** Metrics of a small file, out of its values. */
import type { MetricsConfig } from '../../format/metrics-config.ts'
import type { Datum, PrimitiveType } from '../../format/types.ts'
import { decodeBinary } from '../../format/values/binary.ts'
import { compareBytes } from '../../format/values/bytes.ts'
import { fileMetrics, type Extremes, type FileMetrics } from './file-metrics.ts'
import type { LeafValues, StoredValue } from './small-values.ts'

/** A leaf column of a finished file. */
export interface EncodedLeaf extends LeafValues {
  readonly sizeBytes: number
}

/** The metrics that the configuration asks for. */
export function smallMetrics(leaves: readonly EncodedLeaf[], config: MetricsConfig): FileMetrics {
  const measured = leaves.map(({ leaf, values, sizeBytes }) => ({ ...leaf, values, sizeBytes }))
  return fileMetrics(measured, config, ({ type, values, sizeBytes }) => ({
    sizeBytes,
    values: values.length,
    nulls: countOf(values, (value) => value === null),
    nans: isFloating(type) ? countOf(values, Number.isNaN) : undefined,
    extremes: () => extremesOf(type, values),
  }))
}

function isFloating({ kind }: PrimitiveType): boolean {
  return kind === 'float' || kind === 'double'
}

function countOf<T>(values: readonly T[], isMeant: (value: T) => boolean): number {
  let count = 0
  for (const value of values) if (isMeant(value)) count += 1
  return count
}

function extremesOf(type: PrimitiveType, values: readonly (StoredValue | null)[]): Extremes | null {
  let lower: StoredValue | null = null
  let upper: StoredValue | null = null
  for (const value of values) {
    if (value === null || Number.isNaN(value)) continue
    if (lower === null || isLess(value, lower)) lower = value
    if (upper === null || isLess(upper, value)) upper = value
  }
  if (lower === null || upper === null) return null
  return { lower: datumOf(type, lower), upper: datumOf(type, upper) }
}

/** Texts are in the order of their bytes, which is that of their code points; so are UUIDs. */
function isLess(a: StoredValue, b: StoredValue): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? compareBytes(a, b) < 0 : a < b
}

/** A stored value as a value of the table's type: bytes are as the spec has them for single values too. */
export function datumOf(type: PrimitiveType, value: StoredValue): Datum {
  return value instanceof Uint8Array ? decodeBinary(type, value) : value
}
