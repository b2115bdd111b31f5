/**
 * Changes of rows that are there: a computation on one state of the table says which data files go
 * and which files come; this turns it into one snapshot, and does the right thing when others
 * commit in between.
 *
 * On a conflict the changes since the start are looked at. Where none of them touches the rows that
 * the computation depended on, its files are used again on the new head (rebase). Where one does,
 * the computation is done again on the new head with new files (redo), or the operation fails.
 */
import { CommitConflictError } from '../../errors.ts'
import type { ContentFile, ManifestEntry } from '../../format/manifest/entry.ts'
import type { ManifestFile } from '../../format/manifest/list.ts'
import { ancestorsOf, currentSchema } from '../../format/metadata/views.ts'
import { boolProperty } from '../../format/properties.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { Snapshot, SnapshotOperation } from '../../format/snapshot.ts'
import type { ChangedFiles, CommitAttempt, CommitChange } from '../commit.ts'
import { Intervening, joinChanges, type InterveningChanges } from '../intervening.ts'
import { filterManifests } from '../manifest-filter.ts'
import { writableManifests, type ManifestContext } from '../manifest-reader.ts'
import { mergeManifests } from '../merge-manifests.ts'
import { SnapshotProducer, type SnapshotContent, type SnapshotTarget } from '../snapshot-producer.ts'
import { changesBetween } from '../transaction-context.ts'
import { isSameLayout, type WrittenLayout } from '../written-layout.ts'
import { checkWrittenSchema, keepsColumns, schemaRequirement } from '../written-schema.ts'
import type { CommitStrategy } from './append.ts'

/** How much of what others did counts as a conflict. */
export type Isolation = 'serializable' | 'snapshot'

/** The outcome of a computation on one state. */
export interface RowChange {
  /** Data and position delete files, already written. */
  readonly added: readonly ContentFile[]
  /** Data files that leave the table. */
  readonly removed: readonly ContentFile[]
  /** Delete files that were about nothing but removed files, and leave with them. */
  readonly removedDeletes: readonly ContentFile[]
  /** Data files that new position deletes refer to: they must still be there when it commits. */
  readonly referenced: readonly ContentFile[]
  /** Entries for the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
}

/** What a computation depends on, and how to do it. */
export interface RowComputation {
  /** Word for error messages. */
  readonly operation: string
  readonly isolation: Isolation
  readonly onConflict: 'redo' | 'fail'
  /**
   * Whether rows that it leaves as they are have a part in the outcome: a row that was found is not
   * inserted, so that its file must not go unseen, also where nothing of it is replaced.
   */
  readonly restsOnKeptRows?: boolean
  /** Computes on the branch's head. Files of an earlier computation are discarded before. */
  compute(base: TableMetadata, head: Snapshot | null): Promise<RowChange>
  /** Whether a file added or removed by others may hold rows that the computation depended on. */
  touches(base: TableMetadata, entry: ManifestEntry): boolean
  /** Data and delete files that were written and not discarded, a computation that failed included. */
  written(): readonly string[]
  /** Removes them. */
  discard(): Promise<void>
}

export interface RowChangeOptions {
  readonly strategy: CommitStrategy
}

/** What was computed, on what. */
interface ComputedChange {
  readonly change: RowChange
  readonly since: Intervening
  /** What its files were written for. */
  readonly layout: WrittenLayout
  /** What earlier steps of its transaction had come to. */
  readonly earlier: readonly ChangedFiles[]
}

export class RowLevelChange implements CommitChange {
  readonly operation: string
  readonly snapshotId: bigint
  readonly #computation: RowComputation
  readonly #options: RowChangeOptions
  readonly #producer: SnapshotProducer
  #current: ComputedChange | null = null
  #added: readonly ManifestFile[] | null = null

  constructor(target: SnapshotTarget, computation: RowComputation, options: RowChangeOptions) {
    this.#computation = computation
    this.#options = options
    this.#producer = new SnapshotProducer(target)
    this.operation = computation.operation
    this.snapshotId = this.#producer.snapshotId
  }

  /** What the last attempt did; null before the first. */
  get change(): RowChange | null {
    return this.#current?.change ?? null
  }

  files(): RowChange | null {
    return this.change
  }

