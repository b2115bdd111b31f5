import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IcebergTableManager, t, table, type Table } from '../../src/index.ts'

let manager: IcebergTableManager
let folder: string
let number = 0

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'floeberg-test-')))
  manager = await IcebergTableManager.open({
    catalog: { type: 'memory', warehouse: join(folder, 'warehouse') },
    scratchDir: join(folder, 'scratch'),
  })
  await manager.createNamespace('demo')
})
afterAll(async () => {
  await manager.close()
  await rm(folder, { recursive: true, force: true })
})

const events = table({ id: t.long().required(), kind: t.string() })

async function eventsTable(
  options: {
    readonly properties?: Readonly<Record<string, string>>
    readonly formatVersion?: 1 | 2
    readonly isPartitioned?: boolean
  } = {},
): Promise<Table> {
  number += 1
  const { properties = {}, formatVersion = 2, isPartitioned = true } = options
  return manager.createTable({
    namespace: 'demo',
    name: `events_${number}`,
    schema: events,
    partitionSpec: isPartitioned ? [{ source: 'kind' }] : [],
    properties,
    formatVersion,
  })
}

const row = (id: number, kind = 'a') => ({ id: BigInt(id), kind })

async function sortedIds(tbl: Table): Promise<readonly number[]> {
  const rows = await tbl.scan().toArray()
  return rows.map((each) => Number(each['id'])).toSorted((a, b) => a - b)
}

describe.each([1, 2] as const)('a table of format version %i', (formatVersion) => {
  test('small files of each partition become one, in one replace snapshot', async () => {
    const tbl = await eventsTable({ formatVersion })
    for (let id = 0; id < 6; id++) await manager.writeData(tbl, [row(id, 'a'), row(id + 100, 'b')])
    const result = await manager.compactTable(tbl)
    expect(result).toMatchObject({
      groups: 2,
      rewrittenDataFiles: 12,
      addedDataFiles: 2,
      rows: 12,
      removedDeleteFiles: 0,
      skippedFiles: [],
      failedGroups: 0,
      attempts: 1,
    })
    expect(result.snapshotIds).toEqual([tbl.currentSnapshot?.['snapshot-id']])
    expect(tbl.currentSnapshot?.summary).toMatchObject({
      operation: 'replace',
      'added-data-files': '2',
      'deleted-data-files': '12',
      'added-records': '12',
      'deleted-records': '12',
      'total-records': '12',
      'total-data-files': '2',
      'total-delete-files': '0',
      'changed-partition-count': '2',
    })
    expect(await sortedIds(tbl)).toEqual([0, 1, 2, 3, 4, 5, 100, 101, 102, 103, 104, 105])
  })
})
