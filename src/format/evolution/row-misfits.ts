/** What plain rows hold that a table's columns do not: names, and numbers that are too great. */
import type { NestedField, Type } from '../types.ts'
import { INT_MAX, INT_MIN } from '../values/datum-checks.ts'
import { fitsPrecision, parseDecimal, rescale } from '../values/decimal.ts'
import { MAX_DECIMAL_PRECISION } from '../types-json.ts'
import type { Value } from '../values/value.ts'
import type { SchemaEdit } from './schema-edit.ts'

/** What was found in some rows. */
export interface Misfits {
  /** Whether a value was found under a name that the table does not have. */
  readonly hasNewColumns: boolean
  /** Types that would hold every value, for columns whose own type does not. */
  readonly widenings: readonly SchemaEdit[]
}

/** Looks through rows by a table's columns. What is of a wrong kind altogether is for the write to refuse. */
export function rowMisfits(fields: readonly NestedField[], rows: readonly Value[]): Misfits {
  const found: Found = { hasNewColumns: false, types: new Map() }
  for (const row of rows) lookAtMembers(fields, row, [], found)
  const widenings = [...found.types.values()].map(({ name, type }): SchemaEdit => ({
    type: 'widen_type',
    name,
    fieldType: type,
  }))
  return { hasNewColumns: found.hasNewColumns, widenings }
}

interface Found {
  hasNewColumns: boolean
  readonly types: Map<string, { readonly name: readonly string[]; readonly type: Type }>
}

function lookAtMembers(
  fields: readonly NestedField[],
  value: Value,
  path: readonly string[],
  found: Found,
): void {
  if (!isStruct(value)) return
  const names = new Set(fields.map((field) => field.name))
  for (const [name, member] of Object.entries(value)) {
    if (!names.has(name) && member !== null && member !== undefined) found.hasNewColumns = true
  }
  for (const field of fields) lookAt(field.type, value[field.name] ?? null, [...path, field.name], found)
}

function lookAt(type: Type, value: Value, path: readonly string[], found: Found): void {
  if (value === null) return
  switch (type.kind) {
    case 'struct':
      return lookAtMembers(type.fields, value, path, found)
    case 'list':
      if (isList(value)) for (const each of value) lookAt(type.element, each, [...path, 'element'], found)
      return
    case 'map':
      for (const each of mapValues(value)) lookAt(type.value, each, [...path, 'value'], found)
      return
    case 'int':
      return lookAtInt(value, path, found)
    case 'decimal':
      return lookAtDecimal(type, value, path, found)
  }
}

function lookAtInt(value: Value, path: readonly string[], found: Found): void {
  const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))
  if (!isWhole || (value >= INT_MIN && value <= INT_MAX)) return
  found.types.set(path.join('.'), { name: path, type: { kind: 'long' } })
}

function lookAtDecimal(
  type: Extract<Type, { readonly kind: 'decimal' }>,
  value: Value,
  path: readonly string[],
  found: Found,
): void {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return
  const parsed = parseDecimal(String(value))
  const unscaled = parsed === null ? null : rescale(parsed, type.scale)
  if (unscaled === null || fitsPrecision(unscaled, type.precision)) return
  const known = found.types.get(path.join('.'))?.type
  const before = known?.kind === 'decimal' ? known.precision : type.precision
  const precision = Math.max(before, String(unscaled < 0n ? -unscaled : unscaled).length)
  if (precision > MAX_DECIMAL_PRECISION) return
  found.types.set(path.join('.'), { name: path, type: { ...type, precision } })
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

function isMap(value: Value): value is ReadonlyMap<Value, Value> {
  return value instanceof Map
}

/** Of a Map, or of an array of pairs. */
function mapValues(value: Value): readonly Value[] {
  if (isMap(value)) return [...value.values()]
  if (!isList(value)) return []
  return value.map((pair) => (isList(pair) ? (pair[1] ?? null) : null))
}

function isStruct(value: Value): value is { readonly [field: string]: Value } {
  const isOther = value instanceof Map || value instanceof Uint8Array || isList(value)
  return typeof value === 'object' && value !== null && !isOther
}
