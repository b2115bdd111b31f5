/** Conformance cases that run under any test framework: a name, and a function that throws when it fails. */
import { deepStrictEqual } from 'node:assert/strict'

/** One case of a suite: a sentence and its check, for any test runner. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}

/** Fails unless the two are deeply equal. */
export function expectEqual<T>(actual: T, expected: T, what: string): void {
  deepStrictEqual(actual, expected, `${what}: not as expected`)
}

/** Fails unless the condition holds. */
export function expectThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(`Expected: ${what}`)
}

type ErrorClass<E extends Error> = abstract new (...args: never[]) => E

/** Fails unless the promise rejects with this class; answers the error. */
export async function expectError<E extends Error>(
  promise: Promise<unknown>,
  expected: ErrorClass<E>,
  what: string,
): Promise<E> {
  try {
    await promise
  } catch (error) {
    if (error instanceof expected) return error
    throw new Error(`${what}: expected ${expected.name}, got ${nameOf(error)}`, { cause: error })
  }
  throw new Error(`${what}: expected ${expected.name}, but the call succeeded`)
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : typeof error
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}
