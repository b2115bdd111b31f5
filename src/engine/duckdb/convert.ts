/**
 * SQL that turns an incoming column into the table's: matched by name at every depth, widened where
 * nothing can be lost, refused by type where something could be, and checked value by value where
 * only the values decide.
 */
import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  type DuckDBType,
} from '@duckdb/node-api'
import { SchemaMismatchError } from '../../errors.ts'
import { elementField, keyField, valueField } from '../../format/nested-fields.ts'
import { typeToString } from '../../format/types-json.ts'
import { isPrimitive, type NestedField, type StructType, type Type } from '../../format/types.ts'
import { guarded, missing, required, unknownColumn, type Converted } from './converted.ts'
import { duckType } from './duck-types.ts'
import { jsonIsNull, jsonValue } from './json-in.ts'
import { distinctNames, quoteName, sqlType } from './sql.ts'
import { textValue } from './text-in.ts'

/** What a column of a source is: typed, text to be parsed (CSV), or a JSON value. */
export type IncomingType = DuckDBType | 'text' | 'json'

export interface IncomingColumn {
  readonly name: string
  readonly type: IncomingType
  /** Its SQL, when it is not simply the column of that name. */
  readonly sql?: string
}

/** A column of the data files. */
export interface OutgoingColumn extends Converted {
  readonly field: NestedField
  /** As the file calls it: differs from the field's where two names differ in case only. */
  readonly name: string
  /** SQL of whether the incoming value is null; null when the source has no such column. */
  readonly isMissing: string | null
}

/**
 * The columns of a data file out of those of a source. SchemaMismatchError naming the column:
 * unknown, missing and required, or of a type that does not fit.
 */
export function convertColumns(
  incoming: readonly IncomingColumn[],
  fields: readonly NestedField[],
  source: { readonly name: string; readonly nullsChecked: boolean },
): readonly OutgoingColumn[] {
  const byName = new Map(incoming.map((column) => [column.name, column]))
  const known = new Set(fields.map((field) => field.name))
  const unknown = incoming.find((column) => !known.has(column.name))
  if (unknown !== undefined) throw unknownColumn(unknown.name, source.name)
  const names = distinctNames(fields.map((field) => field.name))
  return fields.flatMap((field, at): OutgoingColumn[] => {
    // Always null, and by the spec not in the files at all.
    if (field.type.kind === 'unknown') return []
    const column = byName.get(field.name)
    const name = names[at] ?? field.name
    if (column === undefined)
      return [{ ...missing(field, field.name, source.name), field, name, isMissing: null }]
    const sql = column.sql ?? quoteName(column.name)
    const place = { path: field.name, depth: 0, nullsChecked: source.nullsChecked }
    const isMissing = column.type === 'json' ? jsonIsNull(sql) : `(${sql}) IS NULL`
    return [{ ...convertTop(sql, column.type, field, place, isMissing), field, name, isMissing }]
  })
}

function convertTop(
  sql: string,
  from: IncomingType,
  field: NestedField,
  place: Place,
  isMissing: string,
): Converted {
  const value = convertValue(sql, from, field.type, place)
  // Nulls of a primitive column are counted by whoever writes it; of a nested one nobody counts them.
  const checked =
    field.required && !isPrimitive(field.type) && !place.nullsChecked
      ? { sql: guarded(`NOT (${isMissing})`, value.sql), checked: true }
      : value
  if (from !== 'json' || field.writeDefault === undefined || field.writeDefault === null) return checked
  const absent = missing(field, place.path, 'the source')
  return { ...checked, sql: `CASE WHEN (${sql}) IS NULL THEN ${absent.sql} ELSE ${checked.sql} END` }
}

/** Where a value stands. */
interface Place {
  /** Its full name, for errors. */
  readonly path: string
  /** How many functions on elements are around it. */
  readonly depth: number
  /** Nulls in required parts have been refused already. */
  readonly nullsChecked: boolean
}

