/**
 * Column values as exact JSON, the same text from every engine: the counterpart of
 * test/interop/python/values.py, which says how each type looks. Written without any of the
 * library's own value code, so that it can judge it.
 */
import type { FieldJson, TypeJson } from '../../src/format/metadata/table-metadata.ts'
import type { Row, Value } from '../../src/format/values/value.ts'

/** A value as exact JSON. */
export type Exact = null | boolean | number | string | readonly Exact[] | { readonly [field: string]: Exact }

/** A row that the library handed out, by the schema's JSON document. */
export function encodeRow(fields: readonly FieldJson[], row: Row): { readonly [column: string]: Exact } {
  return Object.fromEntries(
    fields.map((field) => [field.name, encodeValue(field.type, row[field.name] ?? null)]),
  )
}

export function encodeValue(type: TypeJson, value: Value): Exact {
  if (value === null) return null
  if (typeof type === 'string') return encodePrimitive(type, value)
  if (type.type === 'struct') return encodeRow(type.fields, expectObject(value))
  if (type.type === 'list') return expectArray(value).map((element) => encodeValue(type.element, element))
  const entries = [...(value instanceof Map ? value : expectEntries(value))]
  const pairs = entries.map(([key, item]): readonly Exact[] => [
    encodeValue(type.key, key),
    encodeValue(type.value, item),
  ])
  return pairs.sort((a, b) => compareText(JSON.stringify(a[0]), JSON.stringify(b[0])))
}

function encodePrimitive(type: string, value: Value): Exact {
  if (type.startsWith('decimal')) return `d:${expectText(value)}`
  if (type.startsWith('fixed')) return encodeBytes(value)
  switch (type) {
    case 'boolean':
      return expectKind('boolean', value) as boolean
    case 'int':
      return `i:${String(expectKind('number', value))}`
    case 'long':
      return `i:${String(expectKind('bigint', value))}`
    case 'float':
    case 'double':
      return encodeFloat(expectKind('number', value) as number)
    case 'string':
      return `s:${expectText(value)}`
    case 'uuid':
      return `u:${expectText(value)}`
    case 'binary':
      return encodeBytes(value)
    case 'date':
      return `D:${Date.parse(`${expectText(value)}T00:00:00Z`) / 86_400_000}`
    case 'time':
      return `T:${microsOf(`1970-01-01T${expectText(value)}Z`)}`
    case 'timestamp':
      return `t:${microsOf(`${expectText(value)}Z`)}`
    case 'timestamptz':
      return `z:${microsOf(expectText(value))}`
    default:
      throw new Error(`no exact JSON for ${type}`)
  }
}

function encodeFloat(value: number): Exact {
  if (Object.is(value, -0)) return 'f:-0'
  return Number.isFinite(value) ? value : `f:${value}`
}

function encodeBytes(value: Value): Exact {
  if (!(value instanceof Uint8Array)) throw new TypeError('not bytes')
  return `b:${Buffer.from(value).toString('hex')}`
}

/** Microseconds from 1970 of `YYYY-MM-DDTHH:MM:SS.ffffffZ`. */
function microsOf(text: string): bigint {
  const parts = /^(.*T\d\d:\d\d:\d\d)\.(\d{6})Z$/.exec(text)
  if (parts === null) throw new Error(`not a time with six digits: ${text}`)
  return BigInt(Date.parse(`${parts[1]}Z`)) * 1000n + BigInt(parts[2] ?? '')
}

function expectKind(kind: 'boolean' | 'number' | 'bigint', value: Value): Value {
  if (typeof value !== kind) throw new TypeError(`expected a ${kind}, not a ${typeof value}`)
  return value
}

function expectText(value: Value): string {
  if (typeof value !== 'string') throw new TypeError(`expected a string, not a ${typeof value}`)
  return value
}

function expectArray(value: Value): readonly Value[] {
  if (!Array.isArray(value)) throw new TypeError('expected an array')
  return value
}

function expectEntries(value: Value): readonly (readonly [Value, Value])[] {
  return expectArray(value).map((entry) => expectArray(entry) as readonly [Value, Value])
}

function expectObject(value: Value): Row {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('expected an object')
  return value as Row
}

/** As Python compares text: by code points. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** A row to hand to the library: the reverse of `encodeRow`. */
export function decodeRow(
  fields: readonly FieldJson[],
  row: { readonly [column: string]: Exact },
): { readonly [column: string]: Value } {
  return Object.fromEntries(
    fields.map((field) => [field.name, decodeValue(field.type, row[field.name] ?? null)]),
  )
}

export function decodeValue(type: TypeJson, value: Exact): Value {
  if (value === null) return null
  if (typeof type === 'string') return decodePrimitive(type, value)
  if (type.type === 'struct') return decodeRow(type.fields, value as { readonly [field: string]: Exact })
  const elements = value as readonly Exact[]
  if (type.type === 'list') return elements.map((element) => decodeValue(type.element, element))
  const pairs = elements as readonly (readonly [Exact, Exact])[]
  return new Map(pairs.map(([key, item]) => [decodeValue(type.key, key), decodeValue(type.value, item)]))
}

function decodePrimitive(type: string, value: Exact): Value {
  if (typeof value === 'boolean' || typeof value === 'number') return value
  const text = (value as string).slice(2)
  if (type.startsWith('fixed')) return decodeBytes(text)
  switch (type) {
    case 'int':
    case 'float':
    case 'double':
      return Number(text)
    case 'long':
      return BigInt(text)
    case 'binary':
      return decodeBytes(text)
    case 'date':
      return new Date(Number(text) * 86_400_000).toISOString().slice(0, 10)
    case 'time':
      return isoOf(BigInt(text)).slice(11)
    case 'timestamp':
      return isoOf(BigInt(text))
    case 'timestamptz':
      return `${isoOf(BigInt(text))}Z`
    default:
      return text
  }
}

function decodeBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}

/** `YYYY-MM-DDTHH:MM:SS.ffffff` of microseconds from 1970. */
function isoOf(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = (micros - fraction) / 1_000_000n
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `${whole}.${String(fraction).padStart(6, '0')}`
}

/** Rows in an order of their own, for tables that have none. */
export function inAnyOrder<T>(rows: readonly T[]): readonly T[] {
  return rows
    .map((row) => ({ row, text: JSON.stringify(row) }))
    .sort((a, b) => compareText(a.text, b.text))
    .map(({ row }) => row)
}
