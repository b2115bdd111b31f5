/** Names on the local disk: a file is there after a power failure only if every name that leads to it is. */
import { closeSync, fsync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { systemErrorCode } from './local-errors.ts'

/** A file's name, and those of all the folders that it lies in, are on the disk afterwards. */
export async function syncName(path: string): Promise<void> {
  const folder = dirname(path)
  await Promise.all([syncFolder(folder), nameFolder(folder)])
}

/** Makes the folder, and those above it; all of their names are on the disk afterwards. */
export async function createFolder(folder: string): Promise<void> {
  const first = mkdirSync(folder, { recursive: true })
  if (first !== undefined) {
    // What bore these names before, if anything did, is gone.
    for (let made = folder; made.length >= first.length; made = dirname(made)) namedFolders.delete(made)
  }
  await nameFolder(folder, first)
}

/** Folders whose names this process has seen reach the disk, or sees on their way there. */
const namedFolders = new Map<string, Promise<void>>()
const NAMED_FOLDERS = 4096

/**
 * The folder's name, and those of the folders above it, are on the disk afterwards: one that is there
 * may have been made a moment ago by another write, of this process or of another, whose sync is still
 * to come. Every folder is seen to once. `first` is the topmost that the caller has just made.
 */
function nameFolder(folder: string, first?: string): Promise<void> {
  const known = namedFolders.get(folder)
  if (known !== undefined) return known
  const naming = putName(folder, first)
  // Any may be forgotten: it is synced once more then.
  if (namedFolders.size >= NAMED_FOLDERS) namedFolders.clear()
  namedFolders.set(folder, naming)
  naming.catch(() => {
    // Whoever comes next tries anew.
    if (namedFolders.get(folder) === naming) namedFolders.delete(folder)
  })
  return naming
}

async function putName(folder: string, first: string | undefined): Promise<void> {
  const parent = dirname(folder)
  if (parent === folder) return
  const isNew = first !== undefined && folder.length >= first.length
  // What is mounted there was made by no write.
  if (!isNew && isMount(folder, parent)) return
  await Promise.all([nameFolder(parent, first), syncIfAllowed(parent)])
}

function isMount(folder: string, parent: string): boolean {
  try {
    return statSync(folder).dev !== statSync(parent).dev
  } catch {
    // What may not be looked at may not be opened either, and what is gone shows then.
    return false
  }
}

/** A process that is confined to some folders has to take those above them as they are. */
async function syncIfAllowed(folder: string): Promise<void> {
  try {
    await syncFolder(folder)
  } catch (error) {
    if (!DENIED.has(systemErrorCode(error))) throw error
  }
}

/** By the operating system, or by the permissions that Node.js was started with. */
const DENIED: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'ERR_ACCESS_DENIED'])

/** Syncs that were asked for and have not begun, and those that run. */
const waitingSyncs = new Map<string, Promise<void>>()
const runningSyncs = new Map<string, Promise<void>>()

/**
 * A name is durable only when its folder is synced. One sync serves all who asked before it began:
 * a write of a thousand partitions makes a thousand names in one folder.
 */
export function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder for that, and makes names durable by itself.
  if (process.platform === 'win32') return Promise.resolve()
  const waiting = waitingSyncs.get(folder)
  if (waiting !== undefined) return waiting
  const next = syncNext(folder)
  waitingSyncs.set(folder, next)
  return next
}

async function syncNext(folder: string): Promise<void> {
  // Files whose bytes have come to the disk together all get their names before it begins. Of a sync
  // that runs and fails, whoever asked for it has the error.
  await Promise.allSettled([runningSyncs.get(folder), setImmediate()])
  waitingSyncs.delete(folder)
  const sync = syncNames(folder)
  runningSyncs.set(folder, sync)
  try {
    await sync
  } finally {
    if (runningSyncs.get(folder) === sync) runningSyncs.delete(folder)
  }
}

async function syncNames(folder: string): Promise<void> {
  const opened = openSync(folder, 'r')
  try {
    await syncOpen(opened)
  } finally {
    closeSync(opened)
  }
}

/** Syncs an open file or folder to the disk. */
export function syncOpen(file: number): Promise<void> {
  // Not by `promisify`, which costs more than the call itself.
  return new Promise((resolve, reject) => {
    fsync(file, (error) => (error === null ? resolve() : reject(error)))
  })
}
