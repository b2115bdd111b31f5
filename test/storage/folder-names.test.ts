/** A put has ended only when the names of all the folders that it lies in are on the disk. */
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { StorageUnavailableError } from '../../src/errors.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { isTemporaryName } from '../../src/storage/temporary-names.ts'
import { temporaryFolder } from '../support/folders.ts'
import { recordDisk, synced } from '../support/recorded-disk.ts'

const store = new LocalObjectStore()

const put = (path: string) => store.put(toFileUri(path), new Uint8Array(1), { ifAbsent: true })

/** What was synced, but for the files that are put. */
const foldersSynced = (events: Parameters<typeof synced>[0]): string[] =>
  synced(events)
    .filter((path) => !isTemporaryName(basename(path)))
    .sort()

describe.skipIf(process.platform === 'win32')('names of folders', () => {
  test('of two puts that need one new folder neither ends before its name is on the disk', async () => {
    const folder = await temporaryFolder()
    const events = recordDisk({ isSlow: (path) => path === folder })
    const ends = ['a', 'b'].map(async (name) => {
      await put(join(folder, 'new', name))
      return synced(events)
    })
    for (const paths of await Promise.all(ends)) expect(paths).toContain(folder)
  })

  test('folders that others have just made are synced, and those above them', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'a/b'), { recursive: true })
    const events = recordDisk()
    await put(join(folder, 'a/b/object'))
    const all = [dirname(folder), folder, join(folder, 'a'), join(folder, 'a/b')]
    expect(foldersSynced(events)).toEqual(expect.arrayContaining(all))
  })

  test('of folders that are known to be on the disk no more is synced than the new name', async () => {
    const folder = await temporaryFolder()
    await put(join(folder, 'a/b/first'))
    const events = recordDisk()
    await put(join(folder, 'a/b/second'))
    expect(foldersSynced(events)).toEqual([join(folder, 'a/b')])
    await put(join(folder, 'a/c/third'))
    expect(foldersSynced(events)).toEqual([join(folder, 'a'), join(folder, 'a/b'), join(folder, 'a/c')])
  })

  test.each([
    ['removed', (path: string) => rm(path, { recursive: true })],
    ['moved away', (path: string) => rename(path, `${path}-before`)],
  ])('a folder that was %s and is made again is a new name', async (_, leave) => {
    const folder = await temporaryFolder()
    await put(join(folder, 'a/b/object'))
    await leave(join(folder, 'a'))
    const events = recordDisk()
    await put(join(folder, 'a/b/object'))
    expect(foldersSynced(events)).toEqual([folder, join(folder, 'a'), join(folder, 'a/b')])
  })

  test('a folder whose name did not reach the disk is tried again', async () => {
    const folder = await temporaryFolder()
    let failure: string | null = 'EIO'
    const events = recordDisk({ syncFails: (path) => (path === folder ? failure : null) })
    await expect(put(join(folder, 'new/a'))).rejects.toThrow(StorageUnavailableError)
    await expect(put(join(folder, 'new/b'))).rejects.toThrow(StorageUnavailableError)
    failure = null
    await put(join(folder, 'new/c'))
    expect(synced(events)).toContain(folder)
  })

  test.each(['EACCES', 'EPERM', 'ERR_ACCESS_DENIED'])(
    'a folder above that may not be opened (%s) is passed over, those above it are not',
    async (code) => {
      const folder = await temporaryFolder()
      await mkdir(join(folder, 'closed/a'), { recursive: true })
      const closed = join(folder, 'closed')
      const events = recordDisk({ openFails: (path) => (path === closed ? code : null) })
      await put(join(closed, 'a/object'))
      const folders = foldersSynced(events)
      expect(folders).toEqual(expect.arrayContaining([folder, join(closed, 'a')]))
      expect(folders).not.toContain(closed)
    },
  )
})
