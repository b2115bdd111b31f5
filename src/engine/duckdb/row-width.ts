/** How wide rows are in the engine's memory. */
import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Schema } from '../../format/schema.ts'
import type { Type } from '../../format/types.ts'
import { listsOf, memberOf, readColumns, validityOf, type VectorRows } from './raw-vector.ts'
import { longBytes } from './string-vector.ts'

/** Bytes per row. */
export interface RowWidth {
  /** Of the vectors themselves. */
  readonly vectors: number
  /** Of texts and byte strings that lie elsewhere. */
  readonly texts: number
}

/** The width of a chunk's rows, whose columns are the schema's, in its order. */
export function rowWidth(chunk: DuckDBDataChunk, rowCount: number, { fields }: Schema): RowWidth {
  return readColumns(chunk, rowCount, (columnAt) => {
    const sizes = fields.map((field, at) => sizeOf(columnAt(at), field.type))
    const { vectors, texts } = total(sizes)
    return { vectors: vectors / rowCount, texts: texts / rowCount }
  })
}

function total(sizes: readonly RowWidth[]): RowWidth {
  const sum = (of: keyof RowWidth): number => sizes.reduce((before, size) => before + size[of], 0)
  return { vectors: sum('vectors'), texts: sum('texts') }
}

/** Bytes of all rows. */
function sizeOf(from: VectorRows, type: Type): RowWidth {
  switch (type.kind) {
    case 'struct':
      return total(type.fields.map((field, at) => sizeOf(memberOf(from, at), field.type)))
    case 'list':
      return total([entries(from), sizeOf(elementsOf(from), type.element)])
    case 'map': {
      const elements = elementsOf(from)
      const members = [sizeOf(memberOf(elements, 0), type.key), sizeOf(memberOf(elements, 1), type.value)]
      return total([entries(from), ...members])
    }
    case 'string':
    case 'binary':
    case 'fixed':
      return { ...entries(from), texts: longBytes(from, validityOf(from)) }
    default:
      return { vectors: from.size * widthOf(type), texts: 0 }
  }
}

/** Of texts and lists: what each has in the vector. */
function entries(from: VectorRows): RowWidth {
  return { vectors: from.size * 16, texts: 0 }
}

function elementsOf(from: VectorRows): VectorRows {
  return listsOf(from, validityOf(from)).elements
}

function widthOf(type: Type): number {
  switch (type.kind) {
    case 'boolean':
      return 1
    case 'int':
    case 'float':
    case 'date':
    case 'unknown':
      return 4
    case 'decimal':
      return type.precision > 18 ? 16 : type.precision > 9 ? 8 : type.precision > 4 ? 4 : 2
    case 'uuid':
      return 16
    default:
      return 8
  }
}
