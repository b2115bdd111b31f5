/** The commit of an expiry: what the plan names and the table, as it is now, still lets go of. */
import { retentionOf } from '../format/metadata/snapshot-retention.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { TableRequirement } from '../format/metadata/requirements.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'
import { snapshotById } from '../format/metadata/views.ts'
import type { CommitAttempt, CommitChange } from '../table/commit.ts'
import type { TableState } from '../table/table-state.ts'
import type { ExpirePlan } from './expire-plan.ts'
import { unusedMetadata, type UnusedMetadata } from './expire-unused.ts'
import { checkGcEnabled } from './gc-enabled.ts'
import { historyContext } from './reachability.ts'

export const GC_HINT = 'Expire with cleanExpiredFiles: false, or set gc.enabled to true first.'

/** What one attempt removes. */
export interface Expired {
  readonly snapshotIds: readonly bigint[]
  readonly refs: readonly string[]
  readonly schemaIds: readonly number[]
  readonly specIds: readonly number[]
}

/** The list of files, as the commit needs it. */
export interface CandidateList {
  readonly snapshotIds: ReadonlySet<bigint>
  readonly locations: readonly string[]
  /** Removes it, if this execution wrote it. */
  discard(): Promise<void>
}

export interface ExpireChangeOptions {
  /** Only snapshots whose files it has may leave; null: all that the plan names. */
  readonly list: CandidateList | null
  readonly signal?: AbortSignal | undefined
}

export class ExpireChange implements CommitChange {
  readonly operation = 'expiry'
  readonly snapshotId = null
  readonly #state: TableState
  readonly #plan: ExpirePlan
  readonly #signal: AbortSignal | undefined
  readonly #list: CandidateList | null
  #expired: Expired = { snapshotIds: [], refs: [], schemaIds: [], specIds: [] }

  constructor(state: TableState, plan: ExpirePlan, options: ExpireChangeOptions) {
    this.#state = state
    this.#plan = plan
    this.#list = options.list
    this.#signal = options.signal
  }

  /** Of the attempt that was made last. */
  get expired(): Expired {
    return this.#expired
  }

  async apply(base: TableMetadata): Promise<CommitAttempt | null> {
    // Whoever forbade it meanwhile must not find the snapshots gone and the files still there.
    if (this.#list !== null) checkGcEnabled(base, GC_HINT)
    const going = expirable(base, this.#plan, this.#list?.snapshotIds ?? null)
    const unused = await this.#unused(base, going.snapshotIds)
    this.#expired = { ...going, ...unused }
    const updates = updatesOf(this.#expired)
    return updates.length === 0 ? null : { updates, requirements: requirementsOf(base, unused) }
  }

  /** Never more than the plan names; what others have come to use since stays. */
  async #unused(base: TableMetadata, leaving: readonly bigint[]): Promise<UnusedMetadata> {
    const planned = this.#plan.unusedMetadata
    if (planned === null || planned.schemaIds.length + planned.specIds.length === 0) return NOTHING_UNUSED
    const context = historyContext(this.#state, base, this.#signal)
    const unused = await unusedMetadata(context, new Set(leaving))
    return {
      schemaIds: unused.schemaIds.filter((id) => planned.schemaIds.includes(id)),
      specIds: unused.specIds.filter((id) => planned.specIds.includes(id)),
    }
  }

  isApplied(metadata: TableMetadata): boolean {
    const { snapshotIds, refs, schemaIds, specIds } = this.#expired
    return (
      snapshotIds.every((id) => snapshotById(metadata, id) === null) &&
      refs.every((name) => !Object.hasOwn(metadata.refs, name)) &&
      !metadata.schemas.some((schema) => schemaIds.includes(schema['schema-id'])) &&
      !metadata['partition-specs'].some((spec) => specIds.includes(spec['spec-id']))
    )
  }

  /** A ref that appeared is no requirement that failed: the catalog just refuses to lose its snapshot. */
  isOutdated(base: TableMetadata, now: TableMetadata): boolean {
    return Object.entries(now.refs).some(
      ([name, ref]) =>
        !Object.hasOwn(base.refs, name) || base.refs[name]?.['snapshot-id'] !== ref['snapshot-id'],
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

const NOTHING_UNUSED: UnusedMetadata = { schemaIds: [], specIds: [] }

/** Refs first: a snapshot that one names cannot be removed. Schemas and specs last, for the same reason. */
function updatesOf({ snapshotIds, refs, schemaIds, specIds }: Expired): readonly TableUpdate[] {
  const updates: TableUpdate[] = refs.map((name) => ({ action: 'remove-snapshot-ref', 'ref-name': name }))
  if (snapshotIds.length > 0) updates.push({ action: 'remove-snapshots', 'snapshot-ids': snapshotIds })
  if (specIds.length > 0) updates.push({ action: 'remove-partition-specs', 'spec-ids': specIds })
  if (schemaIds.length > 0) updates.push({ action: 'remove-schemas', 'schema-ids': schemaIds })
  return updates
}

/**
 * A ref that moved or went meanwhile is a conflict: what it protects is looked at again. So is a
 * schema or spec that came into use: by a change of the table, or by a commit to any branch.
 */
function requirementsOf(
  base: TableMetadata,
  { schemaIds, specIds }: UnusedMetadata,
): readonly TableRequirement[] {
  const requirements: TableRequirement[] = Object.entries(base.refs).map(([ref, { 'snapshot-id': id }]) => ({
    type: 'assert-ref-snapshot-id',
    ref,
    'snapshot-id': id,
  }))
  if (schemaIds.length > 0)
    requirements.push({ type: 'assert-current-schema-id', 'current-schema-id': base['current-schema-id'] })
  if (specIds.length > 0)
    requirements.push({ type: 'assert-default-spec-id', 'default-spec-id': base['default-spec-id'] })
  return requirements
}

/** Never more than the plan names; what a ref has come to protect since stays. */
export function expirable(
  base: TableMetadata,
  plan: ExpirePlan,
  listed: ReadonlySet<bigint> | null = null,
): Pick<Expired, 'snapshotIds' | 'refs'> {
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
