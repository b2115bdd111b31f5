/** Which files count as the same when files are added: by their place, whatever it is called. */
import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { currentSchema } from '../../src/format/metadata/views.ts'
import { commitChange } from '../../src/table/commit.ts'
import { AddFilesChange } from '../../src/table/operations/add-files.ts'
import type { TableHandle } from '../../src/table/table.ts'
import {
  createTestTable,
  memoryWorld,
  putDataFile,
  TABLE,
  type MemoryWorld,
} from '../support/memory-runtime.ts'

async function add(
  world: MemoryWorld,
  table: TableHandle,
  files: readonly ContentFile[],
  onDuplicate: 'error' | 'skip' = 'error',
): Promise<AddFilesChange> {
  const { storage, metadata } = table.state
  const target = { runtime: world.runtime, storage, branch: 'main', snapshotProperties: {} }
  const change = new AddFilesChange(target, files, {
    strategy: 'fast_append',
    schema: currentSchema(metadata),
    onDuplicate,
    checkDuplicates: true,
    mapping: null,
  })
  const { table: loaded } = await commitChange(world.runtime, TABLE, table.state.loaded, change)
  table.advance(loaded)
  return change
}

describe.each([
  ['s3://bucket/f.parquet', 's3a://bucket/f.parquet'],
  ['s3n://bucket/f.parquet', 's3://bucket/f.parquet'],
  ['file:///wh/f.parquet', 'file:/wh/f.parquet'],
  ['/wh/f.parquet', 'file:///wh/f.parquet'],
  ['file:///wh/a/../f.parquet', 'file:///wh/f.parquet'],
  ['gs://bucket/f.parquet', 'gcs://bucket/f.parquet'],
])('%s and %s', (live, added) => {
  test('are one file', async () => {
    const world = memoryWorld()
    const table = await createTestTable(world)
    const file = await putDataFile(world, table, 'stand-in')
    await add(world, table, [{ ...file, location: live }])
    await expect(add(world, table, [{ ...file, location: added }])).rejects.toThrow(InvalidArgumentError)
    const skipped = await add(world, table, [{ ...file, location: added }], 'skip')
    expect(skipped.added).toEqual([])
    expect(table.metadata.snapshots).toHaveLength(1)
  })
})

test.each([
  ['s3://bucket/f.parquet', 's3://bucket/F.parquet'],
  ['s3://bucket/f.parquet', 's3://other/f.parquet'],
  ['s3://bucket/f.parquet', 'gs://bucket/f.parquet'],
  ['file:///wh/f%20.parquet', 'file:///wh/f .parquet'],
])('%s and %s are two files', async (live, added) => {
  const world = memoryWorld()
  const table = await createTestTable(world)
  const file = await putDataFile(world, table, 'stand-in')
  await add(world, table, [{ ...file, location: live }])
  await add(world, table, [{ ...file, location: added }])
  expect(table.metadata.snapshots).toHaveLength(2)
})
