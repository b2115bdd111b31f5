/**
 * How this process lays out the columns of a small file: with the names, ids and Parquet types that
 * the engine gives them, so that nobody can tell who wrote a file.
 */
import type { SchemaElement } from 'hyparquet'
import { elementField, keyField, valueField } from '../../format/nested-fields.ts'
import type { Schema } from '../../format/schema.ts'
import { isPrimitive, type NestedField, type PrimitiveType } from '../../format/types.ts'
import { EngineError } from '../../errors.ts'
import type { MeasuredLeaf } from './file-metrics.ts'
import { distinctNames } from './sql.ts'

/** A column, or what is inside one. */
export type SmallNode =
  | SmallLeaf
  | { readonly kind: 'struct'; readonly members: readonly SmallMember[] }
  | { readonly kind: 'list'; readonly element: SmallNode }
  | { readonly kind: 'map'; readonly key: SmallNode; readonly value: SmallNode }

export interface SmallLeaf extends MeasuredLeaf {
  readonly kind: 'leaf'
}

export interface SmallMember {
  /** As the file calls it: differs from the field's where two names differ in case only. */
  readonly name: string
  readonly node: SmallNode
}

export interface SmallColumn extends SmallMember {
  /** Its place among the schema's fields. */
  readonly at: number
}

export interface SmallLayout {
  /** The file's schema as the encoder takes it, root first. */
  readonly elements: SchemaElement[]
  readonly columns: readonly SmallColumn[]
}

const known = new WeakMap<Schema, SmallLayout | null>()

/** null for a schema whose files only the engine can write. */
export function smallLayout(schema: Schema): SmallLayout | null {
  const layout = known.get(schema)
  if (layout !== undefined) return layout
  const made = isPlainEnough(schema.fields) ? layoutOf(schema.fields) : null
  known.set(schema, made)
  return made
}

/** Parquet has no groups without members. */
function isPlainEnough(fields: readonly NestedField[]): boolean {
  const hasMembers = ({ type }: NestedField): boolean => {
    switch (type.kind) {
      case 'struct':
        return type.fields.length > 0 && type.fields.every(hasMembers)
      case 'list':
        return hasMembers(elementField(type))
      case 'map':
        return hasMembers(keyField(type)) && hasMembers(valueField(type))
      default:
        return true
    }
  }
  return fields.some(({ type }) => type.kind !== 'unknown') && fields.every(hasMembers)
}

function layoutOf(fields: readonly NestedField[]): SmallLayout {
  const names = distinctNames(fields.map(({ name }) => name))
  const elements: SchemaElement[] = []
  const columns = fields.flatMap((field, at): SmallColumn[] => {
    // Always null, and by the spec not in the files at all.
    if (field.type.kind === 'unknown') return []
    const name = names[at] ?? field.name
    return [{ at, name, node: addNode(elements, { ...field, name }, 'OPTIONAL', false) }]
  })
  const root: SchemaElement = { name: 'schema', repetition_type: 'REQUIRED', num_children: columns.length }
  return { elements: [root, ...elements], columns }
}

/** Every column is optional in the file, whether the table requires it or not, as with the engine. */
function addNode(
  elements: SchemaElement[],
  field: NestedField,
  repetition: 'OPTIONAL' | 'REQUIRED',
  isRepeated: boolean,
): SmallNode {
  const { id, name, type } = field
  const common = { name, repetition_type: repetition, field_id: id }
  if (isPrimitive(type)) {
    elements.push({ ...common, ...parquetType(type) })
    return { kind: 'leaf', id, type, isRepeated }
  }
  switch (type.kind) {
    case 'struct': {
      elements.push({ ...common, num_children: type.fields.length })
      const names = distinctNames(type.fields.map((member) => member.name))
      const members = type.fields.map((member, at) => {
        const called = names[at] ?? member.name
        const node = addNode(elements, { ...member, name: called }, 'OPTIONAL', isRepeated)
        return { name: called, node }
      })
      return { kind: 'struct', members }
    }
    case 'list': {
      elements.push({ ...common, num_children: 1, converted_type: 'LIST' })
      elements.push({ name: 'list', repetition_type: 'REPEATED', num_children: 1 })
      return { kind: 'list', element: addNode(elements, elementField(type), 'OPTIONAL', true) }
    }
    case 'map': {
      elements.push({ ...common, num_children: 1, converted_type: 'MAP' })
      elements.push({ name: 'key_value', repetition_type: 'REPEATED', num_children: 2 })
      const key = addNode(elements, keyField(type), 'REQUIRED', true)
      return { kind: 'map', key, value: addNode(elements, valueField(type), 'OPTIONAL', true) }
    }
    case 'variant':
      throw notWritable(type.kind)
  }
}

function parquetType(type: PrimitiveType): Omit<SchemaElement, 'name'> {
  switch (type.kind) {
    case 'boolean':
      return { type: 'BOOLEAN' }
    case 'int':
    case 'unknown': // inside a struct, where it has to be something
      return { type: 'INT32', converted_type: 'INT_32' }
    case 'long':
      return { type: 'INT64', converted_type: 'INT_64' }
    case 'float':
      return { type: 'FLOAT' }
    case 'double':
      return { type: 'DOUBLE' }
    case 'decimal':
      return decimalType(type)
    case 'date':
      return { type: 'INT32', converted_type: 'DATE' }
    case 'time':
      return {
        type: 'INT64',
        converted_type: 'TIME_MICROS',
        logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS' },
      }
    case 'timestamp':
    case 'timestamptz':
      return {
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: type.kind === 'timestamptz', unit: 'MICROS' },
      }
    case 'timestamp_ns':
      return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'NANOS' } }
    case 'string':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8' }
    case 'uuid':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } }
    case 'binary':
      return { type: 'BYTE_ARRAY' }
    default:
      throw notWritable(type.kind)
  }
}

function decimalType({ precision, scale }: PrimitiveType & { readonly kind: 'decimal' }) {
  const annotation = {
    converted_type: 'DECIMAL',
    precision,
    scale,
    logical_type: { type: 'DECIMAL', precision, scale },
  } as const
  if (precision <= 9) return { type: 'INT32', ...annotation } as const
  if (precision <= 18) return { type: 'INT64', ...annotation } as const
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, ...annotation } as const
}

/** Schemas that have such a column are refused before. */
function notWritable(kind: string): Error {
  return new EngineError(`columns of type ${kind} cannot be written`)
}
