/** Append: new data files join those of the branch's head; nothing that is there is read or moved. */
import type { Properties } from '../../catalog/catalog.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import type { ManifestFile } from '../../format/manifest/list.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { currentSchema } from '../../format/metadata/views.ts'
import { boolProperty } from '../../format/properties.ts'
import type { Schema } from '../../format/schema.ts'
import type { AheadAttempt, ChangedFiles, CommitAttempt, CommitChange } from '../commit.ts'
import { writableManifests } from '../manifest-reader.ts'
import { mergeManifests } from '../merge-manifests.ts'
import { isSameLayout, type WrittenLayout } from '../written-layout.ts'
import { checkKeptColumns, checkWrittenSchema, schemaRequirement } from '../written-schema.ts'
import type { WrittenFiles } from './row-files.ts'
import { SnapshotProducer, type SnapshotContent, type SnapshotTarget } from '../snapshot-producer.ts'

/**
 * How new manifests join the old: `fast_append` adds one and touches none; `merge_commit` packs
 * small ones together as `commit.manifest.*` says.
 */
export type CommitStrategy = 'fast_append' | 'merge_commit'

export interface AppendOptions {
  readonly strategy: CommitStrategy
  /** What the files were written by. */
  readonly schema: Schema
  /** Removes the data files; called when the operation gives up for certain. */
  readonly discardData: () => Promise<void>
  /** Waits until the data files are durable; absent where they are. */
  readonly placed?: (() => Promise<void>) | undefined
  /** Absent where every id that the files carry is the committed table's own. */
  readonly rewrite?: RewriteOptions | undefined
}

/** Files that carry ids which, until they are committed, others may give to something else. */
export interface RewriteOptions {
  /** The table that the files were written for. */
  readonly layout: WrittenLayout
  /** Copies the rows into new files, by another state; removes the old ones if told to. */
  copy(from: WrittenFiles, to: TableMetadata, removeOld: boolean): Promise<readonly ContentFile[]>
  /** Ids of columns above it are not the committed table's: asked while a state of it is committed to. */
  lastColumnId(): number
}

/** The change that adds data files, already written, to a table. */
export class AppendChange implements CommitChange {
  readonly operation = 'append'
  readonly snapshotId: bigint
  readonly #producer: SnapshotProducer
  #files: readonly ContentFile[]
  #changed: ChangedFiles
  #schema: Schema
  #layout: WrittenLayout | null
  readonly #options: AppendOptions
  /** Data files that were replaced by others and may be in the table after all. */
  readonly #kept: string[] = []
  /** Written once and used by every attempt: entries inherit their sequence number. */
  #added: readonly ManifestFile[] | null = null

  constructor(target: SnapshotTarget, files: readonly ContentFile[], options: AppendOptions) {
    this.#producer = new SnapshotProducer(target)
    this.snapshotId = this.#producer.snapshotId
    this.#files = files
    this.#changed = { added: files, removed: [] }
    this.#schema = options.schema
    this.#layout = options.rewrite?.layout ?? null
    this.#options = options
  }

  /**
   * Takes other files in place of those so far, with what was made of them; the caller removes these,
   * unless an outcome was unknown and they have to be kept.
   */
  async replaceFiles(
    files: readonly ContentFile[],
    schema: Schema,
    replaced: 'removed' | 'kept',
  ): Promise<void> {
    if (replaced === 'kept') {
      this.#kept.push(...this.#files.map((file) => file.location))
      this.#producer.keepFiles()
    } else {
      await this.#producer.discardAll()
    }
    this.#files = files
    this.#changed = { added: files, removed: [] }
    this.#schema = schema
    this.#added = null
  }

  files(): ChangedFiles {
    return this.#changed
  }

  async apply(base: TableMetadata, attempt: number, mayDiscard = false): Promise<CommitAttempt> {
    const { updates, requirements, durable } = await this.applyAhead(base, attempt, mayDiscard)
    await durable
    return { updates, requirements }
  }

  async applyAhead(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<AheadAttempt> {
    checkKeptColumns(base, this.#schema, this.#layout?.lastColumnId)
    await this.#rewriteFor(base, mayDiscard)
    checkWrittenSchema(base, this.#schema, this.#files)
    this.#added ??= this.#writeAdded(base)
    const { updates, requirements, durable } = this.#producer.finishAhead(
      base,
      {
        operation: 'append',
        ...(await this.#manifests(base, this.#added)),
        change: { added: this.#files, removed: [] },
      },
      attempt,
    )
    return { updates, requirements: [...requirements, schemaRequirement(base)], durable }
  }

  tidy(): Promise<void> {
    return this.#producer.tidy()
  }

  discardAttempt(): Promise<void> {
    return this.#producer.discardAttempt()
  }

  async discardAll(): Promise<void> {
    await this.#producer.discardAll()
    await this.#options.discardData()
  }

  writtenFiles(): readonly string[] {
    return [...this.#kept, ...this.#files.map((file) => file.location), ...this.#producer.writtenFiles()]
  }

  /** The same rows in other files, where ids that these carry mean something else by now. */
  async #rewriteFor(base: TableMetadata, mayDiscard: boolean): Promise<void> {
    const { rewrite } = this.#options
    const layout = this.#layout
    if (rewrite === undefined || layout === null || isSameLayout(base, layout, this.#files)) return
    const files = await rewrite.copy({ ...layout, files: this.#files }, base, mayDiscard)
    await this.replaceFiles(files, currentSchema(base), mayDiscard ? 'removed' : 'kept')
    this.#layout = { metadata: base, lastColumnId: rewrite.lastColumnId() }
  }

  /** What the manifests name may become durable together with them. */
  #writeAdded(base: TableMetadata): readonly ManifestFile[] {
    const { placed } = this.#options
    if (placed !== undefined) this.#producer.waitFor(placed())
    return this.#producer.writeAddedManifests(base, this.#files)
  }

  async #manifests(
    base: TableMetadata,
    added: readonly ManifestFile[],
  ): Promise<Pick<SnapshotContent, 'manifests' | 'inherited'>> {
    const parent = this.#producer.parent(base)
    const context = this.#producer.manifestContext(base)
    if (parent !== null && this.#merges(base.properties)) {
      const inherited = await writableManifests(context, parent)
      return { manifests: await mergeManifests({ producer: this.#producer, context, added, inherited }) }
    }
    return this.#producer.onTopOf(context, parent, added)
  }

  #merges(properties: Properties): boolean {
    return (
      this.#options.strategy === 'merge_commit' && boolProperty(properties, 'commit.manifest-merge.enabled')
    )
  }
}
