/** Columns of every type a v2 table can be partitioned by: values, their forms going in, coming out. */
import fc from 'fast-check'
import type { LiteralValue } from '../../src/format/expressions/expression.ts'
import type { Datum, PrimitiveType } from '../../src/format/types.ts'
import type { Value } from '../../src/format/values/value.ts'
import { COLUMNS, instantText, type KindName } from '../format/expressions/generators.ts'
import { decimalText } from './judge-values.ts'

/** Nanosecond columns are of format version 3, and `fixed` is not written yet. */
export type ColumnKind = Exclude<KindName, 'timestamp_ns' | 'fixed'>

export const KINDS: readonly ColumnKind[] = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'decimal',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
]

/** Values that random ones might miss. */
const SPECIAL: Partial<Record<ColumnKind, readonly Datum[]>> = {
  int: [0, -1, 2147483647, -2147483640],
  long: [0n, -1n, 9007199254740993n, -9007199254740993n],
  float: [NaN, Infinity, -Infinity, 0],
  double: [NaN, Infinity, -Infinity, 0, 0.1],
  decimal: [0n, -1n, -128n, -32768n, 99999n, -99999n],
  date: [0, -1, -365, -366, -719162, 20000],
  time: [0n, 86_399_999_999n],
  timestamp: [0n, -1n, -3_600_000_001n, 1_700_000_000_000_001n, -62_135_596_800_000_000n],
  timestamptz: [0n, -1n, -86_400_000_000n, 1_700_000_000_000_001n],
  string: ['', 'aaaaaaaaaaaaaaaaaaaaaaaa', 'a/b=c #%', 'null'],
  binary: [new Uint8Array(), Uint8Array.of(0, 0, 0)],
}

export function typeOf(kind: ColumnKind): PrimitiveType {
  return COLUMNS[kind].type
}

/** The same values for the same seed; a tenth of them null, none of them -0.0. */
export function sampleValues(kind: ColumnKind, count: number, seed: number): readonly (Datum | null)[] {
  const value: fc.Arbitrary<Datum> = COLUMNS[kind].value
  const random = fc.sample(fc.option(value, { freq: 9 }), { numRuns: count, seed })
  return [...(SPECIAL[kind] ?? []), null, ...random].map((datum) => (datum === 0 ? 0 : datum))
}

/** A value to hand to the library. */
export function valueOf(type: PrimitiveType, datum: Datum | null): Value | { readonly micros: bigint } {
  if (datum === null) return null
  switch (type.kind) {
    case 'decimal':
      return decimalText(BigInt(String(datum)), type.scale)
    case 'date':
      return new Date(Number(datum) * 86_400_000).toISOString().slice(0, 10)
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return { micros: BigInt(String(datum)) }
    default:
      return datum
  }
}

/** A value as a literal of a filter. */
export function literalOf(type: PrimitiveType, datum: Datum): LiteralValue {
  switch (type.kind) {
    case 'decimal':
      return decimalText(BigInt(String(datum)), type.scale)
    case 'date':
      return new Date(Number(datum) * 86_400_000).toISOString().slice(0, 10)
    case 'time':
      return instantText(BigInt(String(datum))).slice(11)
    case 'timestamp':
      return instantText(BigInt(String(datum)))
    case 'timestamptz':
      return `${instantText(BigInt(String(datum)))}Z`
    default:
      return datum
  }
}

/** SQL of a column in a form that `datumOfSql` reads exactly. */
export function exactSql(type: PrimitiveType, name: string): string {
  const column = `"${name.replaceAll('"', '""')}"`
  switch (type.kind) {
    case 'decimal':
    case 'uuid':
      return `CAST(${column} AS VARCHAR)`
    case 'date':
      return `${column} - DATE '1970-01-01'`
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return `epoch_us(${column})`
    case 'string':
      return `hex(encode(${column}))`
    case 'fixed':
    case 'binary':
      return `hex(${column})`
    default:
      return column
  }
}

export function datumOfSql(type: PrimitiveType, value: unknown): Datum | null {
  if (value === null) return null
  switch (type.kind) {
    case 'boolean':
      return value === true
    case 'int':
    case 'float':
    case 'double':
    case 'date':
      return Number(value)
    case 'decimal':
      return BigInt(String(value).replace('.', ''))
    case 'string':
      return Buffer.from(String(value), 'hex').toString('utf8')
    case 'fixed':
    case 'binary':
      return new Uint8Array(Buffer.from(String(value), 'hex'))
    case 'uuid':
      return String(value)
    default:
      return BigInt(String(value))
  }
}

/** A value of hyparquet's; decimals of the tests are small enough for its numbers. */
export function datumOfHyparquet(type: PrimitiveType, value: unknown): Datum | null {
  if (value === null || value === undefined) return null
  if (type.kind === 'decimal') return BigInt(Math.round(Number(value) * 10 ** type.scale))
  if (type.kind === 'string' && value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (value instanceof Uint8Array) return new Uint8Array(value)
  return value as Datum // a boolean, number, bigint or string
}

/** A partition value as Avro has it: decimals and uuids are fixed. */
export function datumOfAvro(type: PrimitiveType, value: unknown): Datum | null {
  if (value === null || value === undefined) return null
  if (!(value instanceof Uint8Array)) return value as Datum // a boolean, number, bigint or string
  const hex = Buffer.from(value).toString('hex')
  if (type.kind === 'decimal') return BigInt.asIntN(8 * value.length, BigInt(`0x${hex}`))
  if (type.kind !== 'uuid') return new Uint8Array(value)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Equal as partition values are: bytes by content, NaN to itself. */
export function sameDatum(a: Datum | null, b: Datum | null): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  return Object.is(a, b)
}
