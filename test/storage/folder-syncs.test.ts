/** Names are on the disk when their puts have returned, though many share a sync of their folder. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { StorageUnavailableError } from '../../src/errors.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { temporaryFolder } from '../support/folders.ts'

/** In the order in which they come about; `sync` when it begins, `synced` when it has ended. */
type Event = readonly ['named' | 'returned', string] | readonly ['sync' | 'synced', number]

/** Records new names in a folder and its syncs, which `before` holds up or makes fail. */
function recordFolder(folder: string, before: (sync: number) => Promise<void>): Event[] {
  const events: Event[] = []
  const { openSync, fsync, linkSync } = fs
  const folders = new Set<number>()
  let syncs = 0
  fs.openSync = (path, ...rest) => {
    const file = openSync(path, ...rest)
    if (path === folder) folders.add(file)
    else folders.delete(file)
    return file
  }
  const recorded = (file: number, done: fs.NoParamCallback): void => {
    if (!folders.has(file)) return fsync(file, done)
    const sync = syncs++
    events.push(['sync', sync])
    before(sync).then(
      () =>
        fsync(file, (error) => {
          events.push(['synced', sync])
          done(error)
        }),
      (error: NodeJS.ErrnoException) => done(error),
    )
  }
  Object.assign(fs, { fsync: recorded })
  fs.linkSync = (from, to) => {
    linkSync(from, to)
    if (dirname(String(to)) === folder) events.push(['named', basename(String(to))])
  }
  syncBuiltinESMExports()
  onTestFinished(() => {
    Object.assign(fs, { openSync, fsync, linkSync })
    syncBuiltinESMExports()
  })
  return events
}

/** Whether a sync of the folder lies, whole, between a file's naming and the return of its put. */
function isDurable(events: readonly Event[], name: string): boolean {
  const at = (...event: Event): number =>
    events.findIndex(([kind, of]) => kind === event[0] && of === event[1])
  const within = events.slice(at('named', name), at('returned', name))
  return within.some(
    ([kind, sync]) => kind === 'sync' && within.some(([end, of]) => end === 'synced' && of === sync),
  )
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate()
}

test('each of many puts returns after a sync that began when its file had its name', async () => {
  const folder = await temporaryFolder()
  const store = new LocalObjectStore()
  const events = recordFolder(folder, () => turns(20))
  const put = async (name: string, after: number): Promise<void> => {
    await turns(after)
    await store.put(toFileUri(`${folder}/${name}`), new Uint8Array(10), { ifAbsent: true })
    events.push(['returned', name])
  }
  const names = Array.from({ length: 60 }, (_, index) => `f${index}`)
  // Some together, others while a sync runs or waits.
  await Promise.all(names.map((name, index) => put(name, Math.floor(index / 3) * 7)))
  expect(names.filter((name) => !isDurable(events, name))).toEqual([])
  expect(events.filter(([kind]) => kind === 'sync').length).toBeLessThan(names.length)
})

test('a sync that fails fails those who asked for it, and nobody after', async () => {
  const folder = await temporaryFolder()
  const store = new LocalObjectStore()
  const broken = Object.assign(new Error('EIO'), { code: 'EIO' })
  let begun = (): void => undefined
  const first = new Promise<void>((resolve) => (begun = resolve))
  const events = recordFolder(folder, async (sync) => {
    if (sync > 0) return
    begun()
    await turns(50)
    throw broken
  })
  const put = (name: string) =>
    store.put(toFileUri(`${folder}/${name}`), new Uint8Array(10), { ifAbsent: true })
  const early = put('early')
  early.catch(() => undefined)
  await first
  // Named while the first runs, so that it needs one of its own.
  await put('late')
  events.push(['returned', 'late'])
  await expect(early).rejects.toThrow(StorageUnavailableError)
  expect(isDurable(events, 'late')).toBe(true)
})
