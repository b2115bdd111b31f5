/** A scan: a filter, a choice of columns and a point in time, pinned to one snapshot when built. */
import type { ArrowRecordBatch, OutputPath, Progress, ReadRequest } from '../engine/data-plane.ts'
import type { EngineConnection, ScanView } from '../engine/scan-views.ts'
import { bindExpression } from '../format/expressions/bind.ts'
import { alwaysTrue, type BoundExpression, type Expression } from '../format/expressions/expression.ts'
import { allMatch } from '../format/expressions/metrics.ts'
import { parseExpression } from '../format/expressions/parse.ts'
import { didYouMean } from '../format/did-you-mean.ts'
import { selectFields, type Schema } from '../format/schema.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { InvalidArgumentError, UnsupportedFeatureError } from '../errors.ts'
import { resolveAppendRange, type AppendRange, type AppendRangeOptions } from './append-range.ts'
import { nameMappingOf } from './default-name-mapping.ts'
import { planScan, type ScanPlan } from './plan.ts'
import { planAppends } from './plan-appends.ts'
import type { Runtime } from './runtime.ts'
import { AllowedRoots } from './table-locations.ts'
import { runOn, streamOn } from './table-operation.ts'
import type { TableState } from './table-state.ts'
import { resolveReadPoint, type TimeTravel } from './time-travel.ts'

/** Which rows of which snapshot, and which of their columns. */
export interface ScanOptions<Column extends string = string> extends TimeTravel, AppendRangeOptions {
  /** Rows to keep: an expression, or its text (`"origin = 'SFO' and delay >= 60"`). */
  readonly filter?: Expression | string | undefined
  /** Columns to return, in this order; nested ones by dotted name. Default: all. */
  readonly select?: readonly Column[] | undefined
  /** Stop after this many rows. */
  readonly limit?: number | undefined
  /** How column names in `filter` and `select` are matched. Default: true. */
  readonly caseSensitive?: boolean | undefined
  /** Ends every run of this scan with OperationAbortedError. */
  readonly signal?: AbortSignal | undefined
}

/** Formats of single local files; `arrow` is an Arrow IPC file, and needs the package `apache-arrow`. */
export type FileFormat = OutputPath['format']

