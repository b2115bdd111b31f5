/**
 * Files in place of others that hold the same rows: one `replace` snapshot. Rows that others add
 * meanwhile are theirs and stay; rows that others delete from a file which leaves would come back,
 * and are a conflict.
 */
import { CommitConflictError } from '../../errors.ts'
import type { ContentFile, ManifestEntry } from '../../format/manifest/entry.ts'
import type { ManifestFile } from '../../format/manifest/list.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { specsById } from '../../format/metadata/views.ts'
import type { Schema } from '../../format/schema.ts'
import type { Snapshot } from '../../format/snapshot.ts'
import type { CommitAttempt, CommitChange } from '../commit.ts'
import { DeleteIndex, isGlobal, mayName } from '../delete-index.ts'
import { Intervening, type InterveningChanges } from '../intervening.ts'
import type { ManifestBytes } from '../manifest-bytes.ts'
import { filterManifests } from '../manifest-filter.ts'
import { writableManifests, type ManifestContext } from '../manifest-reader.ts'
import { SnapshotProducer, type SnapshotTarget } from '../snapshot-producer.ts'
import { checkWrittenSchema, schemaRequirement } from '../written-schema.ts'

/** Which files go, which come, and what they were made from. */
export interface FileRewrite {
  /** Word for error messages. */
  readonly operation: string
  /** Head of the branch that the files were read from. */
  readonly start: Snapshot
  /** What added data files were written by. */
  readonly schema: Schema
  /** Already written. */
  readonly added: readonly ContentFile[]
  /** Data sequence number of an added file; null: the commit's own. */
  readonly sequenceNumberOf: (file: ContentFile) => number | null
  /** Data files that leave, as they were listed. */
  readonly removedData: readonly ManifestEntry[]
  /** Locations of those of them whose rows come to lie in another spec; none by default. */
  readonly moved?: ReadonlySet<string> | undefined
  /** Delete files that leave; others may have removed them before. */
  readonly removedDeletes: readonly ContentFile[]
  /** Manifests that were read before. */
  readonly kept?: ManifestBytes | undefined
  /** Removes the added files. */
  readonly discard: () => Promise<void>
}

type Specs = ReturnType<typeof specsById>

export class RewriteFilesChange implements CommitChange {
  readonly operation: string
  readonly snapshotId: bigint
  readonly #rewrite: FileRewrite
  readonly #producer: SnapshotProducer
  readonly #since: Intervening
  #added: readonly ManifestFile[] | null = null
  #removed: readonly ContentFile[] = []

  constructor(target: SnapshotTarget, rewrite: FileRewrite) {
    this.#rewrite = rewrite
    this.#producer = new SnapshotProducer(target)
    this.#since = new Intervening(rewrite.start)
    this.operation = rewrite.operation
    this.snapshotId = this.#producer.snapshotId
  }

  /** What the last attempt took out of the table. */
  get removed(): readonly ContentFile[] {
    return this.#removed
  }

  async apply(base: TableMetadata, attempt: number): Promise<CommitAttempt | null> {
    const { added, removedData, removedDeletes, schema } = this.#rewrite
    const head = this.#producer.parent(base)
    const context = { ...this.#producer.manifestContext(base), kept: this.#rewrite.kept }
    this.#validate(context, await this.#since.changes(context, head))
    // A branch without a head is a history that leads nowhere: refused above.
    if (head === null) return null
    checkWrittenSchema(base, schema, added)
    this.#added ??= this.#producer.writeAddedManifests(
      base,
      this.#rewrite.added,
      this.#rewrite.sequenceNumberOf,
    )
    const { manifests, removed } = await filterManifests(
      this.#producer,
      context,
      await writableManifests(context, head),
      [...removedData.map(({ file }) => file), ...removedDeletes],
      { pack: true },
    )
    if (added.length === 0 && removed.length === 0) return null
    // New delete files stand for old ones, all of which have to be there to be stood for.
    const isShort = removed.length < removedData.length + removedDeletes.length
    if (isShort && added.some((file) => file.content !== 'data')) {
      throw conflict('a delete file that it replaces was removed')
    }
    this.#removed = removed
    const { updates, requirements } = await this.#producer.finish(
      base,
      { operation: 'replace', manifests: [...this.#added, ...manifests], change: { added, removed } },
      attempt,
    )
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
    await this.#rewrite.discard()
  }

  writtenFiles(): readonly string[] {
    return [...this.#rewrite.added.map((file) => file.location), ...this.#producer.writtenFiles()]
  }

  #validate(context: ManifestContext, others: InterveningChanges): void {
    const { removedData } = this.#rewrite
    const leaving = new Set(removedData.map(({ file }) => file.location))
    if (others.removedData.some(({ file }) => leaving.has(file.location))) {
      throw conflict('a data file that it replaces was removed')
    }
    const deletes = others.addedDeletes.filter((entry) => this.#isNews(entry))
    if (deletes.length === 0) return
    const specs = specsById(context.metadata)
    const index = new DeleteIndex(deletes, specs)
    const isHit = (entry: ManifestEntry): boolean =>
      index.deletesFor(entry).some((hit) => this.#wouldBeLost(hit, entry, specs))
    if (removedData.some(isHit)) throw conflict('rows of a data file that it replaces were deleted')
  }

  /** Deletes that were there from the start come again where others put their files together. */
  #isNews({ sequenceNumber }: ManifestEntry): boolean {
    return (sequenceNumber ?? 0) > (this.#rewrite.start['sequence-number'] ?? 0)
  }

  /**
   * Positions are those of a file which leaves. Equality deletes go on applying to files that are
   * older than they are, in the partitions that they are about.
   */
  #wouldBeLost(deletes: ManifestEntry, { file }: ManifestEntry, specs: Specs): boolean {
    if (deletes.file.content !== 'equality-deletes') return mayName(deletes.file, file.location)
    const { added, moved, sequenceNumberOf } = this.#rewrite
    if (moved?.has(file.location) === true && !isGlobal(deletes.file, specs)) return true
    return added.some((each) => {
      const number = sequenceNumberOf(each)
      return number === null || number >= (deletes.sequenceNumber ?? 0)
    })
  }
}

function conflict(reason: string): CommitConflictError {
  return new CommitConflictError(`Another commit came in between: ${reason}`, {
    hint: 'No row was lost and nothing was rewritten. Repeat the operation on the table as it is now.',
  })
}
