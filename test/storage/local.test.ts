import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { DiskPace } from '../../src/disk-pace.ts'
import {
  InvalidLocationError,
  ObjectExistsError,
  ObjectNotFoundError,
  StorageDeniedError,
  StorageQuotaError,
  StorageUnavailableError,
  UnsupportedFeatureError,
} from '../../src/errors.ts'
import { linkError, localError } from '../../src/storage/local-errors.ts'
import { LocalReads } from '../../src/storage/local-reads.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { fileNameOf, toFileUri } from '../../src/storage/location.ts'
import { isTemporaryName, temporaryName } from '../../src/storage/temporary-names.ts'
import { collect } from '../../src/testing/case.ts'
import { temporaryFolder } from '../support/folders.ts'
import { race } from '../support/processes.ts'

const store = new LocalObjectStore()
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: something about /secret/path`), { code })
}

test('of 8 processes that put one object create-only exactly one wins, whole', async () => {
  const folder = await temporaryFolder()
  const location = `${toFileUri(folder)}/new/folder/object`
  const worker = new URL('./workers/create-once.ts', import.meta.url)
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const said = await race(
    worker,
    names.map((name) => [location, name]),
  )
  const winners = said.filter((line) => line !== 'exists')
  expect(winners).toHaveLength(1)
  expect(new TextDecoder().decode(await store.get(location))).toBe(winners[0]?.repeat(100_000))
  expect(await readdir(join(folder, 'new/folder'))).toEqual(['object'])
})

test('a put that fails leaves nothing behind', async () => {
  const folder = await temporaryFolder()
  const location = `${toFileUri(folder)}/object`
  await store.put(location, bytes('first'))
  await expect(store.put(location, bytes('second'), { ifAbsent: true })).rejects.toThrow(ObjectExistsError)
  await mkdir(join(folder, 'folder/inner'), { recursive: true })
  const onFolder = `${toFileUri(folder)}/folder`
  await expect(store.put(onFolder, bytes('x'))).rejects.toThrow(InvalidLocationError)
  await expect(store.put(onFolder, bytes('x'), { ifAbsent: true })).rejects.toThrow(ObjectExistsError)
  for (const below of [`${location}/x`, `${location}/x/y`]) {
    await expect(store.put(below, bytes('x'))).rejects.toThrow(InvalidLocationError)
    await expect(store.head(below)).rejects.toThrow(ObjectNotFoundError)
  }
  expect((await readdir(folder)).sort()).toEqual(['folder', 'object'])
})

test.each([
  ['ENOENT', ObjectNotFoundError],
  ['EEXIST', ObjectExistsError],
  ['EACCES', StorageDeniedError],
  ['EROFS', StorageDeniedError],
  ['ERR_ACCESS_DENIED', StorageDeniedError],
  ['ENOSPC', StorageQuotaError],
  ['EDQUOT', StorageQuotaError],
  ['ENAMETOOLONG', InvalidLocationError],
  ['EIO', StorageUnavailableError],
  ['EAGAIN', StorageUnavailableError],
  ['EMFILE', StorageUnavailableError],
] as const)('the system error %s is typed, and its text is not passed on', (code, expected) => {
  const error = localError(systemError(code), 'file:///wh/t/data/city=Rome/x.parquet')
  expect(error).toBeInstanceOf(expected)
  expect(error.message).not.toContain('secret')
  expect(error).toMatchObject({ file: 'file:///wh/t/data/city=***/x.parquet' })
})

test('a file system without hard links is named as such', () => {
  expect(linkError(systemError('EPERM'), 'file:///x')).toBeInstanceOf(UnsupportedFeatureError)
  expect(linkError(systemError('EEXIST'), 'file:///x')).toBeInstanceOf(ObjectExistsError)
  expect(linkError(systemError('ENOSPC'), 'file:///x')).toBeInstanceOf(StorageQuotaError)
})

test('a full disk is StorageQuotaError and leaves the folder as it was', async () => {
  // A file size limit is the nearest that a test can come to a full disk without being root.
  const folder = await temporaryFolder()
  const script = `
    import { LocalObjectStore } from ${JSON.stringify(new URL('../../src/storage/local.ts', import.meta.url).href)}
    process.on('SIGXFSZ', () => {})
    const store = new LocalObjectStore()
    await store.put(${JSON.stringify(`${toFileUri(folder)}/big`)}, new Uint8Array(4_000_000)).catch((error) => console.log(error.code))
  `
  const limited = spawnSync(
    'bash',
    ['-c', 'ulimit -f 1000; exec "$0" --input-type=module -e "$1"', process.execPath, script],
    {
      encoding: 'utf8',
    },
  )
  expect(limited.stdout.trim(), limited.stderr).toBe('FLOEBERG_STORAGE_QUOTA')
  expect(await readdir(folder)).toEqual([])
})

test('temporary files are never listed as objects, can be named, and removed', async () => {
  const folder = await temporaryFolder()
  const root = toFileUri(folder)
  const [put, scratch] = [temporaryName('put'), temporaryName('dir')]
  await store.put(`${root}/t/data/object`, bytes('x'))
  await writeFile(join(folder, 't/data', put), 'half')
  await mkdir(join(folder, 't', scratch))
  await writeFile(join(folder, 't', scratch, 'spilled.parquet'), 'half')
  await writeFile(join(folder, 't/.hidden'), 'not ours')

  const objects = (await collect(store.list(`${root}/`))).map(({ location }) => location)
  expect(objects.sort()).toEqual([`${root}/t/.hidden`, `${root}/t/data/object`])
  const leftovers = (await collect(store.listTemporary(`${root}/`))).map(({ location }) => location)
  expect(leftovers.sort()).toEqual([`${root}/t/${scratch}`, `${root}/t/data/${put}`].sort())
  expect((await store.delete(leftovers)).failed).toEqual([])
  expect(await readdir(join(folder, 't'))).toEqual(['.hidden', 'data'])
  expect(await readdir(join(folder, 't/data'))).toEqual(['object'])
})

test("another user's scratch folder, which may not be looked into, is listed with its own time", async () => {
  const folder = await temporaryFolder()
  const [theirs, put] = [temporaryName('dir'), temporaryName('put')]
  await mkdir(join(folder, theirs))
  await writeFile(join(folder, put), 'half')
  const { opendir } = fs.promises
  fs.promises.opendir = (path, ...rest) =>
    String(path) === join(folder, theirs) ? Promise.reject(systemError('EACCES')) : opendir(path, ...rest)
  syncBuiltinESMExports()
  onTestFinished(() => {
    fs.promises.opendir = opendir
    syncBuiltinESMExports()
  })
  const { mtimeMs } = await stat(join(folder, theirs))
  const listed = await collect(store.listTemporary(`${toFileUri(folder)}/`))
  const times = listed.map(({ location, lastModified }) => [fileNameOf(location), lastModified.getTime()])
  expect(times).toHaveLength(2)
  expect(times).toContainEqual([theirs, Math.floor(mtimeMs)])
})

test('what the names of temporary files look like is fixed: a later version must know them', () => {
  for (const kind of ['put', 'out', 'dir'] as const) {
    expect(temporaryName(kind, '.parquet')).toMatch(
      new RegExp(`^\\.floeberg-${kind}-[0-9a-f-]{36}\\.parquet$`),
    )
    expect(isTemporaryName(temporaryName(kind))).toBe(true)
  }
  expect(isTemporaryName('floeberg-put-x')).toBe(false)
})

test('links to folders are not followed into circles', async () => {
  const folder = await temporaryFolder()
  await store.put(`${toFileUri(folder)}/a/object`, bytes('x'))
  await symlink(join(folder, 'a'), join(folder, 'a/circle'))
  const listed = (await collect(store.list(`${toFileUri(folder)}/`))).map(({ location }) => location)
  expect(listed).toEqual([`${toFileUri(folder)}/a/object`])
})

test('all forms of one path reach one object', async () => {
  const folder = await temporaryFolder()
  await store.put(`file://${folder}/x`, bytes('one'))
  for (const form of [
    `${folder}/x`,
    `file:${folder}/x`,
    `file:///${folder}/x`,
    `file://localhost${folder}/x`,
  ]) {
    expect(await store.get(form), form).toEqual(bytes('one'))
  }
  await expect(store.get(`file://elsewhere${folder}/x`)).rejects.toThrow(InvalidLocationError)
  await expect(store.get('relative/x')).rejects.toThrow(InvalidLocationError)
})

