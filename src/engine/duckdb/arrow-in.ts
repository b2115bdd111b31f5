/** Arrow batches seen as column buffers, without copying where the layouts agree. */
import { BLOB, BOOLEAN, DuckDBStructType, LIST, MAP, SQLNULL, VARCHAR } from '@duckdb/node-api'
import type { Type } from '../../format/types.ts'
import type { ArrowRecordBatch } from '../data-plane.ts'
import { indexesOf, resolveDictionary } from './arrow-dictionary.ts'
import {
  allNull,
  dateReader,
  decimalReader,
  fixedBinaryReader,
  fixedReader,
  floatReader,
  integerType,
  readBits,
  readBytes,
  timeReader,
  timestampReader,
} from './arrow-leaves.ts'
import {
  ARROW,
  arrowColumns,
  childOf,
  fieldOf,
  noBatch,
  unsupported,
  validityOf,
  type ArrowData,
  type ArrowReader,
  type ArrowType,
} from './arrow-shape.ts'
import type { Block } from './column-data.ts'

export { arrowColumns, arrowFields, type ArrowReader } from './arrow-shape.ts'

/** A batch as a block, by its columns' readers. */
export function arrowBlock(batch: ArrowRecordBatch, readers: readonly ArrowReader[]): Block {
  const columns = arrowColumns(batch)
  return {
    rows: batch.numRows,
    columns: readers.map((reader, at) => {
      const data = columns[at]
      if (data === undefined) throw noBatch()
      return reader.read(data)
    }),
  }
}

/**
 * How a column comes in. `target` is what the table's column is, where that is known: it decides
 * what sixteen bytes mean, and which values are checked. SchemaMismatchError for types that have
 * no counterpart.
 */
export function arrowReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const typeId = type.typeId
  switch (typeId) {
    case ARROW.null:
      return { type: SQLNULL, read: (data) => allNull(data.length) }
    case ARROW.bool:
      return { type: BOOLEAN, read: readBits }
    case ARROW.int:
      return fixedReader(integerType(type, path), (type.bitWidth ?? 0) / 8)
    case ARROW.float:
      return floatReader(type, path)
    case ARROW.decimal:
      return decimalReader(type, path)
    case ARROW.date:
      return dateReader(type, path)
    case ARROW.time:
      return timeReader(type, path)
    case ARROW.timestamp:
      return timestampReader(type, path, target)
    case ARROW.utf8:
    case ARROW.largeUtf8:
      return { type: VARCHAR, read: (data) => readBytes(data, path) }
    case ARROW.binary:
    case ARROW.largeBinary:
      return { type: BLOB, read: (data) => readBytes(data, path) }
    case ARROW.fixedBinary:
      return fixedBinaryReader(type, target)
    case ARROW.list:
    case ARROW.fixedList:
      return listReader(type, path, target)
    case ARROW.map:
      return mapReader(type, path, target)
    case ARROW.struct:
      return structReader(type, path, target)
    case ARROW.dictionary:
      return dictionaryReader(type, path, target)
    default:
      throw unsupported(path)
  }
}

function listReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const inner = target?.kind === 'list' ? target.element : undefined
  const element = arrowReader(fieldOf(type, 0, path).type, `${path}.element`, inner)
  const size = type.listSize ?? 0
  return {
    type: LIST(element.type),
    read: (data) => ({
      kind: 'list',
      offsets:
        type.typeId === ARROW.fixedList
          ? Int32Array.from({ length: data.length + 1 }, (_, i) => i * size)
          : listOffsets(data),
      child: element.read(childOf(data, 0)),
      validity: validityOf(data),
    }),
  }
}

function listOffsets(data: ArrowData): Int32Array {
  const offsets = data.valueOffsets
  return offsets instanceof Int32Array ? offsets : new Int32Array(data.length + 1)
}

function mapReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const entries = fieldOf(type, 0, path).type
  const isMap = target?.kind === 'map'
  const key = arrowReader(fieldOf(entries, 0, path).type, `${path}.key`, isMap ? target.key : undefined)
  const value = arrowReader(fieldOf(entries, 1, path).type, `${path}.value`, isMap ? target.value : undefined)
  return {
    type: MAP(key.type, value.type),
    read: (data) => {
      const pairs = childOf(data, 0)
      const children = [key.read(childOf(pairs, 0)), value.read(childOf(pairs, 1))]
      return {
        kind: 'list',
        offsets: listOffsets(data),
        child: { kind: 'struct', children, validity: null },
        validity: validityOf(data),
      }
    },
  }
}

function structReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const fields = type.children ?? []
  const members = fields.map((field) => {
    const inner =
      target?.kind === 'struct' ? target.fields.find((other) => other.name === field.name) : undefined
    return arrowReader(field.type, `${path}.${field.name}`, inner?.type)
  })
  return {
    type: new DuckDBStructType(
      fields.map((field) => field.name),
      members.map((member) => member.type),
    ),
    read: (data) => ({
      kind: 'struct',
      children: members.map((member, at) => member.read(childOf(data, at))),
      validity: validityOf(data),
    }),
  }
}

/** Dictionaries are resolved: their values are copied for every row. */
function dictionaryReader(type: ArrowType, path: string, target: Type | undefined): ArrowReader {
  const values = arrowReader(type.dictionary ?? { typeId: 0 }, path, target)
  return {
    type: values.type,
    read: (data) => {
      const chunks = (data.dictionary?.data ?? []).map((chunk) => values.read(chunk))
      const starts: number[] = []
      let total = 0
      for (const chunk of data.dictionary?.data ?? []) {
        starts.push(total)
        total += chunk.length
      }
      return resolveDictionary(indexesOf(data), chunks, starts, data, path)
    },
  }
}