/** A value of one type as a value of another. */
function convertValue(sql: string, from: IncomingType, to: Type, place: Place): Converted {
  const { path, depth } = place
  if (from === 'text') {
    return isPrimitive(to) ? textValue(sql, to, path) : jsonValue(`CAST(${sql} AS JSON)`, to, path, depth)
  }
  if (from === 'json') return jsonValue(sql, to, path, depth)
  if (from.typeId === DuckDBTypeId.SQLNULL) return { sql: `CAST(NULL AS ${sqlType(to)})`, checked: false }
  if (isPrimitive(to)) {
    const leaf = convertLeaf(sql, from, to)
    if (leaf === null) throw wrongType(path, from, to)
    return leaf
  }
  if (to.kind === 'struct' && from instanceof DuckDBStructType) return convertStruct(sql, from, to, place)
  if (to.kind === 'list') {
    const element = elementOf(from)
    if (element !== null) {
      // A fixed-size array is made a list first: the functions on lists want one.
      const list = from instanceof DuckDBArrayType ? `CAST(${sql} AS ${element.toString()}[])` : sql
      return convertList(list, element, elementField(to), place)
    }
  }
  if (to.kind === 'map' && from instanceof DuckDBMapType) {
    return convertMap(sql, from, keyField(to), valueField(to), place)
  }
  throw wrongType(path, from, to)
}

function wrongType(path: string, from: DuckDBType, to: Type): SchemaMismatchError {
  return new SchemaMismatchError(
    `column ${path} is ${from.toString()} in the source, which does not fit ${typeToString(to)}`,
    { column: path, hint: 'Convert the column in the source, or change its type in the table.' },
  )
}

function elementOf(type: DuckDBType): DuckDBType | null {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return type.valueType
  return null
}

function convertStruct(sql: string, from: DuckDBStructType, to: StructType, place: Place): Converted {
  // Rows come in the table's own types, where names that differ in case only have been changed.
  if (place.nullsChecked && isSame(from, duckType(to))) return { sql, checked: false }
  const unknown = from.entryNames.find((name) => !to.fields.some((field) => field.name === name))
  if (unknown !== undefined) throw unknownColumn(`${place.path}.${unknown}`, 'the source')
  const names = distinctNames(to.fields.map((field) => field.name))
  const members = to.fields.map((field) => {
    const at = from.entryNames.indexOf(field.name)
    const type = from.entryTypes[at]
    const full = `${place.path}.${field.name}`
    if (type === undefined) return missing(field, full, 'the source')
    const value = convertValue(`(${sql})[${quoteLabel(field.name)}]`, type, field.type, {
      ...place,
      path: full,
    })
    return place.nullsChecked ? value : required(field, `(${sql})[${quoteLabel(field.name)}]`, value)
  })
  const checked = members.some((member) => member.checked)
  if (!checked && isSame(from, duckType(to))) return { sql, checked: false }
  const pairs = members.map((member, at) => `${quoteName(names[at] ?? '')} := ${member.sql}`)
  return { sql: `CASE WHEN (${sql}) IS NULL THEN NULL ELSE struct_pack(${pairs.join(', ')}) END`, checked }
}

function convertList(sql: string, from: DuckDBType, element: NestedField, place: Place): Converted {
  const name = `e${place.depth}`
  const inner = convertElement(name, from, element, place)
  if (inner.sql === name) return { sql, checked: false }
  return { sql: `list_transform(${sql}, lambda ${name}: ${inner.sql})`, checked: inner.checked }
}

/** An element of a list, or a key or value of a map. */
function convertElement(sql: string, from: DuckDBType, field: NestedField, place: Place): Converted {
  const within = { ...place, path: `${place.path}.${field.name}`, depth: place.depth + 1 }
  const value = convertValue(sql, from, field.type, within)
  return place.nullsChecked ? value : required(field, sql, value)
}

function convertMap(
  sql: string,
  from: DuckDBMapType,
  key: NestedField,
  value: NestedField,
  place: Place,
): Converted {
  const name = `e${place.depth}`
  const keySql = `${name}['key']`
  const valueSql = `${name}['value']`
  // DuckDB has no map with a null key.
  const newKey = convertElement(keySql, from.keyType, { ...key, required: false }, place)
  const newValue = convertElement(valueSql, from.valueType, value, place)
  if (newKey.sql === keySql && newValue.sql === valueSql) return { sql, checked: false }
  return {
    sql:
      `CASE WHEN (${sql}) IS NULL THEN NULL ELSE map_from_entries(list_transform(map_entries(${sql}), ` +
      `lambda ${name}: struct_pack("key" := ${newKey.sql}, "value" := ${newValue.sql}))) END`,
    checked: newKey.checked || newValue.checked,
  }
}

function quoteLabel(name: string): string {
  return `'${name.replaceAll("'", "''")}'`
}

