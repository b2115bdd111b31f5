/** A full disk, in the warehouse and where the engine spills: a typed error, and nothing left behind. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProcess } from '../support/processes.ts'
import { smallDisk, type SmallDisk } from '../support/small-disk.ts'

let root: string
let disk: SmallDisk
/** 1.5 million rows of random text: more than the small disk, and than the engine's memory when sorted. */
let source: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-full-'))
  disk = await smallDisk(root)
  source = join(root, 'source.parquet')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(
    `COPY (SELECT range AS id, repeat(md5(range::VARCHAR), 4) AS text FROM range(1500000)) TO '${source}' (FORMAT parquet)`,
  )
  connection.closeSync()
  instance.closeSync()
})
afterAll(() => rm(root, { recursive: true }))

/** How the writes of a scenario end where the small folder holds so many bytes; null: as many as there are. */
async function endsOf(scenario: string, bytes: number | null): Promise<readonly string[]> {
  const small = await mkdtemp(join(root, 'small-'))
  const large = await mkdtemp(join(root, 'large-'))
  const through = bytes === null ? [] : disk.through(small, bytes)
  const worker = new URL('./workers/full-disk.ts', import.meta.url)
  const { exitCode, stdout, stderr } = await startProcess(worker, [scenario, small, large, source], through)
    .result
  expect(exitCode, stderr).toBe(0)
  const ends: unknown = JSON.parse(stdout)
  return Array.isArray(ends) ? ends.map(String) : []
}

const MEBIBYTE = 2 ** 20

test.each(['warehouse', 'sorted', 'moved', 'spill'])('%s: no room for the rows', async (scenario) => {
  expect(await endsOf(scenario, 8 * MEBIBYTE)).toEqual(['FLOEBERG_STORAGE_QUOTA', 'ok'])
})

test('spill: no room for the first block of them', async () => {
  expect(await endsOf('spill', MEBIBYTE / 8)).toEqual(['FLOEBERG_STORAGE_QUOTA', 'ok'])
})

test('the same rows are written where there is room, by spilling', async () => {
  expect(await endsOf('spill', null)).toEqual(['ok', 'ok'])
})

test('no room for one of the writes of a commit, the catalog’s own included', async () => {
  if (disk.limits === 'file') {
    // A limit for files fills no disk, and small files never meet it: the data file has to do.
    expect(await endsOf('warehouse', MEBIBYTE)).toEqual(['FLOEBERG_STORAGE_QUOTA', 'ok'])
    return
  }
  const ends = await endsOf('lastBlocks', 2 * MEBIBYTE)
  expect(ends[0]).toBe('FLOEBERG_STORAGE_QUOTA')
  expect(ends.at(-1)).toBe('ok')
  expect(new Set(ends)).toEqual(new Set(['FLOEBERG_STORAGE_QUOTA', 'ok']))
})

test('no room for the last file of an overwrite of a thousand partitions', { timeout: 120_000 }, async () => {
  // A limit for files fills no disk: the same overwrite just succeeds then, twice.
  const first = disk.limits === 'file' ? 'ok' : 'FLOEBERG_STORAGE_QUOTA'
  expect(await endsOf('lastFile', 32 * MEBIBYTE)).toEqual([first, 'ok'])
})
