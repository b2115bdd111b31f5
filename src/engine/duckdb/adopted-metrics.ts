/** Metrics of a file that others wrote, as far as its footer tells them. */
import type { ContentFile } from '../../format/manifest/entry.ts'
import {
  truncateLowerBound,
  truncateUpperBound,
  type MetricsConfig,
  type MetricsMode,
} from '../../format/metrics-config.ts'
import { encodeBinary } from '../../format/values/binary.ts'
import { boundsInEitherOrder } from '../../format/values/uuid-bounds.ts'
import type { MatchedLeaf } from './adopted-columns.ts'
import { knownBounds, type KnownBounds } from './footer-bounds.ts'

type Metrics = Pick<
  ContentFile,
  'columnSizes' | 'valueCounts' | 'nullValueCounts' | 'nanValueCounts' | 'lowerBounds' | 'upperBounds'
>

/** Writers cut longer texts and bytes in their statistics, and do not always say so. */
const NEVER_CUT_BYTES = 60

/** The metrics that the configuration asks for. How many NaNs there are no footer says. */
export function adoptedMetrics(leaves: readonly MatchedLeaf[], config: MetricsConfig): Metrics {
  const columnSizes = new Map<number, number>()
  const valueCounts = new Map<number, number>()
  const nullValueCounts = new Map<number, number>()
  const lowerBounds = new Map<number, Uint8Array>()
  const upperBounds = new Map<number, Uint8Array>()
  for (const leaf of leaves) {
    const { id } = leaf.field
    const mode = config.modeOf(id)
    columnSizes.set(id, leaf.facts.columnSize)
    if (mode.kind === 'none' || leaf.isRepeated) continue
    valueCounts.set(id, leaf.facts.valueCount)
    if (leaf.facts.nullCount !== null) nullValueCounts.set(id, leaf.facts.nullCount)
    const bounds = storedBounds(leaf, mode)
    if (bounds?.lower !== undefined && bounds.lower !== null) lowerBounds.set(id, bounds.lower)
    if (bounds?.upper !== undefined && bounds.upper !== null) upperBounds.set(id, bounds.upper)
  }
  return { columnSizes, valueCounts, nullValueCounts, nanValueCounts: new Map(), lowerBounds, upperBounds }
}

function storedBounds(leaf: MatchedLeaf, mode: MetricsMode) {
  const { type } = leaf
  const bounds = knownBounds(leaf)
  if (bounds === null || !isLongEnough(bounds, mode)) return null
  const { lower, upper } =
    type.kind === 'uuid' ? boundsInEitherOrder(String(bounds.lower), String(bounds.upper)) : bounds
  const cutLower = lower === null ? null : truncateLowerBound(type, lower, mode)
  const cutUpper = upper === null ? null : truncateUpperBound(type, upper, mode)
  return {
    lower: cutLower === null ? null : encodeBinary(type, cutLower),
    upper: cutUpper === null ? null : encodeBinary(type, cutUpper),
  }
}

/** A greatest value that was cut is none, unless the bound is cut, and raised, well before that. */
function isLongEnough({ lower, upper, isExact }: KnownBounds, mode: MetricsMode): boolean {
  if (isExact) return true
  const bytes = Math.max(lengthOf(lower), lengthOf(upper))
  if (bytes < NEVER_CUT_BYTES) return true
  return mode.kind === 'truncate' && mode.length * 4 <= NEVER_CUT_BYTES + 4
}

function lengthOf(datum: KnownBounds['lower']): number {
  if (typeof datum === 'string') return new TextEncoder().encode(datum).length
  return datum instanceof Uint8Array ? datum.length : 0
}
