/**
 * A process is killed before and after every call that changes something. Calls that only read
 * leave the disk as the change before them did, so a kill there would show nothing new.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { isTemporaryName } from '../../src/storage/temporary-names.ts'
import { mapConcurrently } from '../../src/table/concurrency.ts'
import { localManagerWorld, openEngine } from '../support/manager-world.ts'
import { observe, reachableFiles } from '../support/observe.ts'
import { startProcess } from '../support/processes.ts'
import { startActing } from './acting.ts'
import { SWEPT_OPERATIONS, type SweptOperation } from './operations.ts'
import { aside, OWN_NAME, rehearse, type Rehearsal } from './sweep.ts'

const KILLED = [
  'createTable, by name',
  'createTable, with its first rows',
  'writeData, append, fast_append',
  'writeData, append, with a column of its own',
  'dropTable, purge',
  'createTable, in the place of one that is there, with rows',
  'transaction, of a column, rows with it, deleted rows and a tag',
  'manageSnapshots, an append and replaced partitions published',
  'relocateTable, as another table',
  'compactTable, of files with and without deletes',
]
const operations = SWEPT_OPERATIONS.map((operation) => ({
  name: `${operation.method}, ${operation.variant}`,
  operation,
})).filter(({ name }) => KILLED.includes(name))

let root: string
let plane: DataPlane
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-kill-'))
  plane = await openEngine(root)
})
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

test('every operation to be killed is one of the sweep', () => {
  expect(operations.map(({ name }) => name).sort()).toEqual([...KILLED].sort())
})

test.each(operations)(
  '$name: killed at any call, all of it is there or nothing',
  { timeout: 300_000 },
  async ({ operation }) => {
    const world = await localManagerWorld(await mkdtemp(join(root, 'rehearsal-')), plane)
    const rehearsal = await rehearse(world, operation)
    const kills = rehearsal.calls
      .filter(({ mutates }) => mutates)
      .flatMap(({ n }) => [
        { mode: 'kill-before', at: n },
        { mode: 'kill-after', at: n },
      ])
    expect(kills.length).toBeGreaterThan(2)
    await mapConcurrently(kills, (kill) => killAndLook(operation, rehearsal, kill))
  },
)

async function killAndLook(
  operation: SweptOperation,
  rehearsal: Rehearsal,
  { mode, at }: { readonly mode: string; readonly at: number },
): Promise<void> {
  const folder = await mkdtemp(join(root, 'killed-'))
  const worker = new URL('./workers/killed.ts', import.meta.url)
  const child = startProcess(worker, [folder, operation.method, operation.variant, mode, String(at)])
  const { signal, stderr } = await child.result
  const where = `${mode} at ${at} (${rehearsal.calls[at - 1]?.method})`
  expect(signal, `${where}: ${stderr}`).toBe('SIGKILL')

  const world = await localManagerWorld(folder, plane)
  const seen = await aside(world, observe)
  expect([rehearsal.before, rehearsal.after], where).toContainEqual(seen)
  const [objects, needed] = [await world.objects(), await aside(world, reachableFiles)]
  expect(objects, `${where}: something that is needed is gone`).toEqual(expect.arrayContaining([...needed]))
  // What is left behind says by its name whose it was.
  for (const left of await world.temporaries()) expect(isTemporaryName(basename(left)), left).toBe(true)
  for (const left of objects.filter((object) => !needed.includes(object))) expect(left).toMatch(OWN_NAME)

  if (JSON.stringify(seen) !== JSON.stringify(rehearsal.before)) return
  const acting = await startActing(world, operation)
  await acting.run()
  await acting.manager.close()
  expect(await aside(world, observe), `${where}: done again`).toEqual(rehearsal.after)
}
