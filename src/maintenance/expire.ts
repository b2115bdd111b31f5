/**
 * Expiry: snapshots that have outlived themselves leave the table's metadata, and with them go the
 * files that nothing else reaches.
 */
import type { LoadedTable } from '../catalog/catalog.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { refsOf, snapshotById } from '../format/metadata/views.ts'
import { commitChange } from '../table/commit.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import { AllowedRoots } from '../table/table-locations.ts'
import type { TableState } from '../table/table-state.ts'
import { candidatesOf } from './expire-candidates.ts'
import { expirable, ExpireChange, GC_HINT, type CandidateList, type Expired } from './expire-change.ts'
import { ExpiryList } from './expire-list.ts'
import { expirePlanSchema, type ExpirePlan, type FileTotals } from './expire-plan.ts'
import { checkPlannedRules } from './expire-rules.ts'
import { NOTHING_SWEPT, sweep } from './expire-sweep.ts'
import { checkGcEnabled } from './gc-enabled.ts'
import { parsePlan, type ExecuteOptions } from './plan.ts'
import { historyContext } from './reachability.ts'
import { expectEverySnapshot } from './whole-history.ts'

/** What an expiry did. */
export interface ExpireResult {
  /** The snapshots that this call took out of the table. */
  readonly expiredSnapshotIds: readonly bigint[]
  /** Branches and tags that were older than their limit. */
  readonly expiredRefs: readonly string[]
  /** With `cleanExpiredMetadata`: schemas and partition specs that nothing used any more. */
  readonly removedSchemaIds: readonly number[]
  readonly removedSpecIds: readonly number[]
  /** Files that are gone, those that were not there any more included. */
  readonly deletedFiles: FileTotals
  /** Names of files that should be gone and are not, at most a thousand; and how many there are. */
  readonly keptFiles: readonly string[]
  readonly keptFileCount: number
  /** What the plan names and was left alone, with reasons. */
  readonly skipped: readonly SkippedItem[]
  /**
   * What ended the deletion of files early; null when nothing did. The snapshots are gone all the
   * same: `execute(result.plan)` goes on where this ended.
   */
  readonly failure: Error | null
  /** How many times the commit was sent; 0 when there was nothing to commit. */
  readonly attempts: number
  /** What was carried out. */
  readonly plan: ExpirePlan
}

/** Something that the plan names and the execution left alone. */
export interface SkippedItem {
  readonly what: 'snapshot' | 'ref' | 'files'
  /** A snapshot's id, a ref's name; null for files. */
  readonly name: string | null
  readonly reason: string
}

/** A plan that may have been stored meanwhile. InvalidArgumentError. */
export function parseExpirePlan(plan: unknown): ExpirePlan {
  return parsePlan(expirePlanSchema, plan)
}

/** Carries an expiry out; `table` is what its commit made, or the table as it is when there was none. */
export async function executeExpire(
  state: TableState,
  given: ExpirePlan,
  options: ExecuteExpireOptions = {},
): Promise<{ readonly result: ExpireResult; readonly table: LoadedTable }> {
  const plan = noLaterThan(state.runtime.clock.now(), given)
  expectEverySnapshot(state.loaded, state.id)
  checkPlannedRules(state, plan)
  const list = plan.cleanExpiredFiles ? await openList(state, plan, options.signal) : null
  const change = new ExpireChange(state, plan, { list, signal: options.signal })
  const { runtime, id, loaded } = state
  const { table, attempts } = await commitChange(runtime, id, loaded, change, {
    ...options.retry,
    signal: options.signal,
  })
  const { snapshotIds, refs, schemaIds, specIds } = change.expired
  const swept = list === null ? NOTHING_SWEPT : await sweep(state, table, plan, list.files, options)
  const isDone = swept.failure === null
  if (isDone) await list?.files.remove()
  const left = isDone ? [] : (list?.files.locations ?? [])
  const result: ExpireResult = {
    expiredSnapshotIds: snapshotIds,
    expiredRefs: refs,
    removedSchemaIds: schemaIds,
    removedSpecIds: specIds,
    deletedFiles: swept.deletedFiles,
    keptFiles: [...swept.keptFiles, ...left],
    keptFileCount: swept.keptFileCount + left.length,
    skipped: [
      ...skippedOf(plan, table.metadata, change.expired),
      ...swept.reasons.map((reason) => ({ what: 'files', name: null, reason }) as const),
    ],
    failure: swept.failure,
    attempts,
    plan: given,
  }
  return { result, table }
}

/** Nothing is too old yet that only will be. */
function noLaterThan(nowMs: number, plan: ExpirePlan): ExpirePlan {
  const { rules } = plan
  return rules === null ? plan : { ...plan, rules: { ...rules, nowMs: Math.min(rules.nowMs, nowMs) } }
}

/** How an expiry is carried out. */
export interface ExecuteExpireOptions extends ExecuteOptions {
  /** Overrides of the table's `commit.retry.*` for this call. */
  readonly retry?: CommitRetryOptions | undefined
}

/**
 * The list of candidates: of an execution before that did not get to its end, or a new one. Null when
 * there is nothing to list.
 */
async function openList(
  state: TableState,
  plan: ExpirePlan,
  signal: AbortSignal | undefined,
): Promise<(CandidateList & { readonly files: ExpiryList }) | null> {
  const { metadata, runtime, storage } = state
  const tableUuid = metadata['table-uuid']
  const location = new AllowedRoots(metadata, runtime.extraRoots).check(plan.fileList)
  const place = { store: storage.store, codecs: runtime.codecs, location, tableUuid, signal }
  const found = await ExpiryList.find(place)
  found?.checkTable(tableUuid)
  // What it lists stays true: the files of a snapshot never change.
  if (found !== null) return candidateList(found, false)
  const { snapshotIds } = expirable(metadata, plan)
  if (snapshotIds.length === 0) return null
  checkGcEnabled(metadata, GC_HINT)
  const leaving = snapshotIds.flatMap((id) => snapshotById(metadata, id) ?? [])
  const candidates = candidatesOf(historyContext(state, metadata, signal), leaving)
  const uuid = runtime.random.uuid()
  return candidateList(await ExpiryList.write(place, { snapshotIds, candidates, uuid }), true)
}

function candidateList(files: ExpiryList, isOurs: boolean) {
  const { snapshotIds, locations } = files
  return { files, snapshotIds, locations, discard: async () => (isOurs ? files.remove() : undefined) }
}

function skippedOf(plan: ExpirePlan, after: TableMetadata, expired: Expired): readonly SkippedItem[] {
  const gone = new Set(expired.snapshotIds)
  const removed = new Set(expired.refs)
  const snapshots = plan.snapshots
    .map(({ snapshotId }) => BigInt(snapshotId))
    .filter((id) => !gone.has(id))
    .map((id) => ({ what: 'snapshot', name: id.toString(), reason: reasonToStay(after, id) }) as const)
  const refs = plan.expiredRefs
    .filter(({ name }) => !removed.has(name))
    .map(({ name }) => {
      const reason = Object.hasOwn(after.refs, name) ? 'it was moved meanwhile' : 'it was gone already'
      return { what: 'ref', name, reason } as const
    })
  return [...snapshots, ...refs]
}

function reasonToStay(metadata: TableMetadata, id: bigint): string {
  if (snapshotById(metadata, id) === null) return 'it was gone already'
  const [ref] = refsOf(metadata, [id])
  return ref === undefined ? 'retention keeps it by now' : `'${ref}' names it by now`
}
