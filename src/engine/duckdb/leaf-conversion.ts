/**
 * From the type in which a file holds a primitive column to the table's type: the promotions of the
 * Iceberg spec ("Schema Evolution"), and the other forms in which writers store the same type.
 * Nothing here loses a value, but for the digits below a microsecond of imported files.
 */
import type { PrimitiveType } from '../../format/types.ts'
import { sqlType } from './sql.ts'

/** Wraps an expression. */
export type Convert = (sql: string) => string

/**
 * How values of DuckDB's `physical` type become values of `type`: null when they are already,
 * undefined when they cannot.
 */
export function leafConversion(type: PrimitiveType, physical: string): Convert | null | undefined {
  const wanted = sqlType(type)
  if (type.kind === 'unknown') return () => `CAST(NULL AS ${wanted})`
  if (physical === wanted) return null
  switch (type.kind) {
    case 'decimal':
      return widensDecimal(type, physical) ? cast(wanted) : undefined
    case 'timestamp':
      return TO_TIMESTAMP[physical]
    case 'timestamptz':
      return TO_TIMESTAMPTZ[physical]
    case 'binary':
    case 'fixed':
      return physical === 'VARCHAR' || physical === 'JSON' ? (sql) => `encode(${sql})` : undefined
    case 'string':
      if (physical === 'BLOB') return (sql) => `decode(${sql})`
      return physical === 'JSON' || physical.startsWith('ENUM') ? cast(wanted) : undefined
    default:
      return CASTS[type.kind]?.includes(physical) === true ? cast(wanted) : undefined
  }
}

/** Types whose every value the wanted type holds, by Iceberg type. */
const CASTS: Readonly<Record<string, readonly string[]>> = {
  int: ['TINYINT', 'SMALLINT', 'UTINYINT', 'USMALLINT'],
  long: ['TINYINT', 'SMALLINT', 'INTEGER', 'UTINYINT', 'USMALLINT', 'UINTEGER'],
  double: ['FLOAT'],
  // A uuid without its annotation is a plain 16-byte value.
  uuid: ['BLOB'],
  time: ['TIME WITH TIME ZONE', 'TIME_NS'],
  timestamp_ns: ['DATE'],
}

function cast(wanted: string): Convert {
  return (sql) => `CAST(${sql} AS ${wanted})`
}

/** Microseconds of a nanosecond timestamp, rounded down: DuckDB's own cast rounds towards 1970. */
function floorMicros(sql: string): string {
  return `(epoch_ns(${sql}) - ((epoch_ns(${sql}) % 1000) + 1000) % 1000) // 1000`
}

const TO_TIMESTAMP: Readonly<Record<string, Convert>> = {
  DATE: cast('TIMESTAMP'),
  TIMESTAMP_S: cast('TIMESTAMP'),
  TIMESTAMP_MS: cast('TIMESTAMP'),
  TIMESTAMP_NS: (sql) => `make_timestamp(${floorMicros(sql)})`,
  'TIMESTAMP WITH TIME ZONE': (sql) => `make_timestamp(epoch_us(${sql}))`,
}

const TO_TIMESTAMPTZ: Readonly<Record<string, Convert>> = {
  TIMESTAMP: (sql) => `make_timestamptz(epoch_us(${sql}))`,
  TIMESTAMP_S: (sql) => `make_timestamptz(epoch_us(${sql}))`,
  TIMESTAMP_MS: (sql) => `make_timestamptz(epoch_us(${sql}))`,
  TIMESTAMP_NS: (sql) => `make_timestamptz(${floorMicros(sql)})`,
}

function widensDecimal(type: PrimitiveType & { readonly kind: 'decimal' }, physical: string): boolean {
  const [, precision, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(physical) ?? []
  return Number(scale) === type.scale && Number(precision) <= type.precision
}
