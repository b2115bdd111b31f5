/** The fields that plain objects suggest. */
import { throwIfAborted } from '../../abort.ts'
import type { NestedField, Type } from '../../format/types.ts'
import type { Row, Value } from '../../format/values/value.ts'
import type { TypeInference } from './infer-types.ts'

/** So many rows are looked at. */
const SAMPLE_ROWS = 10_000

/** What the values of one column have been so far. */
interface Seen {
  /** Kinds of values other than null. */
  readonly kinds: Set<ValueKind>
  /** By name, of objects. */
  readonly members: Map<string, Seen>
  /** Of arrays, and of the values of Maps. */
  element: Seen | null
  /** Of Maps. */
  key: Seen | null
}

type ValueKind =
  'boolean' | 'whole' | 'fraction' | 'bigint' | 'string' | 'bytes' | 'date' | 'list' | 'map' | 'struct'

/** The columns of the first rows, in the order of their first appearance. */
export async function inferRows(
  rows: Iterable<Row> | AsyncIterable<Row>,
  types: TypeInference,
  signal: AbortSignal | undefined,
): Promise<readonly NestedField[]> {
  const columns = new Map<string, Seen>()
  let looked = 0
  for await (const row of rows) {
    throwIfAborted(signal)
    lookAtMembers(row, columns)
    looked += 1
    if (looked === SAMPLE_ROWS) break
  }
  return fieldsOf(columns, '', types)
}

function fieldsOf(columns: ReadonlyMap<string, Seen>, prefix: string, types: TypeInference): NestedField[] {
  return [...columns].map(([name, seen]) => types.plainField(name, typeOf(seen, prefix + name, types)))
}

function nothingSeen(): Seen {
  return { kinds: new Set(), members: new Map(), element: null, key: null }
}

function lookAtMembers(row: { readonly [name: string]: Value }, columns: Map<string, Seen>): void {
  for (const [name, value] of Object.entries(row)) {
    const seen = columns.get(name) ?? nothingSeen()
    columns.set(name, seen)
    lookAt(value, seen)
  }
}

function lookAt(value: Value | undefined, seen: Seen): void {
  if (value === null || value === undefined) return
  const kind = kindOf(value)
  seen.kinds.add(kind)
  if (Array.isArray(value)) {
    seen.element ??= nothingSeen()
    for (const element of value) lookAt(element, seen.element)
  } else if (value instanceof Map) {
    seen.key ??= nothingSeen()
    seen.element ??= nothingSeen()
    for (const [key, item] of value) {
      lookAt(key, seen.key)
      lookAt(item, seen.element)
    }
  } else if (kind === 'struct' && isObject(value)) {
    lookAtMembers(value, seen.members)
  }
}

function isObject(value: Value): value is { readonly [field: string]: Value } {
  return typeof value === 'object' && value !== null
}

function kindOf(value: NonNullable<Value>): ValueKind {
  switch (typeof value) {
    case 'boolean':
      return 'boolean'
    case 'string':
      return 'string'
    case 'bigint':
      return 'bigint'
    case 'number':
      return Number.isSafeInteger(value) ? 'whole' : 'fraction'
    default:
      if (value instanceof Uint8Array) return 'bytes'
      if (value instanceof Date) return 'date'
      if (Array.isArray(value)) return 'list'
      return value instanceof Map ? 'map' : 'struct'
  }
}

function typeOf(seen: Seen, path: string, types: TypeInference): Type {
  const kinds = [...seen.kinds].sort().join(' ')
  switch (kinds) {
    case '':
      return types.guess(path, { kind: 'string' }, 'every value is null')
    case 'boolean':
      return { kind: 'boolean' }
    case 'whole':
    case 'bigint':
    case 'bigint whole':
      return { kind: 'long' }
    case 'fraction':
    case 'fraction whole':
      return { kind: 'double' }
    case 'string':
      return { kind: 'string' }
    case 'bytes':
      return { kind: 'binary' }
    case 'date':
      return types.guess(path, { kind: 'timestamptz' }, 'a Date may be meant as a date or a timestamp')
    case 'list': {
      const element = typeOf(seen.element ?? nothingSeen(), `${path}.element`, types)
      return { kind: 'list', elementId: types.nextId(), elementRequired: false, element }
    }
    case 'map': {
      const key = typeOf(seen.key ?? nothingSeen(), `${path}.key`, types)
      const value = typeOf(seen.element ?? nothingSeen(), `${path}.value`, types)
      return { kind: 'map', keyId: types.nextId(), key, valueId: types.nextId(), valueRequired: false, value }
    }
    case 'struct':
      return { kind: 'struct', fields: fieldsOf(seen.members, `${path}.`, types) }
    default:
      return types.guess(path, { kind: 'string' }, 'its values are of several kinds')
  }
}
