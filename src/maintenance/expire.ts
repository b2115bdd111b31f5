/**
 * Expiry: snapshots that have outlived themselves leave the table's metadata, and with them go the
 * files that nothing else reaches.
 */
import type { LoadedTable } from '../catalog/catalog.ts'
import { InvalidArgumentError, NoSuchSnapshotError } from '../errors.ts'
import { retentionOf, type RetentionRules } from '../format/metadata/snapshot-retention.ts'
import { refsOf, snapshotById } from '../format/metadata/views.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { commitChange } from '../table/commit.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import type { TableState } from '../table/table-state.ts'
import { parseSnapshotId } from '../table/time-travel.ts'
import { ExpireChange } from './expire-change.ts'
import { expirePlanSchema, type ExpirePlan } from './expire-plan.ts'
import { checkLimits, checkNamedAge, retentionRules, type ExpiryChoice } from './expire-rules.ts'
import { parsePlan, planHead, type ExecuteOptions } from './plan.ts'

/** What an expiry takes with it. */
export interface ExpiryScope {
  /** Deletes the files that no remaining snapshot reaches. Default true; false changes metadata only. */
  readonly cleanExpiredFiles?: boolean | undefined
  /** Removes schemas and partition specs that no snapshot uses any more. Default false. */
  readonly cleanExpiredMetadata?: boolean | undefined
}

export type PlanExpireOptions = ExpiryChoice & ExpiryScope & { readonly signal?: AbortSignal | undefined }

/** What an expiry did. */
export interface ExpireResult {
  /** The snapshots that left the table, and nobody else had removed before. */
  readonly expiredSnapshotIds: readonly bigint[]
  /** Branches and tags that were older than their limit. */
  readonly expiredRefs: readonly string[]
  /** How many times the commit was sent; 0 when there was nothing to commit. */
  readonly attempts: number
}

/** What would go. NoSuchSnapshotError, InvalidArgumentError, PolicyViolationError. */
export async function planExpire(state: TableState, options: PlanExpireOptions): Promise<ExpirePlan> {
  const { metadata, runtime } = state
  const nowMs = runtime.clock.now()
  const rules = retentionRules(options, runtime.retention, nowMs)
  const named = namedSnapshots(state, options.snapshotIds ?? [], nowMs)
  const aged = rules === null ? null : agedOf(state, rules)
  const entry = (reason: 'age' | 'named') => (snapshot: Snapshot) => ({
    snapshotId: snapshot['snapshot-id'].toString(),
    timestampMs: snapshot['timestamp-ms'],
    operation: snapshot.summary?.operation ?? null,
    reason,
  })
  const isNamed = new Set(named)
  return {
    ...planHead('expire', state),
    planId: runtime.random.uuid(),
    rules,
    snapshots: [
      ...named.map(entry('named')),
      ...(aged?.expiredSnapshots ?? []).filter((snapshot) => !isNamed.has(snapshot)).map(entry('age')),
    ],
    expiredRefs: (aged?.expiredRefs ?? []).flatMap((name) => {
      const ref = metadata.refs[name]
      return ref === undefined ? [] : [{ name, type: ref.type, snapshotId: ref['snapshot-id'].toString() }]
    }),
    cleanExpiredFiles: options.cleanExpiredFiles ?? true,
    unusedMetadata: null,
    files: null,
  }
}

function agedOf({ metadata, runtime }: TableState, rules: RetentionRules) {
  const retention = retentionOf(metadata, rules)
  for (const [branch, limits] of retention.branches)
    checkLimits(limits, `branch '${branch}'`, rules, runtime.retention)
  checkLimits(retention.unreferenced, 'snapshots without a ref', rules, runtime.retention)
  return retention
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
        hint: 'listSnapshots shows the snapshots that are kept; it may be gone already.',
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

/** Carries an expiry out; `table` is what its commit made, or the table as it is when there was none. */
export async function executeExpire(
  state: TableState,
  planned: ExpirePlan,
  options: ExecuteOptions & { readonly retry?: CommitRetryOptions | undefined } = {},
): Promise<{ readonly result: ExpireResult; readonly table: LoadedTable }> {
  const plan = parsePlan(expirePlanSchema, planned)
  const change = new ExpireChange(plan)
  const { runtime, id, loaded } = state
  const { table, attempts } = await commitChange(runtime, id, loaded, change, {
    ...options.retry,
    signal: options.signal,
  })
  const { snapshotIds, refs } = change.expired
  return { result: { expiredSnapshotIds: snapshotIds, expiredRefs: refs, attempts }, table }
}
