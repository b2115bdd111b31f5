/**
 * Packs small manifests together (table properties `commit.manifest.target-size-bytes` and
 * `commit.manifest.min-count-to-merge`), one partition spec and one kind of content at a time.
 */
import type { ManifestEntry } from '../format/manifest/entry.ts'
import type { ManifestFile } from '../format/manifest/list.ts'
import { intProperty } from '../format/properties.ts'
import { entriesOf, type ManifestContext } from './manifest-reader.ts'
import type { SnapshotProducer } from './snapshot-producer.ts'

export interface MergeRequest {
  readonly producer: SnapshotProducer
  readonly context: ManifestContext
  /** Manifests of this operation, not committed yet. */
  readonly added: readonly ManifestFile[]
  /** Manifests of the branch's head. */
  readonly inherited: readonly ManifestFile[]
}

/** The manifests of the new snapshot, newest first. */
export async function mergeManifests(request: MergeRequest): Promise<readonly ManifestFile[]> {
  const all = [...request.added, ...request.inherited]
  const groups = Map.groupBy(all, (manifest) => `${manifest.specId}|${manifest.content}`)
  const merged: ManifestFile[] = []
  for (const group of groups.values()) merged.push(...(await mergeGroup(request, group)))
  return merged
}

async function mergeGroup(
  request: MergeRequest,
  group: readonly ManifestFile[],
): Promise<readonly ManifestFile[]> {
  const { properties } = request.context.metadata
  const targetSize = intProperty(properties, 'commit.manifest.target-size-bytes')
  const minCount = intProperty(properties, 'commit.manifest.min-count-to-merge')
  const result: ManifestFile[] = []
  for (const bin of packFromEnd(group, targetSize)) {
    const holdsNew = bin.some((manifest) => request.added.includes(manifest))
    // Merging the newest bin on every commit would rewrite it each time: wait until it has enough.
    if (bin.length === 1 || (holdsNew && bin.length < minCount)) result.push(...bin)
    else {
      // The new ones are read again, like the old.
      await request.producer.written()
      result.push(...(await mergeBin(request, bin)))
    }
  }
  return result
}

/**
 * Fills bins from the oldest manifest on, so that the old bins stay as they are and only the
 * newest, at the front, is left to grow.
 */
function packFromEnd(manifests: readonly ManifestFile[], targetSize: number): ManifestFile[][] {
  const bins: ManifestFile[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const manifest of manifests.toReversed()) {
    const current = bins[0]
    if (current === undefined || size + manifest.length > targetSize) {
      bins.unshift([manifest])
      size = manifest.length
    } else {
      current.unshift(manifest)
      size += manifest.length
    }
  }
  return bins
}

/** One manifest; none when nothing of the bin is left. */
async function mergeBin(
  request: MergeRequest,
  bin: readonly ManifestFile[],
): Promise<readonly ManifestFile[]> {
  const { producer, context } = request
  const entries: ManifestEntry[] = []
  for (const manifest of bin) {
    const own = request.added.includes(manifest)
    for (const entry of await entriesOf(context, manifest)) {
      const kept = own
        ? { ...entry, sequenceNumber: null, fileSequenceNumber: null }
        : carriedOver(entry, producer.snapshotId)
      if (kept !== null) entries.push(kept)
    }
  }
  return entries.length === 0 ? [] : [await producer.writeAttemptManifest(context.metadata, entries)]
}

/** What an earlier snapshot added is now existing; what it deleted is no longer listed. */
function carriedOver(entry: ManifestEntry, snapshotId: bigint): ManifestEntry | null {
  if (entry.status !== 'deleted') return { ...entry, status: 'existing' }
  return entry.snapshotId === snapshotId ? entry : null
}
