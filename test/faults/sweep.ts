/** Strikes every call of an operation in every way, and looks whether the promise of wholeness held. */
import { expect } from 'vitest'
import { CommitStateUnknownError, FloebergError, type IcebergTableManager } from '../../src/index.ts'
import type { Call, Fault } from '../support/faults.ts'
import type { ManagerWorld } from '../support/manager-world.ts'
import { observe, reachableFiles, type Observation } from '../support/observe.ts'
import { startActing, type Acting } from './acting.ts'
import type { SweptOperation } from './operations.ts'

/** What an operation does when nothing disturbs it. */
export interface Rehearsal {
  readonly before: Observation
  readonly after: Observation
  /** Whole states on the way, of operations that are documented as several steps. */
  readonly stages: readonly Observation[]
  readonly calls: readonly Call[]
  /** Files that no table reaches: those of a table that was dropped without purge. */
  readonly unreachedBefore: number
  readonly unreachedAfter: number
  readonly restore: () => Promise<void>
}

/** Prepares a state, keeps it, and runs the operation once. */
export async function rehearse(world: ManagerWorld, operation: SweptOperation): Promise<Rehearsal> {
  await aside(world, operation.prepare)
  const restore = await world.keep()
  const before = await aside(world, observe)
  const unreachedBefore = (await leftovers(world)).length
  const acting = await startActing(world, operation)
  await acting.run()
  const calls = [...world.controller.calls]
  await acting.manager.close()
  const after = await aside(world, observe)
  const unreachedAfter = (await leftovers(world)).length
  const stages = operation.stages?.(before) ?? []
  return { before, after, stages, calls, unreachedBefore, unreachedAfter, restore }
}

/** Runs the operation with a fault and checks everything that has to hold. Answers whether it struck. */
export async function strike(
  world: ManagerWorld,
  operation: SweptOperation,
  rehearsal: Rehearsal,
  fault: Fault,
): Promise<boolean> {
  await rehearsal.restore()
  const acting = await startActing(world, operation)
  world.controller.reset(fault)
  const { error, kept } = await endOf(acting.run())
  const struck = world.controller.hits > 0
  const where = describeFault(fault, world.controller.calls)
  world.controller.disarm()
  await world.controller.settle()
  const seen = await aside(world, observe)
  checkAnswer(error, seen, rehearsal, where)
  if (kept.length > 0) await aside(world, (manager) => operation.finish?.(manager, kept))
  await checkFiles(world, operation, { error, seen, rehearsal, fault, where })
  const again = operation.inFilesOnly === true || !equal(seen, rehearsal.after)
  if (error !== null && again) await checkRepetition(world, acting, rehearsal, where)
  await acting.manager.close()
  return struck
}

/** Fulfilled: new. A definite error: old. An unknown outcome: one of the two. Never between. */
function checkAnswer(error: unknown, seen: Observation, rehearsal: Rehearsal, where: string): void {
  if (error !== null) expect(error, where).toBeInstanceOf(FloebergError)
  if (error instanceof CommitStateUnknownError) {
    expect([rehearsal.before, ...rehearsal.stages, rehearsal.after], where).toContainEqual(seen)
  } else {
    const states = error === null ? [rehearsal.after] : [rehearsal.before, ...rehearsal.stages]
    if (states.length === 1) expect(seen, `${where}: ${String(error)}`).toEqual(states[0])
    else expect(states, `${where}: ${String(error)}`).toContainEqual(seen)
  }
}

/** How an operation ended that a fault struck. */
interface Struck {
  readonly error: unknown
  readonly seen: Observation
  readonly rehearsal: Rehearsal
  readonly fault: Fault
  readonly where: string
}

