/** The commit of an expiry: what the plan names and the table, as it is now, still lets go of. */
import { retentionOf } from '../format/metadata/snapshot-retention.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { TableRequirement } from '../format/metadata/requirements.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'
import { snapshotById } from '../format/metadata/views.ts'
import type { CommitAttempt, CommitChange } from '../table/commit.ts'
import type { ExpirePlan } from './expire-plan.ts'
import { checkGcEnabled } from './gc-enabled.ts'

export const GC_HINT = 'Expire with cleanExpiredFiles: false, or set gc.enabled to true first.'

/** What one attempt removes. */
export interface Expired {
  readonly snapshotIds: readonly bigint[]
  readonly refs: readonly string[]
}

/** The list of files, as the commit needs it. */
export interface CandidateList {
  readonly snapshotIds: ReadonlySet<bigint>
  readonly locations: readonly string[]
  /** Removes it, if this execution wrote it. */
  discard(): Promise<void>
}

export class ExpireChange implements CommitChange {
  readonly operation = 'expiry'
  readonly snapshotId = null
  readonly #plan: ExpirePlan
  readonly #list: CandidateList | null
  #expired: Expired = { snapshotIds: [], refs: [] }

  /** `list`: only snapshots whose files it has may leave; null: all that the plan names. */
  constructor(plan: ExpirePlan, list: CandidateList | null) {
    this.#plan = plan
    this.#list = list
  }

  /** Of the attempt that was made last. */
  get expired(): Expired {
    return this.#expired
  }

  async apply(base: TableMetadata): Promise<CommitAttempt | null> {
    // Whoever forbade it meanwhile must not find the snapshots gone and the files still there.
    if (this.#list !== null) checkGcEnabled(base, GC_HINT)
    this.#expired = expirable(base, this.#plan, this.#list?.snapshotIds ?? null)
    const { snapshotIds, refs } = this.#expired
    const updates: TableUpdate[] = refs.map((name) => ({ action: 'remove-snapshot-ref', 'ref-name': name }))
    if (snapshotIds.length > 0) updates.push({ action: 'remove-snapshots', 'snapshot-ids': snapshotIds })
    return updates.length === 0 ? null : { updates, requirements: everyRef(base) }
  }

  isApplied(metadata: TableMetadata): boolean {
    const { snapshotIds, refs } = this.#expired
    return (
      snapshotIds.every((id) => snapshotById(metadata, id) === null) &&
      refs.every((name) => !Object.hasOwn(metadata.refs, name))
    )
  }

  async discardAttempt(): Promise<void> {}

  async discardAll(): Promise<void> {
    await this.#list?.discard()
  }

  writtenFiles(): readonly string[] {
    return this.#list?.locations ?? []
  }
}

/** A ref that moved, came or went meanwhile is a conflict: what it protects is looked at again. */
function everyRef(base: TableMetadata): readonly TableRequirement[] {
  return Object.entries(base.refs).map(([ref, { 'snapshot-id': id }]) => ({
    type: 'assert-ref-snapshot-id',
    ref,
    'snapshot-id': id,
  }))
}

/** Never more than the plan names; what a ref has come to protect since stays. */
export function expirable(
  base: TableMetadata,
  plan: ExpirePlan,
  listed: ReadonlySet<bigint> | null = null,
): Expired {
  const now = plan.rules === null ? null : retentionOf(base, plan.rules)
  const tooOld = new Set(now?.expiredSnapshots.map((snapshot) => snapshot['snapshot-id']))
  const refs = expirableRefs(base, plan, new Set(now?.expiredRefs))
  const removed = new Set(refs)
  const named = Object.entries(base.refs).flatMap(([name, ref]) =>
    removed.has(name) ? [] : [ref['snapshot-id']],
  )
  const protectedIds = new Set(named)
  const snapshotIds = plan.snapshots
    .filter(({ reason, snapshotId }) => reason === 'named' || tooOld.has(BigInt(snapshotId)))
    .map(({ snapshotId }) => BigInt(snapshotId))
    .filter((id) => listed === null || listed.has(id))
    .filter((id) => !protectedIds.has(id) && snapshotById(base, id) !== null)
  return { snapshotIds, refs }
}

/** A ref that was moved is used: it is not the one that the plan means. */
function expirableRefs(
  base: TableMetadata,
  plan: ExpirePlan,
  tooOld: ReadonlySet<string>,
): readonly string[] {
  return plan.expiredRefs
    .filter(({ name, snapshotId }) => {
      const ref = Object.hasOwn(base.refs, name) ? base.refs[name] : undefined
      return ref !== undefined && ref['snapshot-id'] === BigInt(snapshotId) && tooOld.has(name)
    })
    .map(({ name }) => name)
}
