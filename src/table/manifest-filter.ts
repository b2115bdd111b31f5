/**
 * Takes data files out of a table: manifests that list them are written again, with those entries
 * marked as deleted; all others stay as they are.
 */
import { CommitConflictError } from '../errors.ts'
import type { PartitionExpression } from '../format/expressions/expression.ts'
import { manifestMightMatch } from '../format/expressions/summaries.ts'
import { tupleFilter } from '../format/expressions/tuple-filter.ts'
import { contentFileKey, type ContentFile, type ManifestEntry } from '../format/manifest/entry.ts'
import type { ManifestFile } from '../format/manifest/list.ts'
import { currentSchema, specById } from '../format/metadata/views.ts'
import { mapConcurrently } from './concurrency.ts'
import { entriesOf, type ManifestContext } from './manifest-reader.ts'
import { partitionKey } from './partition-key.ts'
import { ManifestPacker } from './manifest-packer.ts'
import type { SnapshotProducer } from './snapshot-producer.ts'

/** Manifests without the removed files. */
export interface FilteredManifests {
  readonly manifests: readonly ManifestFile[]
  /** What was taken out: delete files that others removed before are not among it. */
  readonly removed: readonly ContentFile[]
}

/**
 * CommitConflictError when a data file is not listed any more.
 *
 * With `pack`, what is written again of many manifests goes into few: for operations that remove
 * files from all over the table.
 */
export async function filterManifests(
  producer: SnapshotProducer,
  context: ManifestContext,
  manifests: readonly ManifestFile[],
  removed: readonly ContentFile[],
  { pack = false }: { readonly pack?: boolean } = {},
): Promise<FilteredManifests> {
  if (removed.length === 0) return { manifests, removed }
  const wanted = new Set(removed.map(contentFileKey))
  const found = new Set<string>()
  const packer = pack ? new ManifestPacker(producer, context.metadata) : null
  const filter = new ManifestFilter(producer, context, { wanted, found, packer })
  const candidates = new Candidates(context, removed)
  const kept = await mapConcurrently(manifests, (manifest) =>
    candidates.mayList(manifest) ? filter.apply(manifest) : Promise.resolve(manifest),
  )
  const packed = (await packer?.finish()) ?? []
  const filtered = [...packed, ...kept.filter((manifest) => manifest !== null)]
  const gone = removed.filter((file) => file.content === 'data' && !found.has(contentFileKey(file)))
  if (gone.length > 0) throw filesGone(gone.length)
  return { manifests: filtered, removed: removed.filter((file) => found.has(contentFileKey(file))) }
}

/** More partitions than this are not looked up one by one in every manifest's summary. */
const MAX_PARTITIONS = 100

/** Which manifests may list the removed files, by kind of content, spec and partition summaries. */
class Candidates {
  readonly #context: ManifestContext
  /** By spec id and content; null: any manifest of them. */
  readonly #partitions = new Map<string, readonly PartitionExpression[] | null>()

  constructor(context: ManifestContext, removed: readonly ContentFile[]) {
    this.#context = context
    const schema = currentSchema(context.metadata)
    for (const [group, files] of Map.groupBy(removed, groupOf)) {
      const tuples = new Map(files.map((file) => [partitionKey(file.specId, file.partition), file]))
      const filters = [...tuples.values()].map((file) =>
        tupleFilter(specById(context.metadata, file.specId), schema, file.partition),
      )
      this.#partitions.set(group, filters.length > MAX_PARTITIONS ? null : filters)
    }
  }

  mayList(manifest: ManifestFile): boolean {
    const filters = this.#partitions.get(`${manifest.specId}|${manifest.content}`)
    if (filters === undefined) return false
    if (filters === null) return true
    const { metadata } = this.#context
    const spec = specById(metadata, manifest.specId)
    return filters.some((filter) => manifestMightMatch(spec, currentSchema(metadata), filter, manifest))
  }
}

function groupOf(file: ContentFile): string {
  return `${file.specId}|${file.content === 'data' ? 'data' : 'deletes'}`
}

class ManifestFilter {
  readonly #producer: SnapshotProducer
  readonly #context: ManifestContext
  readonly #wanted: ReadonlySet<string>
  readonly #found: Set<string>
  readonly #packer: ManifestPacker | null

  constructor(
    producer: SnapshotProducer,
    context: ManifestContext,
    {
      wanted,
      found,
      packer,
    }: { wanted: ReadonlySet<string>; found: Set<string>; packer: ManifestPacker | null },
  ) {
    this.#producer = producer
    this.#context = context
    this.#wanted = wanted
    this.#found = found
    this.#packer = packer
  }

  /** null: its entries went to the packer. */
  async apply(manifest: ManifestFile): Promise<ManifestFile | null> {
    const entries = await entriesOf(this.#context, manifest)
    if (!entries.some((entry) => this.#isWanted(entry))) return manifest
    const kept = entries.filter((entry) => entry.status !== 'deleted').map((entry) => this.#rewritten(entry))
    if (this.#packer === null) return this.#producer.writeAttemptManifest(this.#context.metadata, kept)
    await this.#packer.add(manifest, kept)
    return null
  }

  #isWanted(entry: ManifestEntry): boolean {
    return entry.status !== 'deleted' && this.#wanted.has(contentFileKey(entry.file))
  }

  /** A deleted entry carries the deleting snapshot's id, and the sequence numbers that the file had. */
  #rewritten(entry: ManifestEntry): ManifestEntry {
    if (!this.#isWanted(entry)) return { ...entry, status: 'existing' }
    this.#found.add(contentFileKey(entry.file))
    return { ...entry, status: 'deleted', snapshotId: this.#producer.snapshotId }
  }
}

function filesGone(count: number): CommitConflictError {
  return new CommitConflictError(`${count} of the files to be replaced are not in the table any more`, {
    hint: 'Another commit removed them. Repeat the operation on the table as it is now.',
  })
}
