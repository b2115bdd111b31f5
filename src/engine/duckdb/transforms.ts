/**
 * SQL that computes partition values.
 *
 * Each partition field becomes one column to partition by, in a form that DuckDB's report gives back
 * as it was: whole numbers for whatever is one, hexadecimal for texts and bytes, a digest for those
 * too long to be carried along. What SQL cannot compute exactly the functions of
 * `scalar-functions.ts` do, by the very code that applies transforms everywhere else.
 */
import { InvalidArgumentError } from '../../errors.ts'
import { parseDecimal, rescale } from '../../format/values/decimal.ts'
import { hexToBytes } from '../../format/values/bytes.ts'
import type { PartitionSpec } from '../../format/partition-spec.ts'
import { findField, type Schema } from '../../format/schema.ts'
import { transformFunction } from '../../format/transforms/apply.ts'
import { transformResultType, type Transform } from '../../format/transforms/transform.ts'
import { isPrimitive, type Datum, type PrimitiveType } from '../../format/types.ts'

/** A column to partition by. */
export interface PartitionKey {
  readonly name: string
  readonly sql: string
  /** The partition value of a key as DuckDB gives it back; undefined when only the rows tell. */
  decode(text: string | null): Datum | null | undefined
}

/** Longer texts and bytes are told apart by their digest. */
const MAX_KEY_BYTES = 48

/** The keys of a spec, over the columns of the data file. */
export function partitionKeys(
  spec: PartitionSpec,
  schema: Schema,
  columnOf: (fieldId: number) => string,
): readonly PartitionKey[] {
  return spec.fields.map((field, at) => {
    const name = `__floeberg_p${at}`
    const source = findField(schema, field.sourceId)
    // A field over a dropped column can only be void, and void is null whatever the column.
    if (field.transform.kind === 'void') return { name, sql: `CAST(NULL AS INTEGER)`, decode: () => null }
    if (source === undefined || !isPrimitive(source.type)) {
      throw new InvalidArgumentError(`partition field ${field.name} has no source column of a primitive type`)
    }
    // Refuses, before anything is written, what is unknown or not allowed on the type.
    transformFunction(field.transform, source.type)
    const value = transformSql(field.transform, source.type, columnOf(source.id))
    const type = transformResultType(field.transform, source.type)
    return { name, sql: keySql(type, value), decode: (text) => decodeKey(type, text) }
  })
}

/** SQL of a transformed value, of the result type's DuckDB type. */
export function transformSql(transform: Transform, type: PrimitiveType, sql: string): string {
  switch (transform.kind) {
    case 'identity':
      return sql
    case 'bucket':
      return bucketSql(transform.buckets, type, sql)
    case 'truncate':
      return truncateSql(transform.width, type, sql)
    case 'year':
      return `(year(${plainTime(type, sql)}) - 1970)`
    case 'month': {
      const time = plainTime(type, sql)
      return `((year(${time}) - 1970) * 12 + month(${time}) - 1)`
    }
    case 'day':
      return `CAST(${plainTime(type, sql)} AS DATE)`
    case 'hour':
      return floorDivSql(`epoch_us(${plainTime(type, sql)})`, '3600000000')
    case 'void':
    case 'unknown':
      return 'CAST(NULL AS INTEGER)'
  }
}

/** A date, or a timestamp without zone and in microseconds, of any temporal value. */
function plainTime(type: PrimitiveType, sql: string): string {
  switch (type.kind) {
    case 'timestamptz':
      return `make_timestamp(epoch_us(${sql}))`
    case 'timestamp_ns':
      return `make_timestamp(${floorDivSql(`epoch_ns(${sql})`, '1000')})`
    default:
      return sql
  }
}

function daysSql(sql: string): string {
  return `((${sql}) - DATE '1970-01-01')`
}

/** DuckDB's integer division rounds toward zero; partition values round down. */
function floorDivSql(sql: string, divisor: string): string {
  return `((${floorSql(sql, divisor)}) // ${divisor})`
}

/** The greatest multiple of a positive number that is not above the value. */
function floorSql(sql: string, unit: string): string {
  return `(${sql}) - (((${sql}) % ${unit}) + ${unit}) % ${unit}`
}

