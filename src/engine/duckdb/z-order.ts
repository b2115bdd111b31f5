/**
 * The z-order of rows, in SQL: every column becomes a number of 64 bits that is ordered as its values
 * are, and the bits of all columns take turns, the highest first. Sorted by that, rows that are near
 * in each of the columns are near in the files.
 *
 * Numbers are stretched first, so that the span of a column's values takes all bits: otherwise one
 * whose values differ in their last bits only would count for nothing beside one of large numbers.
 */
import { EngineError } from '../../errors.ts'
import { findField, type Schema } from '../../format/schema.ts'
import { isPrimitive, type PrimitiveType } from '../../format/types.ts'
import { keySql } from './transforms.ts'

/** Bits of each column that take part, eight at a time. */
const BYTES = 4

const HIGHEST_BIT = '9223372036854775808'
const ALL_BITS = '18446744073709551615'

/** Least and greatest number of a column; null without rows that have a value. */
export interface RankSpan {
  readonly min: bigint
  readonly max: bigint
}

/** A number of each column, over the columns of the data file. Null stays null. */
export function rankSqls(
  fieldIds: readonly number[],
  schema: Schema,
  columnOf: (fieldId: number) => string,
): readonly string[] {
  return fieldIds.map((id) => {
    const field = findField(schema, id)
    if (field === undefined || !isPrimitive(field.type)) {
      throw new EngineError(`the z-order has a column, ${id}, that is not of a primitive type`)
    }
    return rankSql(field.type, columnOf(id))
  })
}

/** One row: the least and the greatest number of each column, as texts. */
export function spansSql(ranks: readonly string[], rows: string): string {
  const list = ranks.map((rank, at) => `min(${rank})::VARCHAR AS min${at}, max(${rank})::VARCHAR AS max${at}`)
  return `SELECT ${list.join(', ')} FROM (${rows})`
}

/** ORDER BY of the z-order. */
export function zOrderSql(ranks: readonly string[], spans: readonly (RankSpan | null)[]): string {
  const stretched = ranks.map((rank, at) => stretchSql(rank, spans[at] ?? null))
  const terms = Array.from({ length: BYTES }, (_, byte) => interleavedSql(stretched, byte))
  return ` ORDER BY ${terms.join(', ')}`
}

function rankSql(type: PrimitiveType, sql: string): string {
  switch (type.kind) {
    case 'boolean':
      return `CAST(${sql} AS UBIGINT)`
    case 'int':
    case 'long':
      return signedSql(sql)
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
      return signedSql(keySql(type, sql))
    case 'float':
    case 'double':
    case 'decimal':
      return floatingSql(`CAST(${sql} AS DOUBLE)`)
    case 'string':
      return prefixSql(`encode(${sql})`)
    case 'uuid':
      return prefixSql(`unhex(replace(CAST(${sql} AS VARCHAR), '-', ''))`)
    default:
      return prefixSql(sql)
  }
}

function bitsSql(sql: string): string {
  return `CAST(CAST(${sql} AS BIT) AS UBIGINT)`
}

/** Negative numbers have the highest bit set, and come first. */
function signedSql(sql: string): string {
  return `xor(${bitsSql(`CAST(${sql} AS BIGINT)`)}, ${HIGHEST_BIT}::UBIGINT)`
}

/** IEEE 754: the bits of negative numbers grow as these fall. NaN, of any sign, comes last. */
function floatingSql(sql: string): string {
  const bits = bitsSql(sql)
  const flipped = `xor(${bits}, CASE WHEN ${sql} < 0 THEN ${ALL_BITS}::UBIGINT ELSE ${HIGHEST_BIT}::UBIGINT END)`
  return `CASE WHEN isnan(${sql}) THEN ${ALL_BITS}::UBIGINT WHEN ${sql} = 0 THEN ${HIGHEST_BIT}::UBIGINT ELSE ${flipped} END`
}

/** The first eight bytes, zeros where there are fewer. */
function prefixSql(bytes: string): string {
  const zeros = "'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'::BLOB"
  return bitsSql(`array_slice(${bytes} || ${zeros}, 1, 8)`)
}

/** Nulls count as the least. */
function stretchSql(rank: string, span: RankSpan | null): string {
  if (span === null) return '0::UBIGINT'
  const shift = 64 - (span.max - span.min).toString(2).length
  return `coalesce(((${rank}) - ${span.min}::UBIGINT) << ${shift}, 0::UBIGINT)`
}

/** The same byte of each column, bit by bit in turns; the columns' order is that of the bits. */
function interleavedSql(columns: readonly string[], byte: number): string {
  const spread = spreadTable(columns.length)
  const shift = 56 - 8 * byte
  return columns
    .map((column, at) => {
      const bits = `list_extract(${spread}, ((${column} >> ${shift}) & 255)::BIGINT + 1)`
      return `(${bits} << ${columns.length - 1 - at})`
    })
    .join(' | ')
}

/** For each byte its bits, so far apart that those of the other columns find place in between. */
function spreadTable(distance: number): string {
  const spread = Array.from({ length: 256 }, (_, byte) => {
    let bits = 0n
    for (let bit = 0; bit < 8; bit += 1) {
      if ((byte & (1 << bit)) !== 0) bits |= 1n << BigInt(bit * distance)
    }
    return bits
  })
  return `[${spread.join(', ')}]::UBIGINT[]`
}