/** Whole decimal digits that a value of an integer type can have. */
const INTEGER_DIGITS: ReadonlyMap<DuckDBTypeId, number> = new Map([
  [DuckDBTypeId.TINYINT, 3],
  [DuckDBTypeId.UTINYINT, 3],
  [DuckDBTypeId.SMALLINT, 5],
  [DuckDBTypeId.USMALLINT, 5],
  [DuckDBTypeId.INTEGER, 10],
  [DuckDBTypeId.UINTEGER, 10],
  [DuckDBTypeId.BIGINT, 19],
  [DuckDBTypeId.UBIGINT, 20],
])

/** What fits without loss, by its type alone; each list ends with the type itself. */
const WIDENING: ReadonlyMap<string, readonly DuckDBTypeId[]> = new Map([
  ['boolean', [DuckDBTypeId.BOOLEAN]],
  [
    'int',
    [
      DuckDBTypeId.TINYINT,
      DuckDBTypeId.UTINYINT,
      DuckDBTypeId.SMALLINT,
      DuckDBTypeId.USMALLINT,
      DuckDBTypeId.INTEGER,
    ],
  ],
  [
    'long',
    [
      DuckDBTypeId.TINYINT,
      DuckDBTypeId.UTINYINT,
      DuckDBTypeId.SMALLINT,
      DuckDBTypeId.USMALLINT,
      DuckDBTypeId.INTEGER,
      DuckDBTypeId.UINTEGER,
      DuckDBTypeId.BIGINT,
    ],
  ],
  [
    'float',
    [
      DuckDBTypeId.TINYINT,
      DuckDBTypeId.UTINYINT,
      DuckDBTypeId.SMALLINT,
      DuckDBTypeId.USMALLINT,
      DuckDBTypeId.FLOAT,
    ],
  ],
  [
    'double',
    [
      DuckDBTypeId.TINYINT,
      DuckDBTypeId.UTINYINT,
      DuckDBTypeId.SMALLINT,
      DuckDBTypeId.USMALLINT,
      DuckDBTypeId.INTEGER,
      DuckDBTypeId.UINTEGER,
      DuckDBTypeId.FLOAT,
      DuckDBTypeId.DOUBLE,
    ],
  ],
  ['date', [DuckDBTypeId.DATE]],
  ['time', [DuckDBTypeId.TIME]],
  ['timestamp', [DuckDBTypeId.TIMESTAMP_S, DuckDBTypeId.TIMESTAMP_MS, DuckDBTypeId.TIMESTAMP]],
  ['timestamptz', [DuckDBTypeId.TIMESTAMP_TZ]],
  ['timestamp_ns', [DuckDBTypeId.TIMESTAMP_NS]],
  ['string', [DuckDBTypeId.ENUM, DuckDBTypeId.VARCHAR]],
  ['uuid', [DuckDBTypeId.UUID]],
  ['binary', [DuckDBTypeId.BLOB]],
])

function convertLeaf(sql: string, from: DuckDBType, to: Type): Converted | null {
  const cast: Converted = { sql: `CAST(${sql} AS ${sqlType(to)})`, checked: false }
  if (to.kind === 'decimal') return convertDecimal(sql, from, to, cast)
  if (isSame(from, duckType(to)) && to.kind !== 'fixed') return { sql, checked: false }
  if (WIDENING.get(to.kind)?.includes(from.typeId) === true) return cast
  if (to.kind === 'timestamp' && from.typeId === DuckDBTypeId.TIMESTAMP_NS) {
    const whole = `(${sql}) IS NULL OR epoch_ns(${sql}) % 1000 = 0`
    return { sql: guarded(whole, cast.sql), checked: true }
  }
  return null
}

function convertDecimal(
  sql: string,
  from: DuckDBType,
  to: Type & { readonly kind: 'decimal' },
  cast: Converted,
): Converted | null {
  const whole = to.precision - to.scale
  if (from instanceof DuckDBDecimalType) {
    if (from.width === to.precision && from.scale === to.scale) return { sql, checked: false }
    return from.scale <= to.scale && from.width - from.scale <= whole ? cast : null
  }
  const digits = INTEGER_DIGITS.get(from.typeId)
  return digits !== undefined && digits <= whole ? cast : null
}

function isSame(a: DuckDBType, b: DuckDBType): boolean {
  return a.typeId === b.typeId && a.toString() === b.toString()
}
