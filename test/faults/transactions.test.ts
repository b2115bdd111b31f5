/** Somebody else commits just before a call of a transaction, or of a replacement: at every one of them in turn. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import type { IcebergTableManager } from '../../src/index.ts'
import { memoryManagerWorld, openEngine } from '../support/manager-world.ts'
import { observe, reachableFiles } from '../support/observe.ts'
import { startActing } from './acting.ts'
import { SWEPT_OPERATIONS } from './operations.ts'
import { aside, rehearse } from './sweep.ts'

let folder: string
let plane: DataPlane
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floeberg-transactions-'))
  plane = await openEngine(folder)
})
afterAll(async () => {
  await plane.close()
  await rm(folder, { recursive: true })
})

const CHOSEN = [
  'of a column, rows with it, deleted rows and a tag',
  'in the place of one that is there, with rows',
]
const operations = SWEPT_OPERATIONS.filter(({ variant }) => CHOSEN.includes(variant))

/** What others do, each as often as it is asked: rows that the transaction deletes too, and a column. */
const RIVALS: Readonly<Record<string, (manager: IcebergTableManager) => Promise<unknown>>> = {
  'an append': async (manager) =>
    manager.writeData(await manager.loadTable('demo.events'), [{ id: 1n }, { id: 8n }]),
  'a column with rows': async (manager) =>
    manager.transaction(await manager.loadTable('demo.events'), async (tx) => {
      await tx.evolveSchema([{ type: 'add_column', name: 'rival', fieldType: 'string' }])
      await tx.writeData([{ id: 8n, rival: 'x' }])
    }),
}

test('both are of the sweep', () => {
  expect(operations.map(({ variant }) => variant).toSorted()).toEqual(CHOSEN.toSorted())
})

test.each(operations.flatMap((operation) => Object.keys(RIVALS).map((rival) => ({ operation, rival }))))(
  '$operation.method $operation.variant: $rival',
  { timeout: 120_000 },
  async ({ operation, rival }) => {
    const world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
    const { calls, restore } = await rehearse(world, operation)
    const compete = async (): Promise<void> =>
      void (await aside(world, async (manager) => RIVALS[rival]?.(manager)))
    // What comes of it with the other last, and with the other first.
    await compete()
    const reversed = await aside(world, observe)
    await restore()
    await compete()
    const serial = await startActing(world, operation)
    await serial.run()
    await serial.manager.close()
    const expected = await aside(world, observe)
    const commit = calls.find(({ target, mutates }) => target === 'catalog' && mutates)?.n ?? 0
    for (const { n } of calls) {
      await restore()
      const acting = await startActing(world, operation)
      world.controller.reset({ mode: 'meanwhile', at: n, meanwhile: compete })
      await acting.run()
      expect(world.controller.hits).toBe(1)
      world.controller.disarm()
      const seen = await aside(world, observe)
      // The commit's own calls come after it: only there the other may be the later one.
      if (n <= commit) expect(seen, `before call ${n}`).toEqual(expected)
      else expect([expected, reversed], `before call ${n}`).toContainEqual(seen)
      expect(await world.objects(), `before call ${n}`).toEqual(
        expect.arrayContaining([...(await aside(world, reachableFiles))]),
      )
      expect(await world.temporaries()).toEqual([])
      await acting.manager.close()
    }
  },
)
