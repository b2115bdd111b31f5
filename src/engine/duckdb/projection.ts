/**
 * Table columns out of a file's columns, by field id at every depth (Iceberg spec, "Column
 * Projection"): renamed, reordered, promoted and nested fields, fields that the file has not.
 *
 * A field that the file does not hold by id comes, in this order, from the identity partition value
 * of the file, from a column without an id that the name mapping gives to it, from its initial
 * default, and else is null.
 */
import { SchemaMismatchError, UnsupportedFeatureError } from '../../errors.ts'
import type { MappedField, NameMapping } from '../../format/name-mapping.ts'
import { isPrimitive, type Datum, type NestedField, type StructType, type Type } from '../../format/types.ts'
import { datumFromJson } from '../../format/values/json.ts'
import { leafConversion, type Convert } from './leaf-conversion.ts'
import { corrupt } from './open-parquet.ts'
import type { PhysicalField, PhysicalNode, PhysicalSchema } from './physical.ts'
import { datumSql, distinctNames, quoteName, sqlType } from './sql.ts'

/** A file, or several that are laid out alike, as the source of table columns. */
export interface FileColumns {
  /** As errors call the file, or one of them. */
  readonly name: string
  readonly physical: PhysicalSchema
  readonly nameMapping: NameMapping | null
  /** Identity partition values by source field id, of fields that the file does not hold by id. */
  readonly constants: ReadonlyMap<number, Datum | null>
  /** SQL of each physical column. */
  readonly columns: readonly string[]
}

/** Refuses a file in which columns could only be guessed. */
export function refuseWithoutIds(file: FileColumns): void {
  if (file.physical.ids.size > 0 || file.nameMapping !== null) return
  throw new SchemaMismatchError('a data file carries no field ids and the table has no name mapping', {
    file: file.name,
    hint: "Set the table property 'schema.name-mapping.default' to say which column is which.",
  })
}

/** A column of the table as an expression over the file's columns, of exactly the column's SQL type. */
export function columnSql(field: NestedField, file: FileColumns): string {
  sqlType(field.type) // refuses, by name, types that are not built
  return fieldSql(field, fileLevel(file), file, field.name)
}

/**
 * A primitive field for a filter: the file's own leaf where there is one, so that the engine can
 * prune by it. Null where the field, or a struct above it, is missing or null.
 */
export function leafSql(path: readonly NestedField[], file: FileColumns): string {
  let level = fileLevel(file)
  let struct: string | null = null
  for (const [depth, field] of path.entries()) {
    const isLeaf = depth === path.length - 1
    const found = findIn(field, level, file)
    if (isLeaf) {
      const sql = fieldSql(field, level, file, pathName(path))
      // A member that the file does not hold has a value only where its struct is there.
      return found !== null || struct === null ? sql : `CASE WHEN ${struct} IS NOT NULL THEN ${sql} END`
    }
    if (found === null) {
      if (hasInitialDefault(field)) throw nestedDefault(pathName(path.slice(0, depth + 1)))
      return `CAST(NULL AS ${sqlType(path.at(-1)?.type ?? field.type)})`
    }
    if (found.field.node.kind !== 'struct') throw mismatch(field, file, pathName(path))
    struct = level.sql(found.at)
    level = {
      fields: found.field.node.fields,
      sql: memberSql(found.field.node.fields, struct),
      mapping: found.mapping,
    }
  }
  throw new SchemaMismatchError('a filter names no column')
}

/** A struct's members, or the columns of the file. */
export interface Level {
  readonly fields: readonly PhysicalField[]
  readonly sql: (at: number) => string
  /** The part of the name mapping that speaks of these fields. */
  readonly mapping: readonly MappedField[] | null
}

export interface Found {
  readonly at: number
  readonly field: PhysicalField
  readonly mapping: readonly MappedField[] | null
}

/** The columns of a file. */
export function fileLevel(file: FileColumns): Level {
  return {
    fields: file.physical.columns,
    sql: (at) => file.columns[at] ?? '',
    mapping: file.nameMapping,
  }
}

function memberSql(fields: readonly PhysicalField[], structSql: string): (at: number) => string {
  return (at) => `struct_extract(${structSql}, ${textOf(fields[at]?.sqlName ?? '')})`
}

function textOf(name: string): string {
  return `'${name.replaceAll("'", "''")}'`
}

/** Finds a table field among a level's physical fields: by id, or by mapped name where it has none. */
export function findIn(field: NestedField, level: Level, file: FileColumns): Found | null {
  const mapped = level.mapping?.find((each) => each['field-id'] === field.id)
  const mapping = mapped?.fields ?? null
  const byId = only(level.fields, (each) => each.id === field.id, field, file)
  if (byId !== null) return { ...byId, mapping }
  if (mapped === undefined || file.constants.has(field.id)) return null
  // In the mapping's order: it keeps a field's first name first, and a file that has two of them
  // was written while the later one was still another field's.
  for (const name of mapped.names) {
    const byName = only(level.fields, (each) => each.id === null && each.name === name, field, file)
    if (byName !== null) return { ...byName, mapping }
  }
  return null
}

