import { describe, expect, test } from 'vitest'
import { CommitConflictError, type Table } from '../../src/index.ts'
import { createTable, evolutionWorlds, type EvolutionWorld } from './evolution-world.ts'
import { CHANGE_NAMES, CHANGES, clashes, PAIR_COLUMNS, PAIR_ROW, PAIR_SPEC } from './evolution-pairs.ts'
import { knownSchemas } from '../../src/format/metadata/update-schemas.ts'
import { childFields } from '../../src/format/nested-fields.ts'
import type { NestedField } from '../../src/format/types.ts'

const open = evolutionWorlds()

async function pairTable(world: EvolutionWorld): Promise<Table> {
  const table = await createTable(world, PAIR_COLUMNS, { partitionSpec: PAIR_SPEC })
  await world.manager.writeData(table, [PAIR_ROW])
  return table
}

/** No schema has an id twice, and an id stands for a column of one kind in all of them. */
function expectIdsUsedOnce({ metadata }: Table): void {
  const kinds = new Map<number, string>()
  for (const schema of knownSchemas(metadata)) {
    const fields = allFields(schema.fields)
    expect(new Set(fields.map(({ id }) => id)).size).toBe(fields.length)
    for (const { id, type } of fields) {
      // The one promotion that the pairs know.
      const kind = type.kind === 'long' && kinds.get(id) === 'int' ? 'int' : type.kind
      expect(kinds.get(id) ?? kind).toBe(kind)
      kinds.set(id, kind)
    }
  }
}

function allFields(fields: readonly NestedField[]): readonly NestedField[] {
  return fields.flatMap((field) => [field, ...allFields(childFields(field.type))])
}

describe.each(CHANGE_NAMES)('after %s by somebody else', (first) => {
  test.each(CHANGE_NAMES)('%s lands, or is one typed conflict', async (second) => {
    const world = await open()
    const tbl = await pairTable(world)
    const stale = await world.reload()
    await CHANGES[first](world.manager, tbl)
    const after = tbl.metadata
    const change = CHANGES[second](world.manager, stale)
    if (clashes(first, second)) {
      await expect(change).rejects.toThrow(CommitConflictError)
      expect((await world.reload()).metadata).toEqual(after)
    } else {
      await change
    }
    const read = await world.reload()
    expectIdsUsedOnce(read)
    expect(await read.scan().count()).toBe(1)
    await expect(read.scan().toArray()).resolves.toHaveLength(1)
  })

  test('a writer with the old schema commits, unless its rows lack what has become required', async () => {
    const world = await open()
    const tbl = await pairTable(world)
    const stale = await world.reload()
    const another = await world.reload()
    await CHANGES[first](world.manager, tbl)
    await world.manager.writeData(stale, [PAIR_ROW])
    const withNull = world.manager.writeData(another, [{ ...PAIR_ROW, a: null }])
    if (first === 'require a') await expect(withNull).rejects.toThrow(CommitConflictError)
    else await withNull
    const read = await world.reload()
    await expect(read.scan().toArray()).resolves.toHaveLength(first === 'require a' ? 2 : 3)
    const files = (await world.objects()).filter((object) => object.endsWith('.parquet'))
    expect(files).toHaveLength(first === 'require a' ? 2 : 3)
  })
})

describe('a writer with the old schema', () => {
  test('is refused when a required column without a default was added', async () => {
    const world = await open()
    const tbl = await pairTable(world)
    const stale = await world.reload()
    const change = { type: 'add_column', name: 'r', fieldType: 'int', required: true } as const
    await world.manager.evolveSchema(tbl, [change], { allowIncompatibleChanges: true })
    await expect(world.manager.writeData(stale, [PAIR_ROW])).rejects.toThrow(CommitConflictError)
  })

  test('commits under a new struct whose members are required', async () => {
    const world = await open()
    const tbl = await pairTable(world)
    const stale = await world.reload()
    await world.manager.evolveSchema(tbl, [
      { type: 'add_column', name: 'o', fieldType: 'struct<r: int required>' },
    ])
    await world.manager.writeData(stale, [PAIR_ROW])
    expect(await (await world.reload()).scan().count()).toBe(2)
  })
})
