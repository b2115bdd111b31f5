/** Carrying out a rewriting of position delete files. */
import { throwIfAborted } from '../abort.ts'
import type { LoadedTable } from '../catalog/catalog.ts'
import type { FileScanTask } from '../engine/data-plane.ts'
import type { ContentFile, ManifestEntry } from '../format/manifest/entry.ts'
import { currentSchema, snapshotById } from '../format/metadata/views.ts'
import { commitChange } from '../table/commit.ts'
import { RewriteFilesChange } from '../table/operations/rewrite-files.ts'
import { RowWriter } from '../table/operations/row-writer.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import { refuseUnwritable } from '../table/snapshot-producer.ts'
import type { TableState } from '../table/table-state.ts'
import { writableHead } from '../table/write-branch.ts'
import { contextOf, liveDeletes, liveTasks, DeleteFileUse } from './live-files.ts'
import { parsePlan, type ExecuteOptions } from './plan.ts'
import {
  positionDeletesPlanSchema,
  type PositionDeletesGroup,
  type RewritePositionDeletesPlan,
} from './position-deletes-plan.ts'

/** What a rewriting of position delete files did. */
export interface RewritePositionDeletesResult {
  /** null when there was nothing to do: nothing was committed. */
  readonly snapshotId: bigint | null
  readonly removedDeleteFiles: number
  readonly removedBytes: number
  readonly addedDeleteFiles: number
  readonly addedBytes: number
  /** Positions in the added files. */
  readonly positions: number
  /** Files of the plan that were not in the table any more when it was executed. */
  readonly skippedFiles: readonly string[]
  /** How often the commit was sent. */
  readonly attempts: number
}

const NOTHING: RewritePositionDeletesResult = {
  snapshotId: null,
  removedDeleteFiles: 0,
  removedBytes: 0,
  addedDeleteFiles: 0,
  addedBytes: 0,
  positions: 0,
  skippedFiles: [],
  attempts: 0,
}

/** Delete files of one group that are still there, and the data files that they are about. */
interface LiveGroup {
  readonly deletes: readonly ManifestEntry[]
  readonly tasks: readonly FileScanTask[]
  /** That of the newest: positions name files, and those are older than it. */
  readonly sequenceNumber: number
}

/** CommitConflictError when others removed a delete file that is being rewritten: nothing was changed. */
export async function executePositionDeletes(
  state: TableState,
  given: RewritePositionDeletesPlan,
  options: ExecuteOptions & { readonly retry?: CommitRetryOptions | undefined } = {},
): Promise<{ readonly result: RewritePositionDeletesResult; readonly loaded: LoadedTable }> {
  const plan = parsePlan(positionDeletesPlanSchema, given)
  const { runtime, storage, id, loaded, metadata } = state
  refuseUnwritable(metadata)
  const head = writableHead(metadata, plan.branch)
  if (head === null || (plan.groups.length === 0 && plan.removedDeletes.length === 0)) {
    return { result: NOTHING, loaded }
  }
  const { signal, retry } = options
  const context = contextOf(state, signal)
  const entries = (await liveDeletes(context, head)).filter(({ file }) => file.content === 'position-deletes')
  const tasks = await liveTasks(context, head)
  const byLocation = new Map(entries.map((entry) => [entry.file.location, entry]))
  const groups = plan.groups.flatMap((group) => liveGroup(group, byLocation, tasks))
  const planned = new Set(plan.removedDeletes.map(({ location }) => location))
  const unused = new DeleteFileUse(entries, tasks)
    .unusedWithout(new Set())
    .filter(({ location }) => planned.has(location))
  const writer = new RowWriter({ runtime, storage, signal })
  const sequenceNumbers = await writeGroups(state, writer, groups, options)
  const change = new RewriteFilesChange(
    { runtime, storage, branch: plan.branch, snapshotProperties: plan.snapshotProperties },
    {
      operation: 'rewriting of position deletes',
      start: head,
      schema: currentSchema(metadata),
      added: [...sequenceNumbers.keys()],
      sequenceNumberOf: (file) => sequenceNumbers.get(file) ?? null,
      removedData: [],
      removedDeletes: [...groups.flatMap(({ deletes }) => deletes.map(({ file }) => file)), ...unused],
      discard: () => writer.discard(),
    },
  )
  const { table, attempts } = await commitChange(runtime, id, loaded, change, { ...retry, signal })
  const skippedFiles = [...plan.groups.flatMap(({ files }) => files), ...plan.removedDeletes]
    .map(({ location }) => location)
    .filter((location) => !byLocation.has(location))
  if (snapshotById(table.metadata, change.snapshotId) === null) {
    return { result: { ...NOTHING, skippedFiles, attempts }, loaded: table }
  }
  const added = [...sequenceNumbers.keys()]
  return {
    loaded: table,
    result: {
      snapshotId: change.snapshotId,
      removedDeleteFiles: change.removed.length,
      removedBytes: sum(change.removed, (file) => file.fileSizeInBytes),
      addedDeleteFiles: added.length,
      addedBytes: sum(added, (file) => file.fileSizeInBytes),
      positions: sum(added, (file) => file.recordCount),
      skippedFiles,
      attempts,
    },
  }
}

function liveGroup(
  group: PositionDeletesGroup,
  byLocation: ReadonlyMap<string, ManifestEntry>,
  tasks: readonly FileScanTask[],
): readonly LiveGroup[] {
  const deletes = group.files.flatMap(({ location }) => byLocation.get(location) ?? [])
  if (deletes.length === 0) return []
  const locations = new Set(deletes.map(({ file }) => file.location))
  return [
    {
      deletes,
      // Of each data file's deletes only those that are rewritten: the others stay.
      tasks: tasks.flatMap((task) => {
        const own = task.deletes.filter(({ file }) => locations.has(file.location))
        return own.length === 0 ? [] : [{ ...task, deletes: own }]
      }),
      sequenceNumber: Math.max(...deletes.map(({ sequenceNumber }) => sequenceNumber ?? 0)),
    },
  ]
}

/** The new files, each with its data sequence number. When it throws, all of them are gone again. */
async function writeGroups(
  { runtime, storage, metadata }: TableState,
  writer: RowWriter,
  groups: readonly LiveGroup[],
  { signal, onProgress }: ExecuteOptions,
): Promise<ReadonlyMap<ContentFile, number>> {
  const written = new Map<ContentFile, number>()
  try {
    for (const [at, { tasks, sequenceNumber }] of groups.entries()) {
      throwIfAborted(signal)
      const plane = await runtime.dataPlane()
      const matches = await plane.deletedPositions({ tasks, files: storage.files, signal })
      for (const file of await writer.writePositions(metadata, matches)) written.set(file, sequenceNumber)
      onProgress?.({ unit: 'groups', done: at + 1, total: groups.length })
    }
    return written
  } catch (error) {
    // The failure is what the caller must hear; what cannot be removed is an orphan.
    await writer.discard().catch(() => undefined)
    throw error
  }
}

function sum(files: readonly ContentFile[], of: (file: ContentFile) => number): number {
  return files.reduce((total, file) => total + of(file), 0)
}
