/**
 * What is looked at of apache-arrow's objects. They are recognised by shape, since their classes
 * come from whatever copy of the package the caller has.
 */
import type { DuckDBType } from '@duckdb/node-api'
import { InvalidArgumentError, SchemaMismatchError } from '../../errors.ts'
import type { ArrowRecordBatch } from '../data-plane.ts'
import type { ColumnData, Validity } from './column-data.ts'

/** An Arrow data type, as far as it is looked at. */
export interface ArrowType {
  readonly typeId: number
  readonly bitWidth?: number
  readonly isSigned?: boolean
  readonly precision?: number
  readonly scale?: number
  readonly unit?: number
  readonly timezone?: string | null
  readonly byteWidth?: number
  readonly listSize?: number
  readonly children?: readonly ArrowField[] | null
  readonly dictionary?: ArrowType
}

export interface ArrowField {
  readonly name: string
  readonly nullable: boolean
  readonly type: ArrowType
}

/** One column of a batch, as far as it is looked at. */
export interface ArrowData {
  readonly type: ArrowType
  readonly length: number
  readonly offset: number
  readonly nullCount: number
  readonly nullBitmap?: Uint8Array | null
  readonly values?: ArrayBufferView | null
  readonly valueOffsets?: Int32Array | BigInt64Array | null
  readonly children: readonly ArrowData[]
  readonly dictionary?: { readonly data: readonly ArrowData[] } | null
}

/** How columns of an Arrow type come in. */
export interface ArrowReader {
  readonly type: DuckDBType
  /** InvalidDataError naming the column and the row of the batch when a value does not fit. */
  read(data: ArrowData): ColumnData
}

/** Arrow's type numbers, which are those of its format. */
export const ARROW = {
  null: 1,
  int: 2,
  float: 3,
  binary: 4,
  utf8: 5,
  bool: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  list: 12,
  struct: 13,
  fixedBinary: 15,
  fixedList: 16,
  map: 17,
  largeBinary: 19,
  largeUtf8: 20,
  dictionary: -1,
} as const

/** The fields of a batch's schema. InvalidArgumentError when it is no Arrow batch. */
export function arrowFields(batch: ArrowRecordBatch): readonly ArrowField[] {
  const fields: unknown = batch.schema.fields
  if (!Array.isArray(fields) || !fields.every(isArrowField)) throw noBatch()
  return fields
}

/** The columns of a batch. */
export function arrowColumns(batch: ArrowRecordBatch): readonly ArrowData[] {
  const data: unknown = 'data' in batch ? batch.data : undefined
  if (!isArrowData(data)) throw noBatch()
  return data.children
}

export function childOf(data: ArrowData, at: number): ArrowData {
  const child = data.children[at]
  if (child === undefined) throw noBatch()
  return child
}

export function fieldOf(type: ArrowType, at: number, path: string): ArrowField {
  const field = type.children?.[at]
  if (field === undefined) throw unsupported(path)
  return field
}

export function validityOf(data: ArrowData): Validity | null {
  const bits = data.nullBitmap
  if (bits === null || bits === undefined || bits.length === 0 || data.nullCount === 0) return null
  return { bits, offset: data.offset }
}

export function isNull(data: ArrowData, row: number): boolean {
  const validity = validityOf(data)
  if (validity === null) return false
  const bit = validity.offset + row
  return (((validity.bits[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 0
}

export function viewOf(data: ArrowData): Uint8Array {
  const values = data.values
  if (values === null || values === undefined) return new Uint8Array(0)
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

export function unsupported(path: string): SchemaMismatchError {
  return new SchemaMismatchError(`column ${path} is of an Arrow type that has no counterpart in a table`, {
    column: path,
    hint: 'Cast the column before it is written.',
  })
}

function isArrowField(value: unknown): value is ArrowField {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'type' in value &&
    typeof value.type === 'object' &&
    value.type !== null &&
    'typeId' in value.type &&
    typeof value.type.typeId === 'number'
  )
}

function isArrowData(value: unknown): value is ArrowData {
  return typeof value === 'object' && value !== null && 'children' in value && Array.isArray(value.children)
}

export function noBatch(): InvalidArgumentError {
  return new InvalidArgumentError('a batch is not an Arrow RecordBatch', {
    hint: 'Give RecordBatches of apache-arrow, or an Arrow IPC stream.',
  })
}
