/** How wide rows are in the engine's memory. */
import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Schema } from '../../format/schema.ts'
import type { Type } from '../../format/types.ts'
import { listsOf, memberOf, readColumns, validityOf, type VectorRows } from './raw-vector.ts'
import { longBytes } from './string-vector.ts'

/** Bytes that every row has in vectors at least: elements of lists and maps come on top. */
export function vectorBytes({ fields }: Schema): number {
  return fields.reduce((sum, field) => sum + widthOf(field.type), 0)
}

function widthOf(type: Type): number {
  switch (type.kind) {
    case 'struct':
      return type.fields.reduce((sum, field) => sum + widthOf(field.type), 0)
    case 'list':
    case 'map':
    case 'string':
    case 'binary':
    case 'fixed':
    case 'uuid':
      return 16
    case 'boolean':
      return 1
    case 'int':
    case 'float':
    case 'date':
    case 'unknown':
      return 4
    case 'decimal':
      return type.precision > 18 ? 16 : type.precision > 9 ? 8 : type.precision > 4 ? 4 : 2
    default:
      return 8
  }
}

/** Whether values of the type may lie outside of vectors. */
export function isText({ kind }: Type): boolean {
  return kind === 'string' || kind === 'binary' || kind === 'fixed'
}

/**
 * Bytes per row of texts and byte strings that lie outside of vectors, of a chunk whose columns are the
 * schema's, in its order.
 */
export function textBytes(chunk: DuckDBDataChunk, rowCount: number, { fields }: Schema): number {
  return readColumns(chunk, rowCount, (columnAt) => {
    const bytes = fields.reduce((sum, field, at) => sum + textsOf(columnAt(at), field.type), 0)
    return bytes / rowCount
  })
}

/** Bytes of all rows. */
function textsOf(from: VectorRows, type: Type): number {
  switch (type.kind) {
    case 'struct':
      return type.fields.reduce((sum, field, at) => sum + textsOf(memberOf(from, at), field.type), 0)
    case 'list':
      return textsOf(elementsOf(from), type.element)
    case 'map': {
      const elements = elementsOf(from)
      return textsOf(memberOf(elements, 0), type.key) + textsOf(memberOf(elements, 1), type.value)
    }
    default:
      return isText(type) ? longBytes(from, validityOf(from)) : 0
  }
}

function elementsOf(from: VectorRows): VectorRows {
  return listsOf(from, validityOf(from)).elements
}
