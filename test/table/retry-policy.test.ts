import { describe, expect, test } from 'vitest'
import { commitRetryPolicy, waitBeforeRetry } from '../../src/table/retry-policy.ts'

describe('precedence of retry settings', () => {
  const property = { 'commit.retry.num-retries': '7' }

  test('built-in, where nobody says anything', () => {
    expect(commitRetryPolicy({}, {}, {})).toEqual({
      retries: 4,
      minWaitMs: 100,
      maxWaitMs: 60_000,
      totalTimeoutMs: 1_800_000,
    })
  })

  test('manager over built-in', () => {
    expect(commitRetryPolicy({}, {}, { retries: 2, minWaitMs: 1 })).toMatchObject({
      retries: 2,
      minWaitMs: 1,
    })
  })

  test('table property over manager', () => {
    expect(commitRetryPolicy(property, {}, { retries: 2 }).retries).toBe(7)
  })

  test('call over table property, zero included', () => {
    expect(commitRetryPolicy(property, { retries: 0 }, { retries: 2 }).retries).toBe(0)
  })

  test("the manager's limit caps whoever wins", () => {
    expect(commitRetryPolicy(property, {}, { maxRetries: 3 }).retries).toBe(3)
    expect(commitRetryPolicy(property, { retries: 50 }, { maxRetries: 3 }).retries).toBe(3)
    expect(commitRetryPolicy(property, { retries: 1 }, { maxRetries: 3 }).retries).toBe(1)
  })
})

describe('waits', () => {
  const policy = { retries: 3, minWaitMs: 100, maxWaitMs: 250, totalTimeoutMs: 1_000 }

  test('double from the least to the most, jittered in their upper half', () => {
    const range = (attempts: number) => [
      waitBeforeRetry(policy, attempts, 0, 0),
      waitBeforeRetry(policy, attempts, 0, 0.999999),
    ]
    expect(range(1)).toEqual([50, 100])
    expect(range(2)).toEqual([100, 200])
    expect(range(3)).toEqual([125, 250])
  })

  test('end with the retries', () => {
    expect(waitBeforeRetry(policy, 3, 0, 0)).not.toBeNull()
    expect(waitBeforeRetry(policy, 4, 0, 0)).toBeNull()
    expect(waitBeforeRetry({ ...policy, retries: 0 }, 1, 0, 0)).toBeNull()
  })

  test('never reach past the total time', () => {
    expect(waitBeforeRetry(policy, 1, 950, 0)).toBe(50)
    expect(waitBeforeRetry(policy, 1, 951, 0)).toBeNull()
  })
})
