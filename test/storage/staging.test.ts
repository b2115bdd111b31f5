import { existsSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { FileAccess, OutputFile } from '../../src/engine/file-access.ts'
import {
  MissingFileError,
  ObjectChangedError,
  ObjectExistsError,
  OperationAbortedError,
  StorageUnavailableError,
} from '../../src/errors.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import type { GetOptions, ObjectStore } from '../../src/storage/object-store.ts'
import { createFileAccess } from '../../src/storage/staging.ts'
import { collect } from '../../src/testing/case.ts'
import { faultStore } from '../support/fault-store.ts'
import { FaultController } from '../support/faults.ts'
import { temporaryFolder } from '../support/folders.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

interface Setup {
  readonly store: ObjectStore
  readonly root: string
  readonly scratchDir: string
}

async function local(): Promise<Setup> {
  const folder = await temporaryFolder()
  return {
    store: new LocalObjectStore(),
    root: `${toFileUri(folder)}/wh`,
    scratchDir: join(folder, 'scratch'),
  }
}

async function memory(): Promise<Setup> {
  return {
    store: new MemoryObjectStore(),
    root: 'memory://b/wh',
    scratchDir: join(await temporaryFolder(), 'scratch'),
  }
}

/** Nothing but folders is left of what was staged. */
async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch {
    return []
  }
}

describe.each([
  ['a local store', local],
  ['a remote store', memory],
])('file access over %s', (_, setUp) => {
  test('an output is invisible until its commit, and whole afterwards', async () => {
    const { store, root, scratchDir } = await setUp()
    const output = await createFileAccess(store, { scratchDir }).output(`${root}/data/x.parquet`)
    await writeFile(output.localPath, 'rows')
    expect(await collect(store.list(`${root}/`))).toEqual([])
    expect(output.localPath).toMatch(/\.parquet$/)
    expect(await output.commit()).toEqual({ size: 4 })
    expect(await store.get(`${root}/data/x.parquet`)).toEqual(bytes('rows'))
    expect(existsSync(output.localPath)).toBe(false)
    await output.abort()
    expect(await store.get(`${root}/data/x.parquet`)).toEqual(bytes('rows'))
    expect(await filesIn(scratchDir)).toEqual([])
  })

  test('an aborted output is gone', async () => {
    const { store, root, scratchDir } = await setUp()
    const output = await createFileAccess(store, { scratchDir }).output(`${root}/data/x.parquet`)
    await writeFile(output.localPath, 'rows')
    await output.abort()
    await output.abort()
    expect(existsSync(output.localPath)).toBe(false)
    expect(await collect(store.list(`${root}/`))).toEqual([])
    expect(await filesIn(scratchDir)).toEqual([])
  })

  test('an output never replaces a file', async () => {
    const { store, root, scratchDir } = await setUp()
    await store.put(`${root}/data/x.parquet`, bytes('others'))
    const output = await createFileAccess(store, { scratchDir }).output(`${root}/data/x.parquet`)
    await writeFile(output.localPath, 'rows')
    await expect(output.commit()).rejects.toThrow(ObjectExistsError)
    await output.abort()
    expect(await store.get(`${root}/data/x.parquet`)).toEqual(bytes('others'))
    expect(existsSync(output.localPath)).toBe(false)
  })

  test('a commit whose answer was lost may be called again', async () => {
    const { store, root, scratchDir } = await setUp()
    const controller = new FaultController()
    const files = createFileAccess(faultStore(store, controller), { scratchDir })
    const output = await files.output(`${root}/data/x.parquet`)
    await writeFile(output.localPath, 'rows')
    controller.reset({ mode: 'error-after', at: 1 })
    await expect(output.commit()).rejects.toThrow(StorageUnavailableError)
    expect(await output.commit()).toEqual({ size: 4 })
    expect(await store.get(`${root}/data/x.parquet`)).toEqual(bytes('rows'))
  })

  test('a finished file is adopted: invisible until the commit, whole afterwards, gone from where it was', async () => {
    const { store, root, scratchDir } = await setUp()
    const files = createFileAccess(store, { scratchDir })
    const scratch = await files.scratch({ beside: `${root}/data` })
    const locations = ['p=1/a.parquet', 'p=1/b.parquet', 'p=2/c.parquet'].map(
      (name) => `${root}/data/${name}`,
    )
    const outputs = await Promise.all(locations.map((location) => adopted(files, scratch.path, location)))
    expect(await collect(store.list(`${root}/`))).toEqual([])
    expect(await Promise.all(outputs.map((output) => output.commit()))).toEqual(
      locations.map((location) => ({ size: location.length })),
    )
    for (const location of locations) expect(await store.get(location)).toEqual(bytes(location))
    expect(await filesIn(scratch.path)).toEqual([])
    for (const output of outputs) await output.abort()
    expect((await collect(store.list(`${root}/`))).map(({ location }) => location).sort()).toEqual(locations)
    await scratch.remove()
    expect(await filesIn(scratchDir)).toEqual([])
  })

  test('an adopted file never replaces another, and is gone when it is discarded', async () => {
    const { store, root, scratchDir } = await setUp()
    const files = createFileAccess(store, { scratchDir })
    const scratch = await files.scratch()
    await store.put(`${root}/data/x.parquet`, bytes('others'))
    const late = await adopted(files, scratch.path, `${root}/data/x.parquet`)
    await expect(late.commit()).rejects.toThrow(ObjectExistsError)
    const output = await adopted(files, scratch.path, `${root}/data/y.parquet`)
    await output.commit()
    for (const each of [late, output]) await each.discard()
    expect(await store.get(`${root}/data/x.parquet`)).toEqual(bytes('others'))
    expect(await collect(store.list(`${root}/`))).toHaveLength(1)
    expect(await filesIn(scratch.path)).toEqual([])
  })

  test('a commit of an adopted file whose answer was lost may be called again', async () => {
    const { store, root, scratchDir } = await setUp()
    const controller = new FaultController()
    const files = createFileAccess(faultStore(store, controller), { scratchDir })
    const scratch = await files.scratch()
    const location = `${root}/data/p=1/x.parquet`
    const output = await adopted(files, scratch.path, location)
    controller.reset({ mode: 'error-after', at: 1 })
    await expect(output.commit()).rejects.toThrow(StorageUnavailableError)
    expect(await output.commit()).toEqual({ size: location.length })
    expect(await store.get(location)).toEqual(bytes(location))
  })

  test('an input is the file, and a missing one is named', async () => {
    const { store, root, scratchDir } = await setUp()
    const content = new Uint8Array(20_000_000).map((_byte, i) => i * 7)
    await store.put(`${root}/x.parquet`, content)
    const files = createFileAccess(store, { scratchDir })
    const input = await files.input({ location: `${root}/x.parquet` })
    expect(Buffer.compare(await readFile(input.localPath), content)).toBe(0)
    await input.release()
    await input.release()
    const missing = await files
      .input({ location: `${root}/city=Rome/y.parquet` })
      .catch((error: unknown) => error)
    expect(missing).toBeInstanceOf(MissingFileError)
    expect(missing).toMatchObject({ file: `${root}/city=***/y.parquet` })
    expect(await filesIn(scratchDir)).toEqual([])
    expect((await store.head(`${root}/x.parquet`)).size).toBe(content.length)
  })

  test('a scratch folder is new, private, and can be removed with what is in it', async () => {
    const { store, scratchDir } = await setUp()
    const files = createFileAccess(store, { scratchDir })
    const [a, b] = [await files.scratch(), await files.scratch()]
    expect(a.path).not.toBe(b.path)
    expect((await stat(a.path)).mode & 0o077).toBe(0)
    await writeFile(join(a.path, 'part-0'), 'x')
    await a.remove()
    await b.remove()
    expect(await filesIn(scratchDir)).toEqual([])
  })

  test('nothing is begun for a caller who has left', async () => {
    const { store, root, scratchDir } = await setUp()
    const files = createFileAccess(store, { scratchDir })
    const signal = AbortSignal.abort()
    await expect(files.output(`${root}/x`, { signal })).rejects.toThrow(OperationAbortedError)
    await expect(files.input({ location: `${root}/x` }, { signal })).rejects.toThrow(OperationAbortedError)
  })
})

