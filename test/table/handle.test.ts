import { expect, test } from 'vitest'
import { createTestTable, memoryWorld, TABLE } from '../support/memory-runtime.ts'

test('an answer that comes late does not take a handle back', async () => {
  const world = memoryWorld()
  const table = await createTestTable(world)
  const set = (value: string) =>
    world.catalog.commitTable(TABLE, {
      requirements: [],
      updates: [{ action: 'set-properties', updates: { owner: value } }],
    })
  const earlier = await set('first')
  const later = await set('second')

  table.advance(later)
  table.advance(earlier)

  expect(table.properties['owner']).toBe('second')
})
