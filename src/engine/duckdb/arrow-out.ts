/** Chunks as Arrow record batches: the vectors' memory is copied in bulk, value by value where it must. */
import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Field, RecordBatch, Schema as ArrowSchema } from 'apache-arrow'
import { MissingDependencyError } from '../../errors.ts'
import type { Schema } from '../../format/schema.ts'
import type { NestedField } from '../../format/types.ts'
import type { Arrow, ArrowColumn } from './arrow-columns.ts'
import { arrowColumn } from './arrow-types.ts'
import { BatchReserve } from './batch-reserve.ts'
import { readColumns } from './raw-vector.ts'
import type { StreamChunk } from './session.ts'

/** What the batches of a reader look like. */
export type BatchSchema = ArrowSchema

export interface BatchReader {
  readonly schema: BatchSchema
  /** Batches of a stream's rows, each as soon as enough have come together. No more than `mostRows` come. */
  batches(chunks: AsyncIterable<StreamChunk>, mostRows?: number): AsyncGenerator<RecordBatch>
}

/** Batches are this large, or smaller where their rows are wide. */
const ROWS_PER_BATCH = 131_072
const BYTES_PER_BATCH = 64 * 1024 * 1024

/**
 * Collects chunks whose columns are the schema's, in its order. Fields carry their ids, as PyIceberg
 * and Parquet readers have them. `reserveBytes` is how much of batches may be garbage before it is
 * collected.
 *
 * Throws MissingDependencyError when apache-arrow is not installed.
 */
export async function batchReader(schema: Schema, reserveBytes: number): Promise<BatchReader> {
  return new Batches(await loadArrow(), schema, reserveBytes)
}

class Batches implements BatchReader {
  readonly #arrow: Arrow
  readonly schema: ArrowSchema
  readonly #columns: readonly ArrowColumn[]
  readonly #reserve: BatchReserve
  #rows = 0

  constructor(arrow: Arrow, schema: Schema, reserveBytes: number) {
    this.#arrow = arrow
    this.#reserve = new BatchReserve(reserveBytes)
    this.#columns = schema.fields.map((field) => arrowColumn(arrow, field.type))
    const fields = schema.fields.map((field, at) => arrowField(arrow, field, this.#columns[at]))
    this.schema = new arrow.Schema(fields)
  }

  async *batches(
    chunks: AsyncIterable<StreamChunk>,
    mostRows = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<RecordBatch> {
    let left = mostRows
    try {
      for await (const { chunk, rowCount } of chunks) {
        this.#add(chunk, rowCount)
        left -= rowCount
        const bytes = this.#bytes
        if (this.#rows < ROWS_PER_BATCH && bytes < BYTES_PER_BATCH) continue
        // The next batch will be like this one, its buffers made with a little room to spare.
        const next = bytes + bytes / 32
        this.#reserve.give(next, (next * left) / this.#rows)
        yield this.#finish()
      }
      if (this.#rows > 0) yield this.#finish()
    } finally {
      this.#reserve.end()
    }
  }

  get #bytes(): number {
    return this.#columns.reduce((sum, column) => sum + column.byteLength, 0)
  }

  #add(chunk: DuckDBDataChunk, rowCount: number): void {
    readColumns(chunk, rowCount, (columnAt) => {
      for (const [at, column] of this.#columns.entries()) column.append(columnAt(at))
    })
    this.#rows += rowCount
  }

  #finish(): RecordBatch {
    const arrow = this.#arrow
    const children = this.#columns.map((column) => column.finish())
    const type = new arrow.Struct(this.schema.fields)
    const data = arrow.makeData({ type, length: this.#rows, nullCount: 0, children })
    this.#rows = 0
    return new arrow.RecordBatch(this.schema, data)
  }
}

function arrowField(arrow: Arrow, field: NestedField, column: ArrowColumn | undefined): Field {
  const metadata = new Map([['PARQUET:field_id', String(field.id)]])
  return new arrow.Field(field.name, column?.type ?? new arrow.Null(), !field.required, metadata)
}

/** MissingDependencyError when apache-arrow is not installed. */
export async function loadArrow(): Promise<Arrow> {
  try {
    return await import('apache-arrow')
  } catch (cause) {
    throw new MissingDependencyError("reading Arrow batches needs the package 'apache-arrow'", {
      hint: 'Install it with `npm install apache-arrow`.',
      cause,
    })
  }
}
