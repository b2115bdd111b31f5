import { expect, test } from 'vitest'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { collect } from '../../src/testing/case.ts'
import { REQUEST, setProperty, TABLE } from '../../src/testing/catalog-fixtures.ts'
import { temporaryFolder } from '../support/folders.ts'
import { race, startProcess } from '../support/processes.ts'
import { openClient } from './workers/client.ts'

const PROCESSES = 8

async function filesOf(location: string): Promise<string[]> {
  const found = await collect(new LocalObjectStore().list(`${location}/`))
  return found.map((info) => info.location).sort()
}

test('of 8 processes that open a fresh catalog and create one table exactly one wins', async () => {
  const folder = await temporaryFolder()
  const worker = new URL('./workers/create.ts', import.meta.url)
  const said = await race(
    worker,
    Array.from({ length: PROCESSES }, () => [folder]),
  )
  const losers = said.filter((line) => line === 'FLOEBERG_TABLE_ALREADY_EXISTS')
  const winners = said.filter((line) => /^[0-9a-f-]{36}$/.test(line))
  expect([winners.length, losers.length], said.join()).toEqual([1, PROCESSES - 1])

  const catalog = await openClient(folder)
  const { metadata, metadataLocation } = await catalog.loadTable(TABLE)
  await catalog.close()
  expect(metadata['table-uuid']).toBe(winners[0])
  expect(await filesOf(toFileUri(`${folder}/warehouse`))).toEqual([metadataLocation])
})

test('8 processes commit to one table and no commit is lost', async () => {
  const folder = await temporaryFolder()
  const commits = 10
  const catalog = await openClient(folder)
  await catalog.createNamespace(TABLE.namespace)
  const created = await catalog.createTable(TABLE, {
    ...REQUEST,
    properties: { 'write.metadata.previous-versions-max': '1000' },
  })
  const worker = new URL('./workers/commit.ts', import.meta.url)
  const argumentLists = Array.from({ length: PROCESSES }, (_, i) => [folder, `p${i}`, String(commits)])
  await race(worker, argumentLists)

  const { metadata, metadataLocation } = await catalog.loadTable(TABLE)
  await catalog.close()
  const expected = argumentLists.flatMap(([, name]) =>
    Array.from({ length: commits }, (_, i) => `${name}.${i}`),
  )
  const written = Object.keys(metadata.properties).filter((key) => key.startsWith('p'))
  expect(written.sort()).toEqual(expected.sort())
  // The chain of metadata files has no gap, no file twice, and nothing beside it.
  const chain = [...metadata['metadata-log'].map((entry) => entry['metadata-file']), metadataLocation ?? '']
  expect(chain).toHaveLength(1 + PROCESSES * commits)
  expect(chain[0]).toBe(created.metadataLocation)
  expect(await filesOf(metadata.location)).toEqual([...chain].sort())
})

// A commit makes one call to the store: the put of the metadata file.
test.each(['kill-before', 'kill-after'])(
  'a process killed in a commit (%s) changes nothing',
  async (mode) => {
    const folder = await temporaryFolder()
    const catalog = await openClient(folder)
    await catalog.createNamespace(TABLE.namespace)
    const before = await catalog.createTable(TABLE, REQUEST)
    // The child's first call reads the base.
    const child = startProcess(new URL('./workers/killed-commit.ts', import.meta.url), [folder, mode, '2'])
    const { signal, stderr } = await child.result
    expect(signal, stderr).toBe('SIGKILL')

    const other = await openClient(folder)
    expect(await other.loadTable(TABLE)).toEqual(before)
    const after = await other.commitTable(TABLE, { requirements: [], updates: [setProperty('next', 'ok')] })
    expect(after.metadata.properties['killed']).toBeUndefined()
    await Promise.all([catalog.close(), other.close()])
  },
)