function only(
  fields: readonly PhysicalField[],
  is: (field: PhysicalField) => boolean,
  wanted: NestedField,
  file: FileColumns,
): { readonly at: number; readonly field: PhysicalField } | null {
  const at = fields.findIndex(is)
  const field = fields[at]
  if (field === undefined) return null
  if (fields.findLastIndex(is) !== at) {
    throw corrupt(file, `two of its columns claim field id ${wanted.id}`)
  }
  return { at, field }
}

/** SQL of a field at a level, whether the file holds it or not. */
function fieldSql(field: NestedField, level: Level, file: FileColumns, name: string): string {
  const found = findIn(field, level, file)
  if (found === null) return absentSql(field, file, name)
  const convert = conversion(field.type, found.field.node, found.mapping, file, name)
  const sql = level.sql(found.at)
  return convert === null ? sql : convert(sql)
}

/** The value of a field that the file does not hold, the same for each of its rows. */
function absentSql(field: NestedField, file: FileColumns, name: string): string {
  const constant = file.constants.get(field.id)
  if (constant !== undefined && isPrimitive(field.type)) return datumSql(field.type, constant)
  if (hasInitialDefault(field)) {
    if (!isPrimitive(field.type)) throw nestedDefault(name)
    return datumSql(field.type, datumFromJson(field.type, field.initialDefault))
  }
  if (field.required) {
    throw new SchemaMismatchError(`a data file does not hold the required column '${name}'`, {
      file: file.name,
      column: name,
      hint: 'Make the column optional, give it a default, or map it to a column of the file.',
    })
  }
  return `CAST(NULL AS ${sqlType(field.type)})`
}

function hasInitialDefault({ initialDefault }: NestedField): boolean {
  return initialDefault !== undefined && initialDefault !== null
}

function nestedDefault(name: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(`default values of nested columns are not built: column '${name}'`)
}

/** How a physical node becomes a value of the type; null when it is one already. */
function conversion(
  type: Type,
  node: PhysicalNode,
  mapping: readonly MappedField[] | null,
  file: FileColumns,
  name: string,
): Convert | null {
  if (type.kind === 'struct' && node.kind === 'struct')
    return structConversion(type, node, mapping, file, name)
  if (type.kind === 'list' && node.kind === 'list') {
    const element = conversion(type.element, node.element, mappingOf(mapping, 'element'), file, name)
    if (element === null) return null
    return (sql) => `list_transform(${sql}, lambda item: ${element('item')})`
  }
  if (type.kind === 'map' && node.kind === 'map') {
    const key = conversion(type.key, node.key, mappingOf(mapping, 'key'), file, `${name}.key`)
    const value = conversion(type.value, node.value, mappingOf(mapping, 'value'), file, `${name}.value`)
    return key === null && value === null ? null : mapConversion(key, value)
  }
  if (isPrimitive(type) && node.kind === 'leaf') {
    if (node.sqlType === null) return () => `CAST(NULL AS ${sqlType(type)})`
    const convert = leafConversion(type, node.sqlType)
    if (convert !== undefined) return convert
  }
  throw mismatch({ type }, file, name)
}

function mapConversion(key: Convert | null, value: Convert | null): Convert {
  const part = (convert: Convert | null, sql: string): string => (convert === null ? sql : convert(sql))
  const entry = `struct_pack(key := ${part(key, 'item.key')}, value := ${part(value, 'item.value')})`
  return (sql) =>
    `CASE WHEN ${sql} IS NULL THEN NULL ` +
    `ELSE map_from_entries(list_transform(map_entries(${sql}), lambda item: ${entry})) END`
}

/** A struct is packed anew unless it has just the wanted members; one that is null stays null. */
function structConversion(
  type: StructType,
  node: PhysicalNode & { readonly kind: 'struct' },
  mapping: readonly MappedField[] | null,
  file: FileColumns,
  name: string,
): Convert | null {
  const names = distinctNames(type.fields.map((field) => field.name))
  if (names.length === 0) throw new UnsupportedFeatureError(`column '${name}' is a struct without fields`)
  const level = { fields: node.fields, mapping, sql: () => '' }
  const asItIs = type.fields.every((field, at) => {
    const found = findIn(field, level, file)
    if (found === null || found.at !== at || found.field.sqlName !== names[at]) return false
    return conversion(field.type, found.field.node, found.mapping, file, `${name}.${field.name}`) === null
  })
  if (asItIs && node.fields.length === type.fields.length) return null
  return (sql) => {
    const members = { ...level, sql: memberSql(node.fields, sql) }
    const packed = type.fields.map(
      (field, at) =>
        `${quoteName(names[at] ?? '')} := ${fieldSql(field, members, file, `${name}.${field.name}`)}`,
    )
    return `CASE WHEN ${sql} IS NULL THEN NULL ELSE struct_pack(${packed.join(', ')}) END`
  }
}

/** The mapping of what a list or map holds: its one `element`, `key` or `value`. */
export function mappingOf(
  mapping: readonly MappedField[] | null,
  part: 'element' | 'key' | 'value',
): readonly MappedField[] | null {
  return mapping?.find((each) => each.names.includes(part))?.fields ?? null
}

function pathName(path: readonly NestedField[]): string {
  return path.map((field) => field.name).join('.')
}

function mismatch(field: { readonly type: Type }, file: FileColumns, name: string): SchemaMismatchError {
  return new SchemaMismatchError(
    `column '${name}' is a ${field.type.kind} in the table and something else in a data file`,
    { file: file.name, column: name },
  )
}
