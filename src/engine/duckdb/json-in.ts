/** SQL that reads values from JSON, by the same strict rules as from text. */
import { elementField, valueField } from '../../format/nested-fields.ts'
import { SchemaMismatchError } from '../../errors.ts'
import {
  isPrimitive,
  type ListType,
  type MapType,
  type NestedField,
  type PrimitiveType,
  type StructType,
  type Type,
} from '../../format/types.ts'
import { guarded, missing, required, type Converted } from './converted.ts'
import { distinctNames, quoteName, quoteText, quoteTexts } from './sql.ts'
import { textValue } from './text-in.ts'

/** A JSON value as a value of a column. Whether SQL or JSON, null is null. */
export function jsonValue(sql: string, to: Type, path: string, depth: number): Converted {
  if (isPrimitive(to)) return scalar(sql, to, path)
  switch (to.kind) {
    case 'struct':
      return struct(sql, to, path, depth)
    case 'list':
      return list(sql, to, path, depth)
    case 'map':
      return map(sql, to, path, depth)
    case 'variant':
      throw new SchemaMismatchError(`column ${path} of type variant cannot be written yet`, { column: path })
  }
}

/** The condition under which a JSON value is null. */
export function jsonIsNull(sql: string): string {
  return `coalesce(json_type(${sql}), 'NULL') = 'NULL'`
}

function scalar(sql: string, to: PrimitiveType, path: string): Converted {
  const text = `(${sql} ->> '$')`
  const value = textValue(text, to, path)
  const fits = `${jsonIsNull(sql)} OR json_type(${sql}) IN ${kindsFor(to)}`
  // JSON numbers with a fraction are read as doubles, whose text is the number written only up to
  // fifteen digits.
  const exact =
    to.kind === 'decimal'
      ? ` AND (coalesce(json_type(${sql}), '') <> 'DOUBLE' OR length(regexp_replace(${text}, '[-.]|\\.0$', '', 'g')) <= 15)`
      : ''
  return { sql: guarded(`(${fits})${exact}`, value.sql), checked: true }
}

function kindsFor(to: PrimitiveType): string {
  switch (to.kind) {
    case 'boolean':
      return `('BOOLEAN')`
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'decimal':
      return `('BIGINT', 'UBIGINT', 'DOUBLE', 'VARCHAR')`
    default:
      return `('VARCHAR')`
  }
}

function struct(sql: string, to: StructType, path: string, depth: number): Converted {
  const names = distinctNames(to.fields.map((field) => field.name))
  const pairs = to.fields.map((field, at) => {
    const full = `${path}.${field.name}`
    return `${quoteName(names[at] ?? '')} := ${jsonMember(sql, field, full, depth).sql}`
  })
  const fits = hasOnlyFields(sql, to.fields)
  const value = guarded(fits, `struct_pack(${pairs.join(', ')})`)
  return { sql: `CASE WHEN ${jsonIsNull(sql)} THEN NULL ELSE ${value} END`, checked: true }
}

/** Whether a JSON value is an object without keys that are no fields. */
export function hasOnlyFields(sql: string, fields: readonly NestedField[]): string {
  const known = quoteTexts(fields.map((field) => field.name))
  return `json_type(${sql}) = 'OBJECT' AND list_has_all(${known}, json_keys(${sql}))`
}

/** The member of a JSON object: NULL when there is none, JSON's null when that is what it is. */
export function jsonPointer(object: string, name: string): string {
  const escaped = name.replaceAll('~', '~0').replaceAll('/', '~1')
  return `json_extract(${object}, ${quoteText(`/${escaped}`)})`
}

/** A member of a JSON object as the field of that name. A key that is not there is null. */
export function jsonMember(object: string, field: NestedField, path: string, depth: number): Converted {
  const member = jsonPointer(object, field.name)
  const value = jsonValue(member, field.type, path, depth)
  const hasDefault = field.writeDefault !== undefined && field.writeDefault !== null
  const given = hasDefault
    ? {
        sql: `CASE WHEN (${member}) IS NULL THEN ${missing(field, path, 'the source').sql} ELSE ${value.sql} END`,
        checked: true,
      }
    : value
  return field.required && !hasDefault
    ? { sql: guarded(`NOT (${jsonIsNull(member)})`, given.sql), checked: true }
    : given
}

function list(sql: string, to: ListType, path: string, depth: number): Converted {
  const name = `e${depth}`
  const element = elementField(to)
  const value = jsonValue(name, to.element, `${path}.element`, depth + 1)
  const inner = element.required ? guarded(`NOT (${jsonIsNull(name)})`, value.sql) : value.sql
  const elements = `list_transform(from_json(${sql}, '["JSON"]'), lambda ${name}: ${inner})`
  return {
    sql: `CASE WHEN ${jsonIsNull(sql)} THEN NULL ELSE ${guarded(`json_type(${sql}) = 'ARRAY'`, elements)} END`,
    checked: true,
  }
}

function map(sql: string, to: MapType, path: string, depth: number): Converted {
  const name = `e${depth}`
  const key = textValue(`${name}['key']`, to.key, `${path}.key`)
  const inner = jsonValue(`${name}['value']`, to.value, `${path}.value`, depth + 1)
  const value = valueField(to).required
    ? required(valueField(to), `nullif(${name}['value'], 'null'::JSON)`, inner)
    : inner
  const entries =
    `map_from_entries(list_transform(map_entries(from_json(${sql}, '"MAP(VARCHAR, JSON)"')), ` +
    `lambda ${name}: struct_pack("key" := ${key.sql}, "value" := ${value.sql})))`
  return {
    sql: `CASE WHEN ${jsonIsNull(sql)} THEN NULL ELSE ${guarded(`json_type(${sql}) = 'OBJECT'`, entries)} END`,
    checked: true,
  }
}
