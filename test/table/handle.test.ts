import { expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
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

test('a scan refuses options that it does not know, instead of returning every row', async () => {
  const table = await createTestTable(memoryWorld())
  const misspelt: object = { where: 'id = 1' }
  expect(() => table.scan(misspelt)).toThrow(InvalidArgumentError)
  const nearly: object = { filters: 'id = 1' }
  expect(() => table.scan(nearly)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('filter') }),
  )
})