/** How rows are written into one file. */
export interface ToFileOptions {
  /** Default: by the file's extension. */
  readonly format?: FileFormat | undefined
  /** False: InvalidArgumentError when the file is there already. Default: true. */
  readonly replace?: boolean | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * Rows of one snapshot. Each iteration is a new run over the same snapshot, whatever is committed
 * meanwhile; leaving early frees everything.
 *
 * Errors of a run: MissingFileError when files of the snapshot are gone (expired under it),
 * CorruptFileError, UnsupportedFeatureError, OperationAbortedError, ManagerClosedError.
 */
export interface Scan<RowOut> extends AsyncIterable<RowOut> {
  /** The snapshot that is read, or up to which is read; null when the table is empty. */
  readonly snapshot: Snapshot | null
  /** What comes out, with field ids. */
  readonly schema: Schema
  /** Which files would be read, and why the others would not. Reads manifests, no data. */
  plan(): Promise<ScanPlan>
  /** How many rows: from metadata alone where that is exact. */
  count(): Promise<number>
  /** Rows in batches as the engine makes them: less overhead per row. */
  batches(): AsyncIterable<readonly RowOut[]>
  /** All rows, held in memory. */
  toArray(): Promise<RowOut[]>
  /** A web stream of rows; cancelling it frees everything. */
  toStream(): ReadableStream<RowOut>
  /** apache-arrow RecordBatches; needs the package `apache-arrow`, else MissingDependencyError. */
  toArrow(): AsyncIterable<ArrowRecordBatch>
  /** Writes the rows into one local file, which appears only when it is whole; answers how many. */
  toFile(path: string, options?: ToFileOptions): Promise<{ readonly rows: number }>
  /**
   * Makes a temporary view of the rows on a connection of yours, such as a `DuckDBConnection` of
   * `@duckdb/node-api`, for SQL of your own. Its columns are called as here; where names differ in case
   * only, later ones are numbered. It reads files of the table in place, or copies of them on this
   * machine's disk, which are held until the view is released: do so before the manager closes.
   *
   * It is made and dropped by statements of that connection, like any of yours: in a transaction they are
   * part of it, and DuckDB ends a result that is being streamed there early, without an error.
   *
   * InvalidArgumentError when a table or view has the name, UnsupportedFeatureError when the engine makes
   * no views. Nothing is left on the connection by a view that fails.
   */
  toView(connection: EngineConnection, name: string): Promise<ScanView>
}

const OPTIONS: readonly (keyof ScanOptions)[] = [
  'filter',
  'select',
  'limit',
  'caseSensitive',
  'signal',
  'snapshotId',
  'asOf',
  'ref',
  'fromSnapshot',
  'toSnapshot',
  'onChangedRows',
]

/** An option that nobody knows would be passed over, and a filter by another name return every row. */
function checkOptionNames(options: ScanOptions): void {
  const unknown = Object.keys(options).find((name) => !OPTIONS.some((known) => known === name))
  if (unknown === undefined) return
  throw new InvalidArgumentError(`A scan has no option '${unknown}'`, {
    hint: didYouMean(unknown, OPTIONS) ?? `There are: ${OPTIONS.join(', ')}.`,
  })
}

/** Builds a scan of a state of a table. Everything that can be refused is refused here. */
export function createScan<RowOut>(state: TableState, options: ScanOptions): Scan<RowOut> {
  checkOptionNames(options)
  return new TableScan<RowOut>(state, options)
}

/** What an engine is to read for a scan. Planned when it is asked for. */
export function readRequestOf<RowOut>(scan: Scan<RowOut>): Promise<ReadRequest> {
  if (scan instanceof TableScan) return scan.request()
  throw new InvalidArgumentError('This is not a scan of a table')
}

class TableScan<RowOut> implements Scan<RowOut> {
  readonly snapshot: Snapshot | null
  readonly schema: Schema
  readonly #state: TableState
  readonly #options: ScanOptions
  readonly #filter: BoundExpression
  readonly #tableSchema: Schema
  readonly #signal: AbortSignal
  /** null: all rows of `snapshot`. */
  readonly #range: AppendRange | null

