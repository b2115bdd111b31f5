/** What people hand over as data, told apart by shape. */
import type { ArrowRecordBatch, RowSource } from '../engine/data-plane.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { Expression } from '../format/expressions/expression.ts'
import { parseExpression } from '../format/expressions/parse.ts'
import type { Row } from '../format/values/value.ts'
import type { JsonValue } from './operation.ts'

/** An apache-arrow Table, of any version: recognised by shape. */
export interface ArrowTable {
  readonly schema: ArrowRecordBatch['schema']
  readonly batches: readonly ArrowRecordBatch[]
}

type Stream<T> = Iterable<T> | AsyncIterable<T> | ReadableStream<T>

/** One path or glob, or several. */
export type Paths = string | readonly string[]

/** Which rows of files or of Arrow data are meant. */
export interface FileRows {
  /** Rows to take, by the table's columns. Default: all. */
  readonly filter?: Expression | string | undefined
}

/**
 * Rows to be written.
 *
 * Paths name local files. Iterables and streams (also Node's) are read once, with back-pressure.
 * Arrow comes as a Table, RecordBatches, or the bytes of an IPC stream or file.
 */
export type DataInput<R = object> =
  | ({ readonly parquet: Paths } & FileRows)
  | ({ readonly csv: Paths } & FileRows)
  | ({ readonly json: Paths } & FileRows)
  | ({ readonly arrow: ArrowTable | Stream<ArrowRecordBatch> } & FileRows)
  | ({ readonly arrowIpc: Uint8Array | Stream<Uint8Array> } & FileRows)
  | ArrowTable
  | Stream<R>

const FILE_FORMATS = ['parquet', 'csv', 'json'] as const

/** InvalidArgumentError when it is none of the forms of {@link DataInput}. */
export function toRowSource(data: DataInput<unknown>): RowSource {
  if (typeof data === 'object' && data !== null) {
    for (const format of FILE_FORMATS) {
      const paths = property(data, format)
      if (paths !== undefined) return { kind: 'files', format, paths: toPaths(paths, format) }
    }
    const arrow = property(data, 'arrow')
    if (arrow !== undefined) return { kind: 'arrow', batches: toBatches(arrow) }
    const ipc = property(data, 'arrowIpc')
    if (ipc !== undefined) return { kind: 'arrow-ipc', chunks: toChunks(ipc) }
    if (isArrowTable(data)) return { kind: 'arrow', batches: data.batches }
    if (isStream(data)) return { kind: 'rows', rows: data as Iterable<Row> | AsyncIterable<Row> }
  }
  throw new InvalidArgumentError('This is not a form of data that can be written', {
    hint: "Pass { parquet: 'path' }, { csv }, { json }, an Arrow table, or rows as an array, iterable or stream.",
  })
}

/** Which rows of the data are meant; undefined: all. InvalidExpressionError. */
export function rowFilterOf(data: DataInput<unknown>): Expression | undefined {
  const isNamed = [...FILE_FORMATS, 'arrow', 'arrowIpc'].some((form) => property(data, form) !== undefined)
  const filter = isNamed ? (data as FileRows).filter : undefined
  return typeof filter === 'string' ? parseExpression(filter) : filter
}

/** The data of a request by reference: what it is and where, never the rows. */
export function describeSource(source: RowSource): JsonValue {
  return source.kind === 'files'
    ? { kind: source.kind, format: source.format, paths: source.paths }
    : { kind: source.kind }
}

function toPaths(paths: unknown, format: string): readonly string[] {
  const list = typeof paths === 'string' ? [paths] : paths
  if (
    Array.isArray(list) &&
    list.length > 0 &&
    list.every((path): path is string => typeof path === 'string' && path !== '')
  ) {
    return list
  }
  throw new InvalidArgumentError(`{ ${format} } takes a path or a list of paths, none of them empty`)
}

function toBatches(arrow: unknown): Iterable<ArrowRecordBatch> | AsyncIterable<ArrowRecordBatch> {
  if (isArrowTable(arrow)) return arrow.batches
  if (isStream(arrow)) return arrow as Iterable<ArrowRecordBatch>
  throw new InvalidArgumentError('{ arrow } takes an Arrow table, or an iterable of record batches')
}

function toChunks(ipc: unknown): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (ipc instanceof Uint8Array) return [ipc]
  if (isStream(ipc)) return ipc as Iterable<Uint8Array>
  throw new InvalidArgumentError('{ arrowIpc } takes bytes, or an iterable of them')
}

function isArrowTable(value: unknown): value is ArrowTable {
  return (
    typeof value === 'object' &&
    value !== null &&
    Array.isArray(property(value, 'batches')) &&
    property(value, 'schema') !== undefined
  )
}

function isStream(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return (
    typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  )
}

function property(value: object, key: string): unknown {
  return Object.hasOwn(value, key) || key in value ? Reflect.get(value, key) : undefined
}
