/** From what a caller asks, and what the manager's settings say and allow, to the rules of retention. */
import { InvalidArgumentError, PolicyViolationError } from '../errors.ts'
import {
  retentionOf,
  type Retention,
  type RetentionLimits,
  type RetentionRules,
  type RetentionSource,
} from '../format/metadata/snapshot-retention.ts'
import { snapshotById } from '../format/metadata/views.ts'
import type { Bounds, RetentionSettings } from '../table/runtime.ts'
import type { TableState } from '../table/table-state.ts'
import { parseTime } from '../table/time-travel.ts'
import type { ExpirePlan } from './expire-plan.ts'

/** Which snapshots an expiry is to let go of. */
export interface ExpiryChoice {
  /** Snapshots older than so many days. Default: what refs, the table or the manager say; 7 at last. */
  readonly olderThanDays?: number | undefined
  /** In place of days: snapshots from before this time, a Date or ISO 8601 (UTC without a zone). */
  readonly olderThan?: Date | string | undefined
  /** So many of every branch stay, where ref, table and manager ask for fewer. */
  readonly keepLast?: number | undefined
  /**
   * These snapshots, whatever their age. Alone, only these; with `olderThan…`, these too. One that a
   * branch or tag names is refused.
   */
  readonly snapshotIds?: readonly (bigint | string)[] | undefined
}

export const MS_PER_DAY = 86_400_000
/** The earliest time that a Date can be. */
const EARLIEST_MS = -8.64e15
const DEFAULT_MAX_AGE_DAYS = 7
const DEFAULT_MIN_SNAPSHOTS = 10

/** The rules for ages; null when only named snapshots go. InvalidArgumentError, PolicyViolationError. */
export function retentionRules(
  choice: ExpiryChoice,
  settings: RetentionSettings,
  nowMs: number,
): RetentionRules | null {
  const cutOffMs = cutOffOf(choice, nowMs)
  const keepLast = keepLastOf(choice)
  if (choice.snapshotIds !== undefined && cutOffMs === null) {
    if (keepLast === null) return null
    throw new InvalidArgumentError('keepLast says nothing about snapshots that are named', {
      hint: 'Give olderThanDays or olderThan with it, or leave it out.',
    })
  }
  return {
    nowMs,
    cutOffMs,
    keepLast,
    maxSnapshotAgeMs: (settings.maxAgeDays ?? DEFAULT_MAX_AGE_DAYS) * MS_PER_DAY,
    minSnapshotsToKeep: settings.minSnapshotsToKeep ?? DEFAULT_MIN_SNAPSHOTS,
  }
}

function cutOffOf({ olderThanDays, olderThan }: ExpiryChoice, nowMs: number): number | null {
  if (olderThanDays !== undefined && olderThan !== undefined) {
    throw new InvalidArgumentError('olderThanDays and olderThan exclude each other', {
      hint: 'Give one of them.',
    })
  }
  if (olderThan !== undefined) return parseTime(olderThan)
  if (olderThanDays === undefined) return null
  if (Number.isFinite(olderThanDays) && olderThanDays >= 0)
    return Math.max(EARLIEST_MS, Math.floor(nowMs - olderThanDays * MS_PER_DAY))
  throw new InvalidArgumentError('olderThanDays is a number of days, 0 or more')
}

function keepLastOf({ keepLast }: ExpiryChoice): number | null {
  if (keepLast === undefined) return null
  if (Number.isSafeInteger(keepLast) && keepLast >= 1) return keepLast
  throw new InvalidArgumentError('keepLast is a whole number of snapshots, 1 or more', {
    hint: 'What a branch or tag names always stays.',
  })
}

/** What the rules let go of. PolicyViolationError when they lie outside of the manager's bounds. */
export function agedSnapshots({ metadata, runtime }: TableState, rules: RetentionRules): Retention {
  const retention = retentionOf(metadata, rules)
  for (const [branch, limits] of retention.branches)
    checkLimits(limits, `branch '${branch}'`, rules, runtime.retention)
  checkLimits(retention.unreferenced, 'snapshots without a ref', rules, runtime.retention)
  return retention
}

/**
 * PolicyViolationError for a plan that the manager who executes it would not have made: it may come
 * from another one, and from whoever stored it.
 */
export function checkPlannedRules(state: TableState, { rules, snapshots }: ExpirePlan): void {
  const { metadata, runtime } = state
  if (rules !== null) agedSnapshots(state, rules)
  const nowMs = runtime.clock.now()
  for (const { snapshotId } of snapshots.filter(({ reason }) => reason === 'named')) {
    const snapshot = snapshotById(metadata, BigInt(snapshotId))
    if (snapshot !== null) checkNamedAge(snapshot['timestamp-ms'], nowMs, runtime.retention)
  }
}

/** PolicyViolationError naming who asked for what lies outside of the manager's bounds. */
function checkLimits(
  limits: RetentionLimits,
  where: string,
  rules: RetentionRules,
  settings: RetentionSettings,
): void {
  const { maxAgeDays, minSnapshotsToKeep } = settings.bounds ?? {}
  const days = (rules.nowMs - limits.cutOffMs) / MS_PER_DAY
  checkBounds(days, maxAgeDays, `an age of ${describeDays(days)} for snapshots`, where, limits.ageFrom)
  checkBounds(
    limits.keep,
    minSnapshotsToKeep,
    `a minimum of ${limits.keep} snapshots`,
    where,
    limits.keepFrom,
  )
}

/** A named snapshot may be of any age, but for what an administrator demands. */
export function checkNamedAge(timestampMs: number, nowMs: number, settings: RetentionSettings): void {
  const days = (nowMs - timestampMs) / MS_PER_DAY
  const { min } = settings.bounds?.maxAgeDays ?? {}
  if (min === undefined || days >= min) return
  throw new PolicyViolationError(
    `A named snapshot is ${describeDays(days)} old; the setting retention.bounds.maxAgeDays demands ${min}`,
    { hint: 'Expire it later, or ask whoever set the bounds.' },
  )
}

const SOURCES: Readonly<Record<RetentionSource, string>> = {
  call: 'the call asks for',
  ref: 'its own retention asks for',
  table: "the table's properties ask for",
  manager: "the manager's settings ask for",
}

function checkBounds(
  value: number,
  bounds: Bounds | undefined,
  what: string,
  where: string,
  from: RetentionSource,
): void {
  const { min, max } = bounds ?? {}
  if ((min === undefined || value >= min) && (max === undefined || value <= max)) return
  const span = [min === undefined ? null : `at least ${min}`, max === undefined ? null : `at most ${max}`]
  throw new PolicyViolationError(
    `For ${where}, ${SOURCES[from]} ${what}, where ${span.filter((end) => end !== null).join(' and ')} is allowed`,
    { hint: 'Choose a value within the bounds (retention.bounds), or ask whoever set them.' },
  )
}

function describeDays(days: number): string {
  const rounded = Math.round(days * 100) / 100
  return `${rounded} ${rounded === 1 ? 'day' : 'days'}`
}
