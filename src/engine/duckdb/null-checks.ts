/** Finding nulls where the table wants values, in column buffers. */
import {
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
} from '@duckdb/node-api'
import { elementField, keyField, valueField } from '../../format/nested-fields.ts'
import type { Schema } from '../../format/schema.ts'
import type { NestedField } from '../../format/types.ts'
import { InvalidDataError } from '../../errors.ts'
import type { SourceColumn } from './block-source.ts'
import { hasValue, type Block, type ColumnData } from './column-data.ts'
import { nullInRequired } from './column-builder.ts'

/** InvalidDataError naming the column and the row of the block for a null in a required column. */
export function checkRequired(block: Block, columns: readonly SourceColumn[], schema: Schema): void {
  for (const [at, column] of columns.entries()) {
    const field = schema.fields.find((other) => other.name === column.name)
    const data = block.columns[at]
    if (field === undefined || data === undefined || !hasRequired(field)) continue
    const found = firstMissing(field, column.type, data, 0, block.rows, field.name)
    if (found !== null)
      throw new InvalidDataError(nullInRequired(found.path).message, {
        column: found.path,
        row: found.element,
      })
  }
}

function hasRequired(field: NestedField): boolean {
  const { type } = field
  if (field.required) return true
  switch (type.kind) {
    case 'struct':
      return type.fields.some(hasRequired)
    case 'list':
      return hasRequired(elementField(type))
    case 'map':
      return true
    default:
      return false
  }
}

interface Missing {
  readonly path: string
  /** Index of the outermost element, a row, that holds it. */
  readonly element: number
}

/** The first element in [start, end) that misses a required part. */
function firstMissing(
  field: NestedField,
  from: DuckDBType,
  data: ColumnData,
  start: number,
  end: number,
  path: string,
): Missing | null {
  if (field.required && data.validity !== null) {
    for (let i = start; i < end; i++) if (!hasValue(data, i)) return { path, element: i }
  }
  const { type } = field
  for (const part of partsOf(type, from, data, path)) {
    if (!hasRequired(part.field)) continue
    for (let i = start; i < end; i++) {
      if (!hasValue(data, i)) continue
      const [first, last] = part.range(i)
      const found = firstMissing(part.field, part.from, part.data, first, last, part.path)
      if (found !== null) return { path: found.path, element: i }
    }
  }
  return null
}

interface Part {
  readonly field: NestedField
  readonly from: DuckDBType
  readonly data: ColumnData
  readonly path: string
  readonly range: (index: number) => readonly [number, number]
}

function partsOf(
  type: NestedField['type'],
  from: DuckDBType,
  data: ColumnData,
  path: string,
): readonly Part[] {
  if (type.kind === 'struct' && from instanceof DuckDBStructType && data.kind === 'struct') {
    return type.fields.flatMap((field) => {
      const at = from.entryNames.indexOf(field.name)
      const inner = from.entryTypes[at]
      const child = data.children[at]
      if (inner === undefined || child === undefined) return []
      return [{ field, from: inner, data: child, path: `${path}.${field.name}`, range: single }]
    })
  }
  if (data.kind !== 'list') return []
  const range = (index: number): readonly [number, number] => [
    data.offsets[index] ?? 0,
    data.offsets[index + 1] ?? 0,
  ]
  if (type.kind === 'list' && (from instanceof DuckDBListType || from instanceof DuckDBArrayType)) {
    return [
      { field: elementField(type), from: from.valueType, data: data.child, path: `${path}.element`, range },
    ]
  }
  if (type.kind === 'map' && from instanceof DuckDBMapType && data.child.kind === 'struct') {
    const [key, value] = data.child.children
    if (key === undefined || value === undefined) return []
    return [
      { field: keyField(type), from: from.keyType, data: key, path: `${path}.key`, range },
      { field: valueField(type), from: from.valueType, data: value, path: `${path}.value`, range },
    ]
  }
  return []
}

function single(index: number): readonly [number, number] {
  return [index, index + 1]
}
