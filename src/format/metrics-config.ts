/** Which metrics are kept per column (`write.metadata.metrics.*`), and bounds cut accordingly. */
import { stringProperty, intProperty } from './properties.ts'
import { childFields } from './nested-fields.ts'
import { findFieldByName, leafFields } from './schema-lookup.ts'
import type { Schema } from './schema.ts'
import type { SortOrder } from './sort-order.ts'
import { preservesOrder } from './transforms/transform.ts'
import { isPrimitive } from './types.ts'
import type { Datum, NestedField, PrimitiveType } from './types.ts'
import { hasBounds } from './values/bounds.ts'
import { bytesOf, stringOf } from './values/datum-checks.ts'
import { truncateString, truncateStringUp } from './values/strings.ts'

export type MetricsMode =
  | { readonly kind: 'none' }
  | { readonly kind: 'counts' }
  /** Bounds cut to `length` code points (strings) or bytes (binary). */
  | { readonly kind: 'truncate'; readonly length: number }
  | { readonly kind: 'full' }

export interface MetricsConfig {
  /** Mode of a leaf column by its field id. */
  modeOf(fieldId: number): MetricsMode
}

export const METRICS_DEFAULT_KEY = 'write.metadata.metrics.default'
export const METRICS_COLUMN_PREFIX = 'write.metadata.metrics.column.'
const MAX_INFERRED_KEY = 'write.metadata.metrics.max-inferred-column-defaults'

const NONE: MetricsMode = { kind: 'none' }
const TRUNCATE_16: MetricsMode = { kind: 'truncate', length: 16 }

/** Parses `none`, `counts`, `full`, `truncate(16)`; null when the text is none of these. */
export function parseMetricsMode(text: string): MetricsMode | null {
  const folded = text.trim().toLowerCase()
  if (folded === 'none' || folded === 'counts' || folded === 'full') return { kind: folded }
  const length = Number(/^truncate\((\d+)\)$/.exec(folded)?.[1] ?? 0)
  return length >= 1 && length <= 0x7fffffff ? { kind: 'truncate', length } : null
}

/**
 * The modes that a table's properties ask for. A column's own property wins; sort columns have
 * bounds even where the default is none or counts; without a configured default, columns beyond the
 * first `max-inferred-column-defaults` have none. An unreadable mode counts as not set: such tables
 * exist, and metrics are no reason to refuse a write.
 */
export function metricsConfig(
  schema: Schema,
  sortOrder: SortOrder,
  properties: Readonly<Record<string, string>>,
): MetricsConfig {
  const configured = parseMetricsMode(properties[METRICS_DEFAULT_KEY] ?? '')
  const base = configured ?? parseMetricsMode(stringProperty({}, METRICS_DEFAULT_KEY)) ?? TRUNCATE_16
  const modes = new Map<number, MetricsMode>()
  const withDefault =
    configured === null ? new Set(inferredFieldIds(schema, inferredLimit(properties))) : null
  for (const { id } of leafFields(schema)) {
    modes.set(id, withDefault === null || withDefault.has(id) ? base : NONE)
  }
  for (const id of sortedColumnIds(sortOrder)) {
    const mode = modes.get(id)
    if (mode?.kind === 'none' || mode?.kind === 'counts') modes.set(id, TRUNCATE_16)
  }
  for (const [id, mode] of columnModes(schema, properties)) modes.set(id, mode)
  return { modeOf: (fieldId) => modes.get(fieldId) ?? NONE }
}

function inferredLimit(properties: Readonly<Record<string, string>>): number {
  const limit = Number(properties[MAX_INFERRED_KEY] ?? Number.NaN)
  return Number.isInteger(limit) && limit >= 0 ? limit : intProperty({}, MAX_INFERRED_KEY)
}

/**
 * The first leaf columns, up to a limit, that have metrics by default: of every struct its own
 * leaves before those of the structs within it.
 */
function inferredFieldIds(schema: Schema, limit: number): readonly number[] {
  const ids: number[] = []
  const visit = (fields: readonly NestedField[]): void => {
    for (const field of fields) {
      if (isPrimitive(field.type)) ids.push(field.id)
    }
    for (const { type } of fields) {
      if (ids.length >= limit) return
      if (!isPrimitive(type)) visit(childFields(type))
    }
  }
  visit(schema.fields)
  return ids.slice(0, limit)
}

function sortedColumnIds(sortOrder: SortOrder): readonly number[] {
  return sortOrder.fields.filter((field) => preservesOrder(field.transform)).map((field) => field.sourceId)
}

function columnModes(
  schema: Schema,
  properties: Readonly<Record<string, string>>,
): readonly (readonly [number, MetricsMode])[] {
  const modes: (readonly [number, MetricsMode])[] = []
  for (const [key, text] of Object.entries(properties)) {
    if (!key.startsWith(METRICS_COLUMN_PREFIX)) continue
    const mode = parseMetricsMode(text)
    const field = findFieldByName(schema, key.slice(METRICS_COLUMN_PREFIX.length))
    if (mode !== null && field !== undefined) modes.push([field.id, mode])
  }
  return modes
}

/** The lower bound to store for a column's least value; null when the mode keeps none. */
export function truncateLowerBound(type: PrimitiveType, datum: Datum, mode: MetricsMode): Datum | null {
  if (!keepsBounds(type, datum, mode)) return null
  if (mode.kind !== 'truncate') return datum
  switch (type.kind) {
    case 'string':
      return truncateString(stringOf(datum, type), mode.length)
    case 'fixed':
    case 'binary':
      return bytesOf(datum, type).slice(0, mode.length)
    default:
      return datum
  }
}

/**
 * The upper bound to store for a column's greatest value, which a cut value must not lie below:
 * its last unit is raised, skipping what has no successor. null when the mode keeps none, or when
 * every unit kept is the greatest there is.
 */
export function truncateUpperBound(type: PrimitiveType, datum: Datum, mode: MetricsMode): Datum | null {
  if (!keepsBounds(type, datum, mode)) return null
  if (mode.kind !== 'truncate') return datum
  switch (type.kind) {
    case 'string':
      return truncateStringUp(stringOf(datum, type), mode.length)
    case 'fixed':
    case 'binary':
      return truncateBytesUp(bytesOf(datum, type), mode.length)
    default:
      return datum
  }
}

function keepsBounds(type: PrimitiveType, datum: Datum, mode: MetricsMode): boolean {
  return mode.kind !== 'none' && mode.kind !== 'counts' && hasBounds(type) && !Number.isNaN(datum)
}

function truncateBytesUp(bytes: Uint8Array, length: number): Uint8Array | null {
  if (bytes.length <= length) return bytes
  for (let last = length - 1; last >= 0; last -= 1) {
    const byte = bytes[last] ?? 0xff
    if (byte === 0xff) continue
    const raised = bytes.slice(0, last + 1)
    raised[last] = byte + 1
    return raised
  }
  return null
}