  constructor(state: TableState, options: ScanOptions) {
    this.#range = resolveAppendRange(state.metadata, options)
    const point = this.#range ?? resolveReadPoint(state.metadata, options)
    const lookup = { caseSensitive: options.caseSensitive ?? true }
    this.#state = state
    this.#options = { ...options, limit: checkedLimit(options.limit) }
    this.snapshot = point.snapshot
    this.#tableSchema = point.schema
    this.schema =
      options.select === undefined ? point.schema : selectFields(point.schema, options.select, lookup)
    this.#filter = bindExpression(point.schema, filterOf(options.filter), lookup)
    this.#signal = AbortSignal.any([
      state.runtime.closing,
      ...(options.signal === undefined ? [] : [options.signal]),
    ])
  }

  plan(): Promise<ScanPlan> {
    return this.#run('plan', () => this.#plan())
  }

  count(): Promise<number> {
    return this.#run('count', () => this.#count())
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RowOut, void, undefined> {
    for await (const batch of this.batches()) yield* batch
  }

  batches(): AsyncIterable<readonly RowOut[]> {
    // The plane answers plain rows of the projected schema, which is what RowOut was derived from.
    return this.#stream((plane, request) => plane.readRows(request) as AsyncIterable<readonly RowOut[]>)
  }

  toArrow(): AsyncIterable<ArrowRecordBatch> {
    return this.#stream((plane, request) => plane.readArrow(request))
  }

  async toArray(): Promise<RowOut[]> {
    const rows: RowOut[] = []
    for await (const batch of this.batches()) for (const row of batch) rows.push(row)
    return rows
  }

  toStream(): ReadableStream<RowOut> {
    return ReadableStream.from(this)
  }

  toFile(path: string, options: ToFileOptions = {}): Promise<{ readonly rows: number }> {
    const { format = fileFormatOf(path), replace, onProgress } = options
    return this.#run('scan', async () => {
      const plane = await this.#state.runtime.dataPlane()
      const request = { ...(await this.#request()), onProgress }
      return plane.readToFile(request, { path, format, replace })
    })
  }

  toView(connection: EngineConnection, name: string): Promise<ScanView> {
    return this.#run('toView', async () => {
      const plane = await this.#state.runtime.dataPlane()
      if (plane.createView === undefined) {
        throw new UnsupportedFeatureError(`The engine '${plane.name}' makes no views on connections`)
      }
      return plane.createView(await this.#request(), { connection, name })
    })
  }

  async #count(): Promise<number> {
    const { tasks } = await this.#plan()
    const isExact = (task: (typeof tasks)[number]): boolean =>
      task.deletes.length === 0 && (task.residual.op === 'true' || allMatch(task.residual, task.entry.file))
    const known = tasks.filter(isExact).reduce((rows, task) => rows + task.entry.file.recordCount, 0)
    const open = tasks.filter((task) => !isExact(task))
    const limit = this.#options.limit ?? Number.POSITIVE_INFINITY
    if (open.length === 0 || known >= limit) return Math.min(known, limit)
    const plane = await this.#state.runtime.dataPlane()
    return Math.min(known + (await plane.countRows(await this.#request(open))), limit)
  }

  #plan(): Promise<ScanPlan> {
    const { runtime, metadata, storage } = this.#state
    const request = {
      context: {
        runtime,
        store: storage.store,
        metadata,
        roots: new AllowedRoots(metadata, runtime.extraRoots),
        signal: this.#signal,
      },
      schema: this.#tableSchema,
      filter: this.#filter,
    }
    if (this.#range !== null) return planAppends(request, this.#range)
    return planScan({ ...request, snapshot: this.snapshot })
  }

  request(): Promise<ReadRequest> {
    return this.#request()
  }

  async #request(tasks?: ScanPlan['tasks']): Promise<ReadRequest> {
    return {
      tasks: tasks ?? (await this.#plan()).tasks,
      projection: this.schema,
      tableSchema: this.#tableSchema,
      nameMapping: nameMappingOf(this.#state.metadata),
      limit: this.#options.limit,
      files: this.#state.storage.files,
      signal: this.#signal,
    }
  }

  #stream<T>(
    read: (plane: Awaited<ReturnType<Runtime['dataPlane']>>, request: ReadRequest) => AsyncIterable<T>,
  ): AsyncIterable<T> {
    const open = async function* (scan: TableScan<RowOut>): AsyncGenerator<T, void, undefined> {
      const request = await scan.#request()
      if (request.tasks.length === 0) return
      yield* read(await scan.#state.runtime.dataPlane(), request)
    }
    // A new run for every iteration.
    return {
      [Symbol.asyncIterator]: () =>
        streamOn(this.#state, 'scan', () => open(this), this.#options.signal)[Symbol.asyncIterator](),
    }
  }

  #run<T>(operation: string, body: () => Promise<T>): Promise<T> {
    return runOn(this.#state, operation, body, this.#options.signal)
  }
}

function filterOf(filter: Expression | string | undefined): Expression {
  if (filter === undefined) return alwaysTrue()
  return typeof filter === 'string' ? parseExpression(filter) : filter
}

function checkedLimit(limit: number | undefined): number | undefined {
  if (limit === undefined || (Number.isSafeInteger(limit) && limit >= 0)) return limit
  throw new InvalidArgumentError('limit is a whole number of rows, 0 or more')
}

/** The format that a file's name tells. InvalidArgumentError when it tells none. */
export function fileFormatOf(path: string): FileFormat {
  const extension = /\.(parquet|csv|json|jsonl|ndjson|arrow|feather)$/i.exec(path)?.[1]?.toLowerCase()
  switch (extension) {
    case 'parquet':
    case 'csv':
      return extension
    case 'arrow':
    case 'feather':
      return 'arrow'
    case undefined:
      throw new InvalidArgumentError('The file name does not tell its format', {
        file: path,
        hint: "Name it .parquet, .csv, .json or .arrow, or pass { format: 'parquet' }.",
      })
    default:
      return 'json'
  }
}
