/** SQL over the catalog's tables: finding them by name, planning them, and results as every scan's. */
import type { TableIdentifier } from '../catalog/catalog.ts'
import type { ArrowRecordBatch, RunOptions } from '../engine/data-plane.ts'
import type {
  PreparedSql,
  QueriedTable,
  SqlParameters,
  SqlTableName,
  SqlTablePoint,
  TableNeeds,
} from '../engine/sql.ts'
import { InvalidQueryError } from '../errors.ts'
import { allMatch } from '../format/expressions/metrics.ts'
import type { FileScanTask } from '../engine/data-plane.ts'
import type { Schema } from '../format/schema.ts'
import type { Row } from '../format/values/value.ts'
import { toNamespace, type NamespaceReference } from '../table/identifier.ts'
import type { Runtime } from '../table/runtime.ts'
import { fileFormatOf, readRequestOf, type ToFileOptions } from '../table/scan.ts'
import { runOn, streamOn } from '../table/table-operation.ts'
import { handleOf, TableHandle, type Table } from '../table/table.ts'
import type { TimeTravel } from '../table/time-travel.ts'

/** How a query finds its tables. */
export interface SqlOptions {
  /** Where tables are whose names stand alone. Default: nowhere, such names are refused. */
  readonly namespace?: NamespaceReference | undefined
  /** Tables at hand, by names of their own: such as `openTable` gives. They come before the catalog's. */
  readonly tables?: Readonly<Record<string, Table>> | undefined
  /**
   * Values for the query's parameters: a list for `?` and `$1`, an object for `$name`. They are never
   * part of the text.
   */
  readonly parameters?: SqlParameters | undefined
  /** Ends the preparation and every run with OperationAbortedError. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Rows of a query. Each iteration is a new run over the same states of its tables, whatever is
 * committed meanwhile; leaving early frees everything. Errors of a run are those of a scan, and
 * InvalidDataError for a value that the query computes and no type holds.
 */
export interface SqlResult extends AsyncIterable<Row> {
  /** What comes out. All columns are optional; names that occur twice are numbered. */
  readonly schema: Schema
  /** Rows in batches as the engine makes them: less overhead per row. */
  batches(): AsyncIterable<readonly Row[]>
  /** All rows, held in memory. */
  toArray(): Promise<Row[]>
  /** A web stream of rows; cancelling it frees everything. */
  toStream(): ReadableStream<Row>
  /** apache-arrow RecordBatches; needs the package `apache-arrow`, else MissingDependencyError. */
  toArrow(): AsyncIterable<ArrowRecordBatch>
  /** Writes the rows into one local file, which appears only when it is whole; answers how many. */
  toFile(path: string, options?: ToFileOptions): Promise<{ readonly rows: number }>
}

/** Prepares a query. */
export async function runSql(runtime: Runtime, query: string, options: SqlOptions): Promise<SqlResult> {
  if (typeof query !== 'string' || query.trim() === '') throw new InvalidQueryError('The query is empty')
  const signal = AbortSignal.any([runtime.closing, ...(options.signal === undefined ? [] : [options.signal])])
  const plane = await runtime.dataPlane()
  const finder = new TableFinder(runtime, options)
  const prepared = await plane.prepareSql({
    query,
    parameters: options.parameters,
    signal,
    table: (name) => finder.find(name),
  })
  return new QueryResult(runtime, prepared, { signal }, options.signal)
}

/** Finds tables by name, each once: two mentions of one are the same state of it. */
class TableFinder {
  readonly #runtime: Runtime
  readonly #options: SqlOptions
  readonly #loaded = new Map<string, Promise<TableHandle>>()

  constructor(runtime: Runtime, options: SqlOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  async find({ parts, at }: SqlTableName): Promise<QueriedTable> {
    const handle = this.#given(parts) ?? (await this.#load(this.#identifier(parts)))
    const travel = travelOf(at)
    const { schema } = handle.scan(travel)
    return { schema, plan: (needs, options) => planTable(handle, travel, needs, options) }
  }

  #given(parts: readonly string[]): TableHandle | null {
    const [name, ...more] = parts
    if (name === undefined || more.length > 0) return null
    // As SQL has it, names of either case are one.
    const found = Object.entries(this.#options.tables ?? {}).find(
      ([key]) => key.toLowerCase() === name.toLowerCase(),
    )
    return found === undefined ? null : handleOf(found[1])
  }