async function checkFiles(world: ManagerWorld, operation: SweptOperation, struck: Struck): Promise<void> {
  const { error, seen, rehearsal, fault, where } = struck
  const [objects, needed] = [await world.objects(), await aside(world, reachableFiles)]
  expect(objects, `${where}: something that is needed is gone`).toEqual(expect.arrayContaining([...needed]))
  const mayLeave = operation.resumes === true || mayLeaveFiles(world.controller.calls, fault)
  const temporaries = await world.temporaries()
  expect(
    temporaries.filter((name) => !mayLeave || !OWN_MARK.test(name)),
    `${where}: temporary files`,
  ).toEqual([])
  const left = objects.filter((location) => !needed.includes(location))
  for (const location of left) if (!OWN_MARK.test(location)) expect(location, where).toMatch(OWN_NAME)
  if (error instanceof CommitStateUnknownError || mayLeave) return
  const { unreachedBefore, unreachedAfter } = rehearsal
  // What shows in the files alone may have been done in part.
  if (error !== null && operation.inFilesOnly === true) {
    expect(left.length, where).toBeLessThanOrEqual(Math.max(unreachedBefore, unreachedAfter))
    return
  }
  const expected = equal(seen, rehearsal.after) ? unreachedAfter : unreachedBefore
  expect(left.length, `${where}: left behind: ${left.join()}`).toBe(expected)
}

/** Objects of ours that hold no data: a probe of the store's time, the mark of a relocation under way. */
const OWN_MARK = /\/(floeberg-probe|\.floeberg-relocation)-[0-9a-f-]{36}$/

/** A clean-up that was itself struck cannot clean up; after an unknown outcome none is ever made. */
function mayLeaveFiles(calls: readonly Call[], fault: Fault): boolean {
  if (fault.lasting === true) return true
  const call = calls[fault.at - 1]
  return call?.method === 'delete' || (call?.target === 'catalog' && call.mutates)
}

/** Names that tell whose a file was: they hold the operation's or the table's id. */
export const OWN_NAME =
  /\/(data\/.*\d{5}-[0-9a-f-]{36}(-[a-z]+)?\.parquet|metadata\/([0-9a-f-]{36}-m\d+\.avro|snap-\d+-\d+-[0-9a-f-]{36}\.avro|\d{5}-[0-9a-f-]{36}\.metadata\.json|[0-9a-f-]{36}-expired(-\d{5})?\.jsonl\.gz))$/

async function leftovers(world: ManagerWorld): Promise<readonly string[]> {
  const needed = new Set(await aside(world, reachableFiles))
  return (await world.objects()).filter((location) => !needed.has(location))
}

/** What failed without effect works when it is done again, by the same hands. */
async function checkRepetition(
  world: ManagerWorld,
  acting: Acting,
  rehearsal: Rehearsal,
  where: string,
): Promise<void> {
  world.controller.reset()
  expect(await endOf(acting.run()), `${where}: done again`).toMatchObject({ error: null })
  expect(await aside(world, observe), `${where}: done again`).toEqual(rehearsal.after)
}

/** Looks at a world, or does something in it, with a manager that no fault touches. */
export async function aside<T>(
  world: ManagerWorld,
  look: (manager: IcebergTableManager) => T,
): Promise<Awaited<T>> {
  const manager = await world.openAside()
  try {
    return await look(manager)
  } finally {
    await manager.close()
  }
}

/** How a call ended. */
interface End {
  /** null when it fulfilled. */
  readonly error: unknown
  /** Files of which the answer says that they could not be deleted. */
  readonly kept: readonly string[]
}

async function endOf(promise: Promise<unknown>): Promise<End> {
  try {
    const result = await promise
    const kept: unknown = result instanceof Object && 'keptFiles' in result ? result.keptFiles : []
    return { error: null, kept: Array.isArray(kept) ? kept.map(String) : [] }
  } catch (error) {
    return { error, kept: [] }
  }
}

function equal(a: Observation, b: Observation): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function describeFault(fault: Fault, calls: readonly Call[]): string {
  const call = calls[fault.at - 1]
  const what = call === undefined ? 'no call' : `${call.target}.${call.method} ${call.about.join()}`
  return `${fault.mode}${fault.lasting === true ? ' from' : ''} at ${fault.at} (${what})`
}