test('existing names with # and ? are read, and nothing is percent-decoded', async () => {
  const folder = await temporaryFolder()
  for (const name of ['a#b', 'a?b', 'a%20b', 'a b']) {
    await writeFile(join(folder, name), name)
    expect(await store.get(`file://${folder}/${name}`)).toEqual(bytes(name))
  }
})

test('what is no file is not read, and nobody waits for the writer of a pipe', async () => {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'folder'))
  await expect(store.get(`${toFileUri(folder)}/folder`)).rejects.toThrow(ObjectNotFoundError)
  if (process.platform === 'win32') return
  expect(spawnSync('mkfifo', [join(folder, 'pipe')]).status).toBe(0)
  await expect(store.get(`${toFileUri(folder)}/pipe`)).rejects.toThrow(ObjectNotFoundError)
})

test.skipIf(process.platform === 'win32')('nor does a thread of the pool wait for it', async () => {
  const folder = await temporaryFolder()
  expect(spawnSync('mkfifo', [join(folder, 'pipe')]).status).toBe(0)
  let now = 0
  // Every call takes a second: all but the first go through the pool.
  const reads = new LocalReads(new DiskPace(() => (now += 1000)))
  const read = (): Promise<Uint8Array> => reads.read(join(folder, 'pipe'), `${toFileUri(folder)}/pipe`, {})
  for (let i = 0; i < 3; i += 1) await expect(read()).rejects.toThrow(ObjectNotFoundError)
})

test('a long row of reads lets timers and others in between', async () => {
  const folder = await temporaryFolder()
  const location = `${toFileUri(folder)}/object`
  await store.put(location, bytes('x'))
  let isOver = false
  let turns = 0
  const count = (): void => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  for (let i = 0; i < 500; i += 1) await store.get(location)
  isOver = true
  expect(turns).toBeGreaterThanOrEqual(5)
})

test('a moved file is the very file, not a copy', async () => {
  const folder = await temporaryFolder()
  const localPath = join(folder, temporaryName('out', '.parquet'))
  await writeFile(localPath, 'rows')
  const info = await store.put(`${toFileUri(folder)}/data/x.parquet`, { localPath }, { ifAbsent: true })
  expect(info.size).toBe(4)
  expect(await readFile(join(folder, 'data/x.parquet'), 'utf8')).toBe('rows')
  expect(await readdir(folder)).toEqual(['data'])
})