/** A new file in a scratch folder, its location for bytes, on its way there. */
async function adopted(files: FileAccess, folder: string, location: string): Promise<OutputFile> {
  const path = join(folder, basename(location))
  await writeFile(path, location)
  const output = await files.adopt?.(path, location)
  if (output === undefined) throw new Error('the file access adopts nothing')
  return output
}

describe('a scratch folder beside outputs', () => {
  test('is on their disk, and no object; left behind, it is found there', async () => {
    const { store, root, scratchDir } = await local()
    const files = createFileAccess(store, { scratchDir })
    const scratch = await files.scratch({ beside: `${root}/data` })
    expect(toFileUri(dirname(scratch.path))).toBe(`${root}/data`)
    expect((await stat(scratch.path)).mode & 0o077).toBe(0)
    await writeFile(join(scratch.path, 'part-0'), 'x')
    expect(await collect(store.list(`${root}/`))).toEqual([])
    const left = (await collect(new LocalObjectStore().listTemporary(`${root}/`))).map(
      ({ location }) => location,
    )
    expect(left).toEqual([toFileUri(scratch.path)])
    expect((await store.delete(left)).deleted).toEqual(left)
    expect(existsSync(scratch.path)).toBe(false)
  })

  test('is in the scratch directory where outputs are elsewhere', async () => {
    const { store, root, scratchDir } = await memory()
    const scratch = await createFileAccess(store, { scratchDir }).scratch({ beside: `${root}/data` })
    expect(dirname(scratch.path)).toBe(scratchDir)
    await scratch.remove()
  })
})

describe('file access over a remote store', () => {
  test('those who read one file at the same time share one download', async () => {
    const { store, root, scratchDir } = await memory()
    await store.put(`${root}/x`, bytes('rows'))
    const controller = new FaultController()
    const files = createFileAccess(faultStore(store, controller), { scratchDir })
    const [a, b] = await Promise.all([
      files.input({ location: `${root}/x` }),
      files.input({ location: `${root}/x` }),
    ])
    expect(a.localPath).toBe(b.localPath)
    expect(controller.calls.map(({ method }) => method)).toEqual(['head', 'get'])
    await a.release()
    expect(await readFile(b.localPath, 'utf8')).toBe('rows')
    await b.release()
    expect(await filesIn(dirname(b.localPath))).toEqual([])
  })

  test('a file that is replaced during the download is an error, never a mixture', async () => {
    const { store, root, scratchDir } = await memory()
    const location = `${root}/x`
    await store.put(location, new Uint8Array(20_000_000))
    let gets = 0
    const replacing: ObjectStore = {
      schemes: store.schemes,
      head: (...args) => store.head(...args),
      put: (...args) => store.put(...args),
      list: (...args) => store.list(...args),
      delete: (...args) => store.delete(...args),
      get: async (place: string, options?: GetOptions) => {
        gets += 1
        if (gets === 2) await store.put(location, new Uint8Array(20_000_000).fill(1))
        return store.get(place, options)
      },
    }
    const input = createFileAccess(replacing, { scratchDir }).input({ location })
    await expect(input).rejects.toThrow(ObjectChangedError)
    expect(await filesIn(scratchDir)).toEqual([])
  })
})
