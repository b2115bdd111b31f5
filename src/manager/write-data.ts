/** Writing rows: the engine makes data files, the commit loop makes them visible, all or none. */
import type { Progress, RowSource } from '../engine/data-plane.ts'
import { bindExpression } from '../format/expressions/bind.ts'
import type { Expression } from '../format/expressions/expression.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import { currentSchema } from '../format/metadata/views.ts'
import { AppendChange, type CommitStrategy, type RewriteOptions } from '../table/operations/append.ts'
import { RowFiles } from '../table/operations/row-files.ts'
import type { SnapshotTarget } from '../table/snapshot-producer.ts'
import type { TableState } from '../table/table-state.ts'
import { mergeData } from './merge-data.ts'
import { commitWrite, keyOf } from './commit-once.ts'
import { appendCounts, appendResult } from './written-rows.ts'
import { snapshotTarget } from './snapshot-target.ts'
import { prepareOverwrite, prepareUpsert } from './change-rows.ts'
import { commitRows, planRows } from './commit-rows.ts'
import type {
  ReplacingWriteOptions,
  RowChangePlan,
  RowChangeResult,
  WriteOptions,
} from './row-change-options.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import type { TableHandle } from '../table/table.ts'

/** How new rows meet those that are there. */
export type WriteMode = 'append' | 'overwrite' | 'upsert'

/** How rows are written and committed. */
export interface WriteDataOptions {
  /** Default `append`. */
  readonly mode?: 'append' | undefined
  /** How new manifests join the old. Default: the manager's, else `fast_append`. */
  readonly commitStrategy?: CommitStrategy | undefined
  /** Entries for the snapshot's summary; names of the format's own counts are refused. */
  readonly snapshotProperties?: Readonly<Record<string, string>> | undefined
  /**
   * `strict` (default): rows fit the table's columns, or are refused. `merge`, for appends: columns that
   * the table lacks are added as optional, and types that are too narrow are legally widened, in the
   * same commit as the rows; IncompatibleChangeError for what no evolution of the schema allows.
   */
  readonly schemaMode?: 'strict' | 'merge' | undefined
  /**
   * Makes the write safe to repeat: where the branch's history has a snapshot with this key, written
   * by whoever, its result is answered and nothing is written. A key is known as long as its snapshot
   * is in that history: not after a rollback behind it, nor once it, or a later one that led to it, was
   * expired. A
   * write that has no rows to commit leaves no key behind.
   */
  readonly commitKey?: string | undefined
  /** Branch to write to. NoSuchRefError when it is not there. Default: main. */
  readonly branch?: string | undefined
  /**
   * Default false. True: the snapshot is added as a child of the branch's head, and no branch moves to
   * it. Its rows are seen only by who names it, until `manageSnapshots` cherry-picks it or, where
   * `snapshotProperties` hold a `wap.id`, publishes it.
   */
  readonly stageOnly?: boolean | undefined
  /** Overrides of the table's `commit.retry.*` for this call. */
  readonly retry?: CommitRetryOptions | undefined
  /** Honoured until the commit is sent, and between attempts. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What a write made. */
export interface WriteDataResult {
  /** null when there were no rows: nothing was committed. */
  readonly snapshotId: bigint | null
  readonly rows: number
  /** Data files added. */
  readonly files: number
  /** Bytes of those files. */
  readonly bytes: number
  /** How often the commit was sent. */
  readonly attempts: number
}

/** Rows to write, and which of them. */
export interface WriteInput {
  readonly source: RowSource
  readonly filter: Expression | undefined
}

/** Writes the rows of a source in the mode asked for. */
export async function writeRows<In, Out>(
  table: TableHandle<In, Out>,
  data: WriteInput,
  options: WriteOptions & { readonly commitStrategy: CommitStrategy },
): Promise<RowChangeResult> {
  switch (options.mode) {
    case 'overwrite':
      return commitRows(table, prepareOverwrite(table, data, options), options)
    case 'upsert':
      return commitRows(table, await prepareUpsert(table, data, options), options)
    default: {
      const append = options.schemaMode === 'merge' ? mergeData : appendData
      return append(table, data, options)
    }
  }
}

/** What writing the rows of a source would do to the files that are there. */
export async function planWriteRows<In, Out>(
  table: TableHandle<In, Out>,
  data: WriteInput,
  options: ReplacingWriteOptions,
): Promise<RowChangePlan> {
  const prepared =
    options.mode === 'overwrite'
      ? prepareOverwrite(table, data, options)
      : await prepareUpsert(table, data, options)
  return planRows(table, prepared, options)
}

/** Appends the rows of a source in one snapshot. */
async function appendData<In, Out>(
  table: TableHandle<In, Out>,
  data: WriteInput,
  options: WriteDataOptions & { readonly commitStrategy: CommitStrategy },
): Promise<RowChangeResult> {
  const rows = new AppendedRows(table, options)
  await rows.write(data)
  if (rows.files.length === 0) return appendResult([], null, 0)
  const change = rows.change(snapshotTarget(table, options, () => appendCounts(rows.files)))
  return commitWrite(table, change, { ...options.retry, ...keyOf(options) }, ({ attempts }) =>
    appendResult(rows.files, change.snapshotId, attempts),
  )
}

/** Rows on their way into a table. */
class AppendedRows<In, Out> {
  readonly #state: TableState
  readonly #options: WriteDataOptions & { readonly commitStrategy: CommitStrategy }
  readonly #rows: RowFiles
  #files: readonly ContentFile[] = []

  constructor(
    table: TableHandle<In, Out>,
    options: WriteDataOptions & { readonly commitStrategy: CommitStrategy },
  ) {
    this.#state = table.state
    this.#options = options
    const { runtime, storage } = table.state
    const { signal, onProgress } = options
    this.#rows = new RowFiles({ runtime, storage, signal, onProgress })
  }

  get files(): readonly ContentFile[] {
    return this.#files
  }

  async write({ source, filter }: WriteInput): Promise<void> {
    const { metadata } = this.#state
    const bound = filter === undefined ? undefined : bindExpression(currentSchema(metadata), filter)
    this.#files = await this.#rows.writeAhead(metadata, source, bound)
  }

  change(target: SnapshotTarget): AppendChange {
    return new AppendChange(target, this.#files, {
      strategy: this.#options.commitStrategy,
      schema: currentSchema(this.#state.metadata),
      discardData: () => this.#rows.discard(),
      placed: () => this.#rows.placed(),
      rewrite: this.#rewrite(),
    })
  }

  /** Ids of columns and specs that the table does not have yet are not sure before the commit. */
  #rewrite(): RewriteOptions | undefined {
    const { metadata, transaction } = this.#state
    if (transaction === undefined) return undefined
    const lastColumnId = (): number => transaction.change.lastColumnId
    return {
      layout: { metadata, lastColumnId: lastColumnId() },
      copy: async (from, to, removeOld) => (this.#files = await this.#rows.copy(from, to, removeOld)),
      lastColumnId,
    }
  }
}
