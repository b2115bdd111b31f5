/** Planning a scan of the rows that a run of snapshots appended. */
import { throwIfAborted } from '../abort.ts'
import { UnsupportedFeatureError } from '../errors.ts'
import type { ManifestEntry } from '../format/manifest/entry.ts'
import type { ManifestFile } from '../format/manifest/list.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { AppendRange } from './append-range.ts'
import { mapConcurrently } from './concurrency.ts'
import { entriesOf, manifestsOf, type ManifestContext } from './manifest-reader.ts'
import { checkLocations, scanReport, SpecPruning, type PlanRequest, type ScanPlan } from './plan.ts'

/**
 * The files that each snapshot of the range itself added, oldest first. Their rows come as they were
 * appended: no delete file applies. Rewrites change no rows and are passed over.
 *
 * UnsupportedFeatureError when a snapshot removed or changed rows, unless those are to be skipped;
 * MissingFileError, CorruptFileError, InvalidLocationError.
 */
export async function planAppends(
  request: Omit<PlanRequest, 'snapshot'>,
  { snapshots, onChangedRows }: Pick<AppendRange, 'snapshots' | 'onChangedRows'>,
): Promise<ScanPlan> {
  const { context } = request
  const pruning = new SpecPruning(request)
  const found = await mapConcurrently(snapshots, async (snapshot) => {
    throwIfAborted(context.signal)
    if (snapshot.summary?.operation === 'replace') return NOTHING
    const own = await ownManifests(context, snapshot)
    const changed = await mapConcurrently(own, (manifest) => removesRows(context, manifest, snapshot))
    if (changed.includes(true)) {
      if (onChangedRows === 'skip') return NOTHING
      throw changedRows(snapshot)
    }
    const data = own.filter((manifest) => manifest.content === 'data' && manifest.addedFilesCount !== 0)
    const wanted = data.filter((manifest) => pruning.manifestMightMatch(manifest))
    const entries = await mapConcurrently(wanted, async (manifest) => {
      const live = await entriesOf(context, manifest, { liveOnly: true, metrics: pruning.metrics })
      return live.filter((entry) => isAddedBy(snapshot, entry) && pruning.fileMightMatch(entry))
    })
    return { manifests: data, scanned: wanted, entries: entries.flat() }
  })
  const tasks = found.flatMap(({ entries }) => entries).map((entry) => pruning.task(entry))
  checkLocations(context, tasks)
  const manifests = found.flatMap((each) => each.manifests)
  const scanned = found.flatMap((each) => each.scanned)
  return { tasks, report: scanReport(manifests, scanned, tasks, pruning) }
}

interface Appended {
  readonly manifests: readonly ManifestFile[]
  readonly scanned: readonly ManifestFile[]
  readonly entries: readonly ManifestEntry[]
}

const NOTHING: Appended = { manifests: [], scanned: [], entries: [] }

/** Manifests that the snapshot made itself: all others are its ancestors'. */
async function ownManifests(context: ManifestContext, snapshot: Snapshot): Promise<readonly ManifestFile[]> {
  const manifests = await manifestsOf(context, snapshot)
  return manifests.filter((manifest) => manifest.addedSnapshotId === snapshot['snapshot-id'])
}

/** Goes by what the snapshot did, not by its name for it: an overwrite of nothing is an append. */
async function removesRows(
  context: ManifestContext,
  manifest: ManifestFile,
  snapshot: Snapshot,
): Promise<boolean> {
  const isData = manifest.content === 'data'
  const count = isData ? manifest.deletedFilesCount : manifest.addedFilesCount
  if (count === 0) return false
  const entries = await entriesOf(context, manifest, { metrics: new Set() })
  const status = isData ? 'deleted' : 'added'
  return entries.some((entry) => entry.status === status && isOf(snapshot, entry))
}

function isAddedBy(snapshot: Snapshot, entry: ManifestEntry): boolean {
  return entry.status === 'added' && isOf(snapshot, entry)
}

function isOf(snapshot: Snapshot, entry: ManifestEntry): boolean {
  return entry.snapshotId === snapshot['snapshot-id']
}

function changedRows(snapshot: Snapshot): UnsupportedFeatureError {
  const operation = snapshot.summary?.operation ?? 'change'
  return new UnsupportedFeatureError(
    `Snapshot ${snapshot['snapshot-id']} (${operation}) removed or changed rows, and only appended rows can be read by a range`,
    {
      hint: "Pass onChangedRows: 'skip' (`--skip-changes`) to pass over such snapshots, or read the whole table.",
    },
  )
}
