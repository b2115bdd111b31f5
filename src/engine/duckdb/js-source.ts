/**
 * The way in: a table function that reads column buffers of this process.
 *
 * DuckDB keeps the first function registered under a name for the life of an instance, so there is
 * one, and its parameter says which source is meant. It runs on the JavaScript thread, synchronously.
 */
import { DuckDBTableFunction, VARCHAR, type DuckDBConnection, type DuckDBType } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { EngineError } from '../../errors.ts'

/** Rows per call: the size of DuckDB's vectors. */
export const VECTOR_SIZE = 2048

export interface JsSource {
  readonly columns: readonly { readonly name: string; readonly type: DuckDBType }[]
  /** How many rows will come, when that is known. */
  readonly cardinality: number | null
  /**
   * Fills the vectors of the columns asked for with the next rows, at most VECTOR_SIZE; answers how
   * many. 0 is the end. What it throws is kept and found again in `failure`.
   */
  fill(vectors: readonly duckdb.Vector[], columns: readonly number[]): number
}

/** A source that SQL can name until it is closed. */
export interface ExposedSource {
  /** The FROM clause. */
  readonly sql: string
  /** What the source threw, if it did: DuckDB reports it in words only. */
  failure(): { readonly thrown: unknown } | null
  close(): void
}

interface Entry {
  readonly source: JsSource
  failure: { readonly thrown: unknown } | null
}

const entries = new Map<string, Entry>()
let keys = 0

/** Names a source for SQL, for one scan. */
export function exposeSource(source: JsSource): ExposedSource {
  keys += 1
  const key = `k${keys}`
  const entry: Entry = { source, failure: null }
  entries.set(key, entry)
  return {
    sql: `floeberg_source('${key}')`,
    failure: () => entry.failure,
    close: () => entries.delete(key),
  }
}

/** Once per instance, before any session uses it. */
export function registerJsSource(connection: DuckDBConnection): void {
  connection.registerTableFunction(
    DuckDBTableFunction.create({
      name: 'floeberg_source',
      parameterTypes: [VARCHAR],
      supportsProjectionPushdown: true,
      bindFunction: (info) => {
        const entry = entryOf(info.getParameter(0))
        for (const column of entry.source.columns) info.addResultColumn(column.name, column.type)
        if (entry.source.cardinality !== null) info.setCardinality(entry.source.cardinality, true)
        info.setBindData({ entry })
      },
      initFunction: (info) => {
        info.setMaxThreads(1)
        info.setInitData({ columns: info.getColumnIndexes() })
      },
      mainFunction: (info, chunk) => {
        const { entry } = info.getBindData() as { readonly entry: Entry } // set by bindFunction above
        const { columns } = info.getInitData() as { readonly columns: readonly number[] } // set above
        chunk.rowCount = VECTOR_SIZE
        const vectors = columns.map((_, at) => duckdb.data_chunk_get_vector(chunk.chunk, at))
        try {
          chunk.rowCount = entry.source.fill(vectors, columns)
        } catch (thrown) {
          entry.failure = { thrown }
          chunk.rowCount = 0
          info.setError('the source failed')
        }
      },
    }),
  )
}

function entryOf(key: unknown): Entry {
  const entry = typeof key === 'string' ? entries.get(key) : undefined
  if (entry === undefined) throw new EngineError('a source was read after it was closed')
  return entry
}