function truncateSql(width: number, type: PrimitiveType, sql: string): string {
  switch (type.kind) {
    case 'int':
      return `(${floorSql(`CAST(${sql} AS BIGINT)`, String(width))})`
    case 'long':
      return `(${floorSql(`CAST(${sql} AS HUGEINT)`, String(width))})`
    case 'string':
      return `left(${sql}, ${width})`
    case 'decimal':
      // The text keeps the scale; a digit more may be needed in front.
      return `CAST(floeberg_truncate_decimal(CAST(${sql} AS VARCHAR), ${width}) AS DECIMAL(38,${type.scale}))`
    default:
      return `array_slice(${sql}, 1, ${width})`
  }
}

/** A null has no bucket. The functions are called for nulls too, and answer anything for them. */
function bucketSql(buckets: number, type: PrimitiveType, sql: string): string {
  return `CASE WHEN ${sql} IS NULL THEN NULL ELSE ${hashedSql(buckets, type, sql)} END`
}

function hashedSql(buckets: number, type: PrimitiveType, sql: string): string {
  switch (type.kind) {
    case 'int':
    case 'long':
      return `floeberg_bucket_long(CAST(${sql} AS BIGINT), ${buckets})`
    case 'date':
      return `floeberg_bucket_long(CAST(${daysSql(sql)} AS BIGINT), ${buckets})`
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return `floeberg_bucket_long(epoch_us(${sql}), ${buckets})`
    case 'timestamp_ns':
      return `floeberg_bucket_long(${floorDivSql(`epoch_ns(${sql})`, '1000')}, ${buckets})`
    case 'decimal':
      return `floeberg_bucket_decimal(CAST(${sql} AS VARCHAR), ${buckets})`
    case 'string':
      return `floeberg_bucket_bytes(encode(${sql}), ${buckets})`
    case 'uuid':
      return `floeberg_bucket_bytes(unhex(replace(CAST(${sql} AS VARCHAR), '-', '')), ${buckets})`
    default:
      return `floeberg_bucket_bytes(${sql}, ${buckets})`
  }
}

/** A value as a whole number or a text that stands for it alone. */
export function keySql(type: PrimitiveType, sql: string): string {
  switch (type.kind) {
    case 'int':
    case 'long':
      return sql
    case 'date':
      return daysSql(sql)
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return `epoch_us(${sql})`
    case 'timestamp_ns':
      return `epoch_ns(${sql})`
    case 'string':
      return hexSql(`encode(${sql})`)
    case 'binary':
    case 'fixed':
      return hexSql(sql)
    default:
      return `CAST(${sql} AS VARCHAR)`
  }
}

function hexSql(bytes: string): string {
  return `CASE WHEN octet_length(${bytes}) <= ${MAX_KEY_BYTES} THEN 'x' || hex(${bytes}) ELSE 'd' || md5(${bytes}) END`
}

/** The value that `keySql` gave; undefined for a digest. */
export function decodeKey(type: PrimitiveType, text: string | null): Datum | null | undefined {
  if (text === null) return null
  switch (type.kind) {
    case 'boolean':
      return text === 'true'
    case 'int':
    case 'date':
      return Number(text)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return BigInt(text)
    case 'float':
      // The shortest digits that tell a float from its neighbours are not its own as a double.
      return Math.fround(floatOf(text))
    case 'double':
      return floatOf(text)
    case 'decimal': {
      const parsed = parseDecimal(text)
      return parsed === null ? undefined : (rescale(parsed, type.scale) ?? undefined)
    }
    case 'string': {
      const bytes = bytesOf(text)
      return bytes === undefined ? undefined : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
    }
    case 'binary':
    case 'fixed':
      return bytesOf(text)
    default:
      return text
  }
}

function bytesOf(key: string): Uint8Array | undefined {
  return key.startsWith('x') ? (hexToBytes(key.slice(1)) ?? undefined) : undefined
}

/** A number as DuckDB writes it. */
export function floatOf(text: string): number {
  switch (text.toLowerCase()) {
    case 'nan':
    case '-nan':
      return Number.NaN
    case 'inf':
    case 'infinity':
      return Number.POSITIVE_INFINITY
    case '-inf':
    case '-infinity':
      return Number.NEGATIVE_INFINITY
    default:
      return Number(text)
  }
}
