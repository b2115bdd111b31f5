/** How often and how long a commit is tried again. */
import { intProperty, type IntPropertyKey } from '../format/properties.ts'
import type { Properties } from '../catalog/catalog.ts'
import type { CommitPolicy } from './runtime.ts'

/** Of one call; each overrides the table's `commit.retry.*` property. */
export interface CommitRetryOptions {
  readonly retries?: number | undefined
  readonly minWaitMs?: number | undefined
  readonly maxWaitMs?: number | undefined
  readonly totalTimeoutMs?: number | undefined
}

export interface CommitRetryPolicy {
  /** Attempts after the first. */
  readonly retries: number
  readonly minWaitMs: number
  readonly maxWaitMs: number
  readonly totalTimeoutMs: number
}

/** Precedence: call, table property, manager, built-in. The manager's `maxRetries` only caps. */
export function commitRetryPolicy(
  properties: Properties,
  call: CommitRetryOptions,
  manager: CommitPolicy,
): CommitRetryPolicy {
  const pick = (ours: number | undefined, key: IntPropertyKey, theirs: number | undefined): number =>
    ours ?? (Object.hasOwn(properties, key) || theirs === undefined ? intProperty(properties, key) : theirs)
  const retries = pick(call.retries, 'commit.retry.num-retries', manager.retries)
  return {
    retries: Math.min(retries, manager.maxRetries ?? Number.POSITIVE_INFINITY),
    minWaitMs: pick(call.minWaitMs, 'commit.retry.min-wait-ms', manager.minWaitMs),
    maxWaitMs: pick(call.maxWaitMs, 'commit.retry.max-wait-ms', manager.maxWaitMs),
    totalTimeoutMs: pick(call.totalTimeoutMs, 'commit.retry.total-timeout-ms', manager.totalTimeoutMs),
  }
}

/**
 * Milliseconds to wait before the next attempt; null when there must be none.
 *
 * Exponential with full jitter in the upper half: [wait/2, wait), wait = min · 2^(attempts-1).
 */
export function waitBeforeRetry(
  policy: CommitRetryPolicy,
  attempts: number,
  elapsedMs: number,
  fraction: number,
): number | null {
  if (attempts > policy.retries) return null
  const ceiling = Math.min(policy.maxWaitMs, policy.minWaitMs * 2 ** (attempts - 1))
  const wait = Math.round(ceiling * (0.5 + fraction / 2))
  return elapsedMs + wait > policy.totalTimeoutMs ? null : wait
}
