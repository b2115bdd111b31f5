/** Pieces of SQL for DuckDB: names, texts, types and exact literals. */
import { InvalidDataError, UnsupportedFeatureError } from '../../errors.ts'
import type { Datum, NestedField, PrimitiveType, Type } from '../../format/types.ts'

/** A quoted identifier, whatever it holds. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text literal. DuckDB's parser ends a statement at NUL, so that character is spelt out. */
export function quoteText(text: string): string {
  const parts = text.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`)
  return parts.length === 1 ? (parts[0] ?? "''") : `(${parts.join(' || chr(0) || ')})`
}

/** A list of text literals, `['a', 'b']`. */
export function quoteTexts(texts: readonly string[]): string {
  return `[${texts.map(quoteText).join(', ')}]`
}

/** Local paths as a list for `read_parquet`, which expands wildcards. */
export function quotePaths(paths: readonly string[]): string {
  return quoteTexts(paths.map(withoutWildcards))
}

/** A path as a pattern for itself: a character with a meaning there stands in a bracket of its own. */
export function withoutWildcards(path: string): string {
  return path.replaceAll(/[*?[]/g, (character) => `[${character}]`)
}

/**
 * The DuckDB type that holds an Iceberg type, in the spelling that DuckDB itself gives back.
 *
 * Throws UnsupportedFeatureError for types that are not built (variant, geometry, …).
 */
export function sqlType(type: Type): string {
  switch (type.kind) {
    case 'boolean':
      return 'BOOLEAN'
    case 'int':
    case 'unknown': // always null: any type does, and this is the one that DuckDB takes for itself
      return 'INTEGER'
    case 'long':
      return 'BIGINT'
    case 'float':
      return 'FLOAT'
    case 'double':
      return 'DOUBLE'
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`
    case 'date':
      return 'DATE'
    case 'time':
      return 'TIME'
    case 'timestamp':
      return 'TIMESTAMP'
    case 'timestamptz':
      return 'TIMESTAMP WITH TIME ZONE'
    case 'timestamp_ns':
      return 'TIMESTAMP_NS'
    case 'string':
      return 'VARCHAR'
    case 'uuid':
      return 'UUID'
    case 'fixed':
    case 'binary':
      return 'BLOB'
    case 'struct':
      return structType(type.fields.map((field) => [field.name, sqlType(field.type)]))
    case 'list':
      return `${sqlType(type.element)}[]`
    case 'map':
      return `MAP(${sqlType(type.key)}, ${sqlType(type.value)})`
    case 'timestamptz_ns':
    case 'variant':
    case 'geometry':
    case 'geography':
      throw new UnsupportedFeatureError(`columns of type ${type.kind} cannot be read or written yet`)
  }
}

/** A struct type of named members. DuckDB tells names apart regardless of case, so twins are numbered. */
export function structType(members: readonly (readonly [name: string, type: string])[]): string {
  const names = distinctNames(members.map(([name]) => name))
  return `STRUCT(${members.map(([, type], at) => `${quoteName(names[at] ?? '')} ${type}`).join(', ')})`
}

/** Names that differ even for an engine that ignores case: `x, X` becomes `x, X_1`. */
export function distinctNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>()
  return names.map((name) => {
    let candidate = name
    for (let suffix = 1; taken.has(candidate.toLowerCase()); suffix++) candidate = `${name}_${suffix}`
    taken.add(candidate.toLowerCase())
    return candidate
  })
}

/** The FIELD_IDS of a COPY to Parquet: ids of columns, at every depth. */
export function fieldIdsSql(fields: readonly NestedField[]): string {
  const names = distinctNames(fields.map((field) => field.name))
  return `{${fields.map((field, at) => `${quoteName(names[at] ?? '')}: ${idsOf(field.id, field.type)}`).join(', ')}}`
}

function idsOf(id: number, type: Type): string {
  const own = `__duckdb_field_id: ${id}`
  switch (type.kind) {
    case 'struct':
      return `{${own}, ${fieldIdsSql(type.fields).slice(1)}`
    case 'list':
      return `{${own}, element: ${idsOf(type.elementId, type.element)}}`
    case 'map':
      return `{${own}, key: ${idsOf(type.keyId, type.key)}, value: ${idsOf(type.valueId, type.value)}}`
    default:
      return String(id)
  }
}

/** The exact literal of a value, typed as its column is. */
export function datumSql(type: PrimitiveType, datum: Datum | null): string {
  if (datum === null) return `CAST(NULL AS ${sqlType(type)})`
  switch (type.kind) {
    case 'boolean':
      return datum === true ? 'TRUE' : 'FALSE'
    case 'int':
    case 'long':
      return `CAST(${wholeNumber(datum)} AS ${sqlType(type)})`
    case 'float':
    case 'double':
      return `CAST('${floatText(datum)}' AS ${sqlType(type)})`
    case 'decimal':
      return `CAST('${decimalText(wholeNumber(datum), type.scale)}' AS ${sqlType(type)})`
    case 'date':
      return `make_date(CAST(${wholeNumber(datum)} AS INTEGER))`
    case 'time':
      return `CAST('${timeText(wholeNumber(datum))}' AS TIME)`
    case 'timestamp':
      return `make_timestamp(CAST(${wholeNumber(datum)} AS BIGINT))`
    case 'timestamptz':
      return `make_timestamptz(CAST(${wholeNumber(datum)} AS BIGINT))`
    case 'timestamp_ns':
      return `make_timestamp_ns(CAST(${wholeNumber(datum)} AS BIGINT))`
    case 'string':
      return quoteText(textOf(datum))
    case 'uuid':
      return `CAST(${quoteText(textOf(datum))} AS UUID)`
    case 'fixed':
    case 'binary':
      return `unhex('${hexOf(datum)}')`
    default:
      throw new UnsupportedFeatureError(`values of type ${type.kind} cannot be compared or filled in yet`)
  }
}

/** Lower-case hexadecimal digits of a byte value. */
export function hexOf(datum: Datum): string {
  if (!(datum instanceof Uint8Array)) throw mistyped('bytes')
  return Buffer.from(datum.buffer, datum.byteOffset, datum.byteLength).toString('hex')
}

/** The number of a float or double value. */
export function numberOf(datum: Datum): number {
  if (typeof datum !== 'number') throw mistyped('a number')
  return datum
}

function wholeNumber(datum: Datum): bigint {
  if (typeof datum === 'bigint') return datum
  if (typeof datum === 'number' && Number.isInteger(datum)) return BigInt(datum)
  throw mistyped('a whole number')
}

function textOf(datum: Datum): string {
  if (typeof datum !== 'string') throw mistyped('a text')
  return datum
}

function floatText(datum: Datum): string {
  const value = numberOf(datum)
  return Object.is(value, -0) ? '-0.0' : String(value)
}

function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  if (scale === 0) return sign + digits
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

function timeText(micros: bigint): string {
  const digits = (value: bigint, length: number): string => value.toString().padStart(length, '0')
  const seconds = micros / 1_000_000n
  const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map((part) => digits(part, 2))
  return `${clock.join(':')}.${digits(micros % 1_000_000n, 6)}`
}

function mistyped(wanted: string): InvalidDataError {
  return new InvalidDataError(`a literal of this column must be ${wanted}`)
}