  #identifier(parts: readonly string[]): TableIdentifier {
    const { catalog } = this.#runtime
    const name = parts.at(-1) ?? ''
    const levels = parts.slice(0, -1)
    if (levels.length === 0) {
      if (this.#options.namespace !== undefined) {
        return { namespace: toNamespace(this.#options.namespace), name }
      }
      throw new InvalidQueryError(`The query does not say in which namespace '${name}' is`, {
        hint: 'Write namespace.table, or pass a namespace (`--namespace`).',
      })
    }
    // `catalog.namespace.table`, as other engines write it.
    const below = levels.length > 1 && levels[0] === catalog.name ? levels.slice(1) : levels
    const split = catalog.capabilities.dotsInNames ? below : below.flatMap((level) => level.split('.'))
    return { namespace: split, name }
  }

  #load(id: TableIdentifier): Promise<TableHandle> {
    const key = JSON.stringify([id.namespace, id.name])
    const { catalog } = this.#runtime
    let loading = this.#loaded.get(key)
    if (loading === undefined) {
      const { signal } = this.#options
      loading = catalog
        .loadTable(id, { signal })
        .then((loaded) => TableHandle.open(this.#runtime, id, loaded))
      this.#loaded.set(key, loading)
    }
    return loading
  }
}

function travelOf(at: SqlTablePoint | null): TimeTravel {
  if (at === null) return {}
  // A zone may have hours alone; what looks like one at the end of a bare date is its day.
  if (at.time !== undefined) return { asOf: at.time.replace(/:\d{2}(\.\d+)?[+-]\d{2}$/, '$&:00') }
  const { version } = at
  return typeof version === 'bigint' || /^\d+$/.test(version) ? { snapshotId: version } : { ref: version }
}

async function planTable<In, Out>(
  handle: TableHandle<In, Out>,
  travel: TimeTravel,
  needs: TableNeeds,
  { signal }: RunOptions,
) {
  const request = await readRequestOf(handle.scan({ ...travel, filter: needs.filter, signal }))
  const wanted = new Set(needs.columns)
  const fields = request.projection.fields.filter(({ id }) => wanted.has(id))
  const tasks = needs.rows === undefined ? request.tasks : enough(request.tasks, needs.rows)
  return { ...request, tasks, projection: { ...request.projection, fields } }
}

/** The first files that are sure to have so many rows. */
function enough(tasks: readonly FileScanTask[], rows: number): readonly FileScanTask[] {
  let sure = 0
  const end = tasks.findIndex((task) => {
    const { file } = task.entry
    const isWhole =
      task.deletes.length === 0 && (task.residual.op === 'true' || allMatch(task.residual, file))
    sure += isWhole ? file.recordCount : 0
    return sure >= rows
  })
  return end === -1 ? tasks : tasks.slice(0, rows === 0 ? 0 : end + 1)
}

class QueryResult implements SqlResult {
  readonly schema: Schema
  readonly #runtime: Runtime
  readonly #prepared: PreparedSql
  readonly #run: RunOptions
  readonly #signal: AbortSignal | undefined

  constructor(runtime: Runtime, prepared: PreparedSql, run: RunOptions, signal: AbortSignal | undefined) {
    this.schema = prepared.schema
    this.#runtime = runtime
    this.#prepared = prepared
    this.#run = run
    this.#signal = signal
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    for await (const batch of this.batches()) yield* batch
  }

  batches(): AsyncIterable<readonly Row[]> {
    return this.#stream(() => this.#prepared.readRows(this.#run))
  }

  toArrow(): AsyncIterable<ArrowRecordBatch> {
    return this.#stream(() => this.#prepared.readArrow(this.#run))
  }

  async toArray(): Promise<Row[]> {
    const rows: Row[] = []
    for await (const batch of this.batches()) for (const row of batch) rows.push(row)
    return rows
  }

  toStream(): ReadableStream<Row> {
    return ReadableStream.from(this)
  }

  toFile(path: string, options: ToFileOptions = {}): Promise<{ readonly rows: number }> {
    const { format = fileFormatOf(path), replace, onProgress } = options
    return runOn(
      { runtime: this.#runtime },
      'sql',
      () => this.#prepared.readToFile({ path, format, replace }, { ...this.#run, onProgress }),
      this.#signal,
    )
  }

  #stream<T>(open: () => AsyncIterable<T>): AsyncIterable<T> {
    // A new run for every iteration.
    return {
      [Symbol.asyncIterator]: () =>
        streamOn({ runtime: this.#runtime }, 'sql', open, this.#signal)[Symbol.asyncIterator](),
    }
  }
}
