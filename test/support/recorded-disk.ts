/** What a process does on the disk, in the order in which it is done. */
import fs from 'node:fs'
import { stat } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync } from 'node:sqlite'
import { onTestFinished, vi } from 'vitest'

export type DiskEvent =
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'link' | 'rename'; readonly from: string; readonly path: string }
  | { readonly kind: 'pointer' }

/** What of the disk does not go as usual. */
export interface DiskFaults {
  /** What reaches the disk only when all others had the time to go on. */
  readonly isSlow?: (path: string) => boolean
  /** The code with which opening a path fails, or null. */
  readonly openFails?: (path: string) => string | null
  /** The code with which syncing a path fails, or null. */
  readonly syncFails?: (path: string) => string | null
}

/** Records fsyncs, new names, and changes of the catalog's table, until the test ends. */
export function recordDisk({ isSlow, openFails, syncFails }: DiskFaults = {}): DiskEvent[] {
  const events: DiskEvent[] = []
  const { openSync, fsync, linkSync, renameSync } = fs
  const { open } = fs.promises
  const paths = new Map<number, string>()
  fs.openSync = (path, ...rest) => {
    failWith(openFails?.(String(path)) ?? null)
    const file = openSync(path, ...rest)
    paths.set(file, String(path))
    return file
  }
  const recordedSync = (file: number, done: fs.NoParamCallback): void =>
    fsync(file, (error) => {
      const path = paths.get(file) ?? ''
      const fault = syncFails?.(path) ?? null
      const finish = (): void => {
        if (error === null && fault === null) events.push({ kind: 'sync', path })
        done(fault === null ? error : systemError(fault))
      }
      if (isSlow?.(path) === true) void whileOthersGoOn().then(finish)
      else finish()
    })
  Object.assign(fs, { fsync: recordedSync })
  fs.promises.open = async (path, ...rest) => {
    const handle = await open(path, ...rest)
    const sync = handle.sync.bind(handle)
    handle.sync = async () => {
      await sync()
      events.push({ kind: 'sync', path: String(path) })
    }
    return handle
  }
  fs.linkSync = (from, to) => {
    linkSync(from, to)
    events.push({ kind: 'link', from: String(from), path: String(to) })
  }
  fs.renameSync = (from, to) => {
    renameSync(from, to)
    events.push({ kind: 'rename', from: String(from), path: String(to) })
  }
  syncBuiltinESMExports()
  const spy = vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (
    this: DatabaseSync,
    ...args: Parameters<DatabaseSync['prepare']>
  ) {
    if (/^\s*(insert into|update) "?iceberg_tables/i.test(args[0])) events.push({ kind: 'pointer' })
    return prepare.apply(this, args)
  })
  onTestFinished(() => {
    Object.assign(fs, { openSync, fsync, linkSync, renameSync })
    fs.promises.open = open
    syncBuiltinESMExports()
    spy.mockRestore()
  })
  return events
}
const { prepare } = DatabaseSync.prototype

/** The folders and files that reached the disk, in their order. */
export function synced(events: readonly DiskEvent[]): string[] {
  return events.flatMap((event) => (event.kind === 'sync' ? [event.path] : []))
}

function failWith(code: string | null): void {
  if (code !== null) throw systemError(code)
}

function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code })
}

/** As long as a thousand turns of the thread pool take: a commit has a dozen. */
async function whileOthersGoOn(): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) await stat('.')
}
