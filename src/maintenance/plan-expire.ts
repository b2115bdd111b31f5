/** Planning an expiry: which snapshots and refs go, and what is deleted with them. Changes nothing. */
import { InvalidArgumentError, NoSuchSnapshotError } from '../errors.ts'
import type { Retention } from '../format/metadata/snapshot-retention.ts'
import { refsOf, snapshotById } from '../format/metadata/views.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { metadataLocation } from '../table/table-locations.ts'
import type { TableState } from '../table/table-state.ts'
import { parseSnapshotId } from '../table/time-travel.ts'
import { candidatesOf } from './expire-candidates.ts'
import { GC_HINT } from './expire-change.ts'
import { listLocation } from './expire-list.ts'
import type { ExpirePlan, PlannedFiles } from './expire-plan.ts'
import { agedSnapshots, checkNamedAge, retentionRules, type ExpiryChoice } from './expire-rules.ts'
import { countFile, emptyTotals } from './file-totals.ts'
import { unusedMetadata } from './expire-unused.ts'
import { checkGcEnabled } from './gc-enabled.ts'
import { planHead } from './plan.ts'
import { historyContext, metadataFiles } from './reachability.ts'
import { unreachedFiles } from './unreached-files.ts'
import { expectEverySnapshot } from './whole-history.ts'

/** What an expiry takes with it. */
export interface ExpiryScope {
  /** Deletes the files that no remaining snapshot reaches. Default true; false changes metadata only. */
  readonly cleanExpiredFiles?: boolean | undefined
  /** Removes schemas and partition specs that no snapshot uses any more. Default false. */
  readonly cleanExpiredMetadata?: boolean | undefined
}

/** What is planned, and how much of it is looked up. */
export interface PlanExpireOptions extends ExpiryChoice, ExpiryScope {
  /** Counts what would be deleted, for which manifests are read. Default true. */
  readonly countFiles?: boolean | undefined
  /**
   * Names every file that would be deleted, in the plan, and executing that deletes no other. Default
   * false: there may be millions.
   */
  readonly listFiles?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * What would go. NoSuchSnapshotError, InvalidArgumentError, PolicyViolationError; UnsupportedFeatureError
 * where the catalog leaves out snapshots; MissingFileError and CorruptFileError when it cannot be told
 * which files are needed.
 */
export async function planExpire(state: TableState, options: PlanExpireOptions): Promise<ExpirePlan> {
  const { metadata, runtime } = state
  const { cleanExpiredFiles = true, cleanExpiredMetadata = false, signal } = options
  expectEverySnapshot(state.loaded, state.id)
  if (cleanExpiredFiles) checkGcEnabled(metadata, GC_HINT)
  const nowMs = runtime.clock.now()
  const rules = retentionRules(options, runtime.retention, nowMs)
  const named = namedSnapshots(state, options.snapshotIds ?? [], nowMs)
  const aged = rules === null ? null : agedSnapshots(state, rules)
  const isNamed = new Set(named)
  const old = (aged?.expiredSnapshots ?? []).filter((snapshot) => !isNamed.has(snapshot))
  const leaving = [...named, ...old]
  const ids = new Set(leaving.map((snapshot) => snapshot['snapshot-id']))
  const context = historyContext(state, metadata, signal)
  return {
    ...planHead('expire', state),
    fileList: listLocation(metadataLocation(metadata.location, metadata.properties), runtime.random.uuid()),
    rules,
    limits: limitsOf(aged),
    snapshots: [...named.map((each) => planned(each, 'named')), ...old.map((each) => planned(each, 'age'))],
    keptSnapshotCount: metadata.snapshots.length - leaving.length,
    expiredRefs: (aged?.expiredRefs ?? []).flatMap((name) => {
      const ref = metadata.refs[name]
      return ref === undefined ? [] : [{ name, type: ref.type, snapshotId: ref['snapshot-id'].toString() }]
    }),
    cleanExpiredFiles,
    unusedMetadata: cleanExpiredMetadata ? await unusedMetadata(context, ids) : null,
    files: cleanExpiredFiles ? await filesOf(state, leaving, options) : null,
  }
}

function planned(snapshot: Snapshot, reason: 'age' | 'named'): ExpirePlan['snapshots'][number] {
  return {
    snapshotId: snapshot['snapshot-id'].toString(),
    timestampMs: snapshot['timestamp-ms'],
    operation: snapshot.summary?.operation ?? null,
    reason,
  }
}

function limitsOf(aged: Retention | null): ExpirePlan['limits'] {
  if (aged === null) return []
  const branches = [...aged.branches].map(([branch, limits]) => ({ branch, ...limits }))
  return [...branches, { branch: null, ...aged.unreferenced }]
}

/** What would be deleted if the table stayed as it is; null when nobody wants to know. */
async function filesOf(
  state: TableState,
  leaving: readonly Snapshot[],
  { countFiles = true, listFiles = false, signal }: PlanExpireOptions,
): Promise<PlannedFiles | null> {
  if (!countFiles && !listFiles) return null
  const context = historyContext(state, state.metadata, signal)
  const gone = new Set(leaving)
  const snapshots = state.metadata.snapshots.filter((snapshot) => !gone.has(snapshot))
  const source = { batches: () => candidatesOf(context, leaving) }
  const staying = [{ context, snapshots, metadataFiles: metadataFiles(state.loaded) }]
  const totals = emptyTotals()
  const names: string[] = []
  for await (const batch of unreachedFiles(source, staying, { signal })) {
    for (const { kind, location, bytes } of batch) {
      countFile(totals, kind, bytes)
      if (listFiles) names.push(location)
    }
  }
  return { totals, names: listFiles ? names : null }
}

function namedSnapshots(
  { metadata, runtime }: TableState,
  ids: readonly (bigint | string)[],
  nowMs: number,
): readonly Snapshot[] {
  return [...new Set(ids.map(parseSnapshotId))].map((id) => {
    const snapshot = snapshotById(metadata, id)
    if (snapshot === null) {
      throw new NoSuchSnapshotError(`The table has no snapshot ${id}`, {
        hint: 'listSnapshots (`floeberg snapshots`) shows those that are kept; it may be gone already.',
      })
    }
    const [ref] = refsOf(metadata, [id])
    if (ref !== undefined) {
      throw new InvalidArgumentError(`Snapshot ${id} cannot expire: '${ref}' names it`, {
        hint: 'Remove or move that branch or tag first.',
      })
    }
    checkNamedAge(snapshot['timestamp-ms'], nowMs, runtime.retention)
    return snapshot
  })
}
