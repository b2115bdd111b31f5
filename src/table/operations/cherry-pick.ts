/**
 * Brings what one snapshot did to a branch that does not have it (write-audit-publish): where the
 * branch's head is the snapshot's parent, the branch moves; else its files come in by a snapshot of
 * their own.
 */
import { CherryPickError, CommitConflictError } from '../../errors.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import type { ManifestFile } from '../../format/manifest/list.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { currentSchema, refSnapshot, snapshotById } from '../../format/metadata/views.ts'
import { noSuchSnapshot } from '../../format/refs/apply-ref-edit.ts'
import { pickWay, type PickWay } from '../../format/refs/pickable.ts'
import { PUBLISHED_WAP_ID, SOURCE_SNAPSHOT_ID, wapIdOf } from '../../format/refs/wap.ts'
import { schemaFromJson, type Schema } from '../../format/schema.ts'
import type { Snapshot } from '../../format/snapshot.ts'
import { changesOf, Intervening } from '../intervening.ts'
import { filterManifests } from '../manifest-filter.ts'
import { writableManifests, type ManifestContext } from '../manifest-reader.ts'
import { partitionKey } from '../partition-key.ts'
import { SnapshotProducer, type SnapshotContent } from '../snapshot-producer.ts'
import { checkWrittenSchema } from '../written-schema.ts'
import type { MadeSnapshot, SnapshotMaker, SnapshotSite } from './snapshot-maker.ts'

/** What a picked snapshot changed. */
interface PickedFiles {
  readonly added: readonly ContentFile[]
  readonly removed: readonly ContentFile[]
}

/** One pick: the same new snapshot in every attempt of its commit. */
export class CherryPick implements SnapshotMaker {
  readonly #site: SnapshotSite
  readonly #snapshotId: bigint
  readonly #branch: string
  #producer: SnapshotProducer | null = null
  /** Snapshots never change: read once. */
  #files: PickedFiles | null = null
  #manifests: readonly ManifestFile[] | null = null

  constructor(site: SnapshotSite, snapshotId: bigint, branch: string) {
    this.#site = site
    this.#snapshotId = snapshotId
    this.#branch = branch
  }

  /** NoSuchSnapshotError, CherryPickError. UnsupportedFeatureError where no snapshot can be written. */
  async apply(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<MadeSnapshot> {
    const picked = snapshotById(base, this.#snapshotId)
    if (picked === null) throw noSuchSnapshot(base, this.#branch, this.#snapshotId)
    const way = pickWay(base, this.#branch, picked)
    if (way === 'fast_forward') {
      await this.#forget(mayDiscard)
      return { head: this.#snapshotId, added: null }
    }
    const added = await this.#build(base, picked, way, attempt)
    return { head: added['snapshot-id'], added }
  }

  async tidy(): Promise<void> {
    await this.#producer?.tidy()
  }

  async discardAttempt(): Promise<void> {
    await this.#producer?.discardAttempt()
  }

  async discardAll(): Promise<void> {
    await this.#producer?.discardAll()
  }

  writtenFiles(): readonly string[] {
    return this.#producer?.writtenFiles() ?? []
  }

  /** What an earlier attempt wrote is not needed where the branch has come to be the snapshot's parent. */
  async #forget(mayDiscard: boolean): Promise<void> {
    if (mayDiscard) await this.#producer?.discardAll()
    else this.#producer?.keepFiles()
    this.#manifests = null
  }

  async #build(
    base: TableMetadata,
    picked: Snapshot,
    way: Exclude<PickWay, 'fast_forward'>,
    attempt: number,
  ): Promise<Snapshot> {
    this.#producer ??= this.#newProducer(picked)
    const producer = this.#producer
    const context = producer.manifestContext(base)
    const head = refSnapshot(base, this.#branch)
    this.#files ??= await filesOf(context, picked)
    const { added } = this.#files
    const removed = way === 'append' ? [] : this.#files.removed
    if (way === 'replace_partitions') await refuseChanged(context, picked, head, added)
    checkWrittenSchema(base, schemaOf(base, picked), added)
    this.#manifests ??= producer.writeAddedManifests(base, added)
    const content: SnapshotContent = {
      operation: picked.summary?.operation === 'overwrite' ? 'overwrite' : 'append',
      ...(await this.#joined(producer, context, this.#manifests, removed)),
      change: { added, removed },
    }
    return producer.stage(base, content, attempt)
  }

  #newProducer(picked: Snapshot): SnapshotProducer {
    const wapId = wapIdOf(picked)
    return new SnapshotProducer({
      ...this.#site,
      branch: this.#branch,
      isStaged: true,
      snapshotProperties: {
        ...(wapId === null ? {} : { [PUBLISHED_WAP_ID]: wapId }),
        [SOURCE_SNAPSHOT_ID]: picked['snapshot-id'].toString(),
      },
    })
  }

  /** The manifests of the new snapshot: its own, then those of the branch without what it replaces. */
  async #joined(
    producer: SnapshotProducer,
    context: ManifestContext,
    own: readonly ManifestFile[],
    removed: readonly ContentFile[],
  ): Promise<Pick<SnapshotContent, 'manifests' | 'inherited'>> {
    const head = producer.parent(context.metadata)
    if (head === null || removed.length === 0) return producer.onTopOf(context, head, own)
    const manifests = await writableManifests(context, head)
    try {
      const filtered = await filterManifests(producer, context, manifests, removed)
      return { manifests: [...own, ...filtered.manifests] }
    } catch (error) {
      if (!(error instanceof CommitConflictError)) throw error
      throw partitionsChanged(this.#snapshotId, error)
    }
  }
}

async function filesOf(context: ManifestContext, picked: Snapshot): Promise<PickedFiles> {
  const changes = await changesOf(context, picked)
  if (changes.addedDeletes.length > 0) {
    throw new CherryPickError(`Snapshot ${picked['snapshot-id']} adds delete files`, {
      hint: 'Repeat the operation on the branch.',
    })
  }
  return {
    added: changes.addedData.map((entry) => entry.file),
    removed: changes.removedData.map((entry) => entry.file),
  }
}

/** What a snapshot's files were written by; old snapshots do not say, and get the current one. */
function schemaOf(base: TableMetadata, picked: Snapshot): Schema {
  const json = base.schemas.find((schema) => schema['schema-id'] === picked['schema-id'])
  return json === undefined ? currentSchema(base) : schemaFromJson(json)
}

/** Files that came to a replaced partition after it was read would stay beside its new rows. */
async function refuseChanged(
  context: ManifestContext,
  picked: Snapshot,
  head: Snapshot | null,
  added: readonly ContentFile[],
): Promise<void> {
  const parent = picked['parent-snapshot-id']
  const start = parent === undefined ? null : snapshotById(context.metadata, parent)
  const replaced = new Set(added.map((file) => partitionKey(file.specId, file.partition)))
  const { addedData } = await new Intervening(start).changes(context, head)
  const changed = addedData.some(({ file }) => replaced.has(partitionKey(file.specId, file.partition)))
  if (changed) throw partitionsChanged(picked['snapshot-id'])
}

function partitionsChanged(id: bigint, cause?: CommitConflictError): CherryPickError {
  return new CherryPickError(`Partitions that snapshot ${id} replaces have changed since it was written`, {
    reason: 'partitions_changed',
    hint: 'Write the rows on the branch again.',
    cause,
  })
}
