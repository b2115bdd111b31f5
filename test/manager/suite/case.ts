/**
 * The manager's behaviour as cases that run in any world: in-process under the test runner, and in
 * a child process that may touch neither disk nor network. So they use no test framework.
 */
import { deepStrictEqual, ok } from 'node:assert/strict'
import { FloebergError, t, table, type IcebergTableManager, type Table } from '../../../src/index.ts'
import type { ManagerWorld } from '../../support/manager-world.ts'
import { rowText } from '../../support/observe.ts'

export interface SuiteWorld extends ManagerWorld {
  /** A local folder for files that rows come from and go to. */
  readonly filesDir: string
}

export interface ManagerCase {
  readonly name: string
  /** Not run on a disk: each commit waits for it, and what the case shows is not the disk's. */
  readonly manyCommits?: boolean
  /** The manager is opened through the world's controller, and closed by whoever runs the case. */
  readonly run: (manager: IcebergTableManager, world: SuiteWorld) => Promise<void>
}

export const EVENTS = table({ id: t.long().required(), kind: t.string(), at: t.timestamp() })
export const EVENTS_CONFIG = { namespace: 'demo', name: 'events', schema: EVENTS } as const

/** An empty `demo.events`, in a namespace of its own. */
export async function createEvents(
  manager: IcebergTableManager,
  properties: Readonly<Record<string, string>> = {},
) {
  await manager.createNamespace('demo')
  return manager.createTable({ ...EVENTS_CONFIG, properties })
}

export function equal(actual: unknown, expected: unknown, what?: string): void {
  deepStrictEqual(actual, expected, what)
}

export function isTrue(condition: boolean, what: string): void {
  ok(condition, what)
}

/** What an error must show; keys of the error that are not named are not looked at. */
export interface ExpectedError {
  readonly code: string
  readonly [detail: string]: unknown
}

/** Fails unless the call fails with a typed error of this form; answers the error. */
export async function fails(
  call: () => unknown,
  expected: ExpectedError,
  what = expected.code,
): Promise<FloebergError> {
  try {
    await call()
  } catch (error) {
    if (!(error instanceof FloebergError)) throw error
    const shown = Object.fromEntries(Object.keys(expected).map((key) => [key, Reflect.get(error, key)]))
    deepStrictEqual(shown, { ...expected }, `${what}: ${error.message}`)
    return error
  }
  throw new Error(`${what}: the call succeeded`)
}

/** Fails unless the call fails so, and leaves every object, temporary file and table as it was. */
export async function failsCleanly(
  world: SuiteWorld,
  call: () => unknown,
  expected: ExpectedError,
  what = expected.code,
): Promise<FloebergError> {
  const before = await world.objects()
  world.controller.reset()
  const error = await fails(call, expected, what)
  const commits = world.controller.mutations.filter(({ target }) => target === 'catalog')
  equal(
    commits.map(({ method }) => method),
    [],
    `${what}: calls that change the catalog`,
  )
  equal(await world.objects(), before, `${what}: objects`)
  equal(await world.temporaries(), [], `${what}: temporary files`)
  return error
}

/** Values of one column, sorted. */
export async function idsOf(rows: AsyncIterable<unknown>): Promise<readonly bigint[]> {
  const ids: bigint[] = []
  for await (const row of rows) {
    const id: unknown = row instanceof Object ? Reflect.get(row, 'id') : undefined
    ids.push(BigInt(String(id)))
  }
  return ids.sort((a, b) => (a < b ? -1 : Number(a > b)))
}

/** Rows of the current state as text, sorted. */
export async function rowsOf(from: Table): Promise<readonly string[]> {
  return (await from.scan().toArray()).map(rowText).sort()
}