  async apply(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<CommitAttempt | null> {
    const head = this.#producer.parent(base)
    const context = this.#producer.manifestContext(base)
    const change = await this.#changeOn(base, head, context, mayDiscard)
    if (change.added.length === 0 && change.removed.length === 0) return null
    this.#added ??= this.#producer.writeAddedManifests(base, change.added)
    const content = await this.#content(base, head, context, change, this.#added)
    const { updates, requirements } = await this.#producer.finish(base, content, attempt)
    return { updates, requirements: [...requirements, schemaRequirement(base)] }
  }

  tidy(): Promise<void> {
    return this.#producer.tidy()
  }

  discardAttempt(): Promise<void> {
    return this.#producer.discardAttempt()
  }

  async discardAll(): Promise<void> {
    await this.#producer.discardAll()
    await this.#computation.discard()
  }

  writtenFiles(): readonly string[] {
    return [...this.#computation.written(), ...this.#producer.writtenFiles()]
  }

  async #changeOn(
    base: TableMetadata,
    head: Snapshot | null,
    context: ManifestContext,
    mayDiscard: boolean,
  ): Promise<RowChange> {
    if (this.#current === null) return this.#compute(base, head)
    const { since, earlier, layout } = this.#current
    const others = await since.changes(context, head)
    const redone = changesBetween(earlier, this.#earlierSteps())
    const reason =
      this.#conflict(base, this.#current.change, joinChanges(others, redone)) ??
      layoutConflict(base, layout, this.#current.change)
    if (reason === null) {
      checkWrittenSchema(base, currentSchema(layout.metadata), this.#current.change.added)
      return this.#current.change
    }
    if (this.#computation.onConflict === 'fail') throw conflict(reason)
    await this.#startOver(mayDiscard)
    return this.#compute(base, head)
  }

  async #startOver(mayDiscard: boolean): Promise<void> {
    if (mayDiscard) await this.discardAll()
    else this.#producer.keepFiles()
    this.#current = null
    this.#added = null
  }

  async #compute(base: TableMetadata, head: Snapshot | null): Promise<RowChange> {
    const change = await this.#computation.compute(base, head)
    const isOwn = (id: bigint): boolean => this.#producer.transaction?.isOwn(id) ?? false
    const history = head === null ? [] : ancestorsOf(base, head['snapshot-id'])
    const start = history.find((snapshot) => !isOwn(snapshot['snapshot-id'])) ?? null
    this.#current = {
      change,
      since: new Intervening(start, isOwn),
      layout: {
        metadata: base,
        lastColumnId: this.#producer.transaction?.lastColumnId ?? base['last-column-id'],
      },
      earlier: this.#earlierSteps(),
    }
    return change
  }

  #earlierSteps(): readonly ChangedFiles[] {
    return this.#producer.transaction?.filesBefore(this.snapshotId) ?? []
  }

  /** Why the files of the computation are not right on the new head; null when they are. */
  #conflict(base: TableMetadata, change: RowChange, others: InterveningChanges): string | null {
    const touches = (entry: ManifestEntry): boolean => this.#computation.touches(base, entry)
    const needed = new Set([...change.removed, ...change.referenced].map((file) => file.location))
    if (others.removedData.some((entry) => needed.has(entry.file.location))) {
      return 'a data file that it replaces or deletes from was removed'
    }
    if (others.addedDeletes.some(touches)) return 'rows that it may depend on were deleted'
    if (this.#computation.restsOnKeptRows === true && others.removedRows.some(touches)) {
      return 'rows that it left as they were may have been removed'
    }
    if (this.#computation.isolation === 'snapshot') return null
    if (others.addedData.some(touches)) return 'rows that it may depend on were added'
    return null
  }

  async #content(
    base: TableMetadata,
    head: Snapshot | null,
    context: ManifestContext,
    change: RowChange,
    added: readonly ManifestFile[],
  ): Promise<SnapshotContent> {
    const contentOf = (removed: readonly ContentFile[]) => ({
      operation: operationOf(change),
      change: { added: change.added, removed },
      summary: change.summary,
    })
    if (head === null) return { ...contentOf([]), manifests: added }
    const merges =
      this.#options.strategy === 'merge_commit' &&
      boolProperty(base.properties, 'commit.manifest-merge.enabled')
    if (change.removed.length === 0 && !merges) {
      return { ...contentOf([]), ...(await this.#producer.onTopOf(context, head, added)) }
    }
    const { manifests: inherited, removed } = await filterManifests(
      this.#producer,
      context,
      await writableManifests(context, head),
      [...change.removed, ...change.removedDeletes],
    )
    const content = contentOf(removed)
    if (!merges) return { ...content, manifests: [...added, ...inherited] }
    const manifests = await mergeManifests({ producer: this.#producer, context, added, inherited })
    return { ...content, manifests }
  }
}

/** Why its files are not right in the table as it is; null when they are. */
function layoutConflict(base: TableMetadata, layout: WrittenLayout, { added }: RowChange): string | null {
  if (!isSameLayout(base, layout, added)) {
    return 'ids of columns or partitions that its files carry were given to others'
  }
  const hasRows = added.some(({ content }) => content === 'data')
  if (!hasRows || keepsColumns(base, currentSchema(layout.metadata), layout.lastColumnId)) return null
  return 'columns that its rows have were replaced by others'
}

/** Iceberg spec, "Snapshots", `operation`. */
function operationOf(change: RowChange): SnapshotOperation {
  const addsRows = change.added.some((file) => file.content === 'data')
  const removesRows = change.removed.length > 0 || change.added.some((file) => file.content !== 'data')
  if (addsRows && removesRows) return 'overwrite'
  return addsRows ? 'append' : 'delete'
}

function conflict(reason: string): CommitConflictError {
  return new CommitConflictError(`Another commit came in between: ${reason}`, {
    hint: 'Nothing was changed. Look at the table as it is now and repeat the operation.',
  })
}
