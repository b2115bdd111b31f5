/** Data files are written by operations that change rows, and rewritten by those that are asked to: by nothing else. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { startActing } from '../faults/acting.ts'
import { SWEPT_OPERATIONS } from '../faults/operations.ts'
import { memoryManagerWorld, openEngine } from '../support/manager-world.ts'

let folder: string
let plane: DataPlane

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floeberg-log-'))
  plane = await openEngine(folder)
})
afterAll(async () => {
  await plane.close()
  await rm(folder, { recursive: true })
})

/** What writes rows, copies whole tables, or is there to rewrite. */
const WRITING = new Set([
  'compactTable',
  'createTable',
  'deleteRows',
  'execute',
  'relocateTable',
  'rewritePositionDeletes',
  'transaction',
  'updateRows',
  'writeData',
])

describe.each(SWEPT_OPERATIONS.filter(({ method }) => !WRITING.has(method)))(
  '$method, $variant',
  (operation) => {
    test('puts no data or delete file', async () => {
      const world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
      const aside = await world.openAside()
      await operation.prepare(aside)
      const acting = await startActing(world, operation)
      await acting.run()
      const puts = world.controller.calls.filter(({ method }) => method === 'put')
      expect(puts.flatMap(({ about }) => about).filter((location) => location.endsWith('.parquet'))).toEqual(
        [],
      )
    })
  },
)

describe.each(
  SWEPT_OPERATIONS.filter(({ method, variant }) => method === 'writeData' && variant.startsWith('append')),
)('$method, $variant', (operation) => {
  test('reads and removes no data file that was there', async () => {
    const world = await memoryManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
    await operation.prepare(await world.openAside())
    const before = (await world.objects()).filter((location) => location.endsWith('.parquet'))
    const acting = await startActing(world, operation)
    await acting.run()
    const touched = world.controller.calls.flatMap(({ about }) => about)
    expect(before.length).toBeGreaterThan(0)
    expect(touched.filter((location) => before.includes(location))).toEqual([])
  })
})
