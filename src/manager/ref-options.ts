/** What callers say of branches and tags, checked. */
import { InvalidArgumentError } from '../errors.ts'
import type { RefRetention } from '../format/refs/ref-edit.ts'

/** How long a tag is kept. */
export interface TagRetention {
  /** Age at which the tag itself goes, milliseconds; null: never. Default: the table's own setting. */
  readonly maxRefAgeMs?: number | bigint | null | undefined
}

/** How long a branch and its history are kept; what is not set follows the table's properties. */
export interface BranchRetention extends TagRetention {
  /** Age up to which its snapshots are kept, milliseconds. */
  readonly maxSnapshotAgeMs?: number | bigint | null | undefined
  /** How many of its newest snapshots are kept however old they are. */
  readonly minSnapshotsToKeep?: number | null | undefined
}

/** InvalidArgumentError for an empty name. */
export function checkRefName(name: string): string {
  if (typeof name === 'string' && name !== '') return name
  throw new InvalidArgumentError('The name of a branch or tag is a text that is not empty')
}

/** InvalidArgumentError for what is not a positive whole number, or is about branches only. */
export function tagRetention(options: BranchRetention): RefRetention {
  const retention = branchRetention(options)
  if (retention.maxSnapshotAgeMs === undefined && retention.minSnapshotsToKeep === undefined) return retention
  throw new InvalidArgumentError('A tag keeps one snapshot: only maxRefAgeMs applies to it')
}

/** InvalidArgumentError for what is not a positive whole number. */
export function branchRetention(options: BranchRetention): RefRetention {
  const { maxRefAgeMs, maxSnapshotAgeMs, minSnapshotsToKeep } = options
  const keep = positive('minSnapshotsToKeep', minSnapshotsToKeep)
  if (typeof keep === 'bigint' && keep > 2_147_483_647n) {
    throw new InvalidArgumentError('minSnapshotsToKeep is at most 2147483647')
  }
  return {
    maxRefAgeMs: positive('maxRefAgeMs', maxRefAgeMs),
    maxSnapshotAgeMs: positive('maxSnapshotAgeMs', maxSnapshotAgeMs),
    minSnapshotsToKeep: typeof keep === 'bigint' ? Number(keep) : keep,
  }
}

const MAX_LONG = 2n ** 63n - 1n

function positive(name: string, value: number | bigint | null | undefined): bigint | null | undefined {
  if (value === undefined || value === null) return value
  const whole = typeof value === 'bigint' || Number.isSafeInteger(value) ? BigInt(value) : 0n
  if (whole > 0n && whole <= MAX_LONG) return whole
  throw new InvalidArgumentError(`${name} is a whole number above 0`)
}
