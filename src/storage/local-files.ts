/** Durable, all-or-nothing file operations on the local disk, below the local store. */
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
  type BigIntStats,
} from 'node:fs'
import { copyFile, open, rm, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { throwIfAborted } from '../abort.ts'
import { createFolder, syncOpen } from './folder-names.ts'
import type { ObjectInfo, PutBody } from './object-store.ts'
import { linkError, systemErrorCode } from './local-errors.ts'
import { temporaryName } from './temporary-names.ts'

const WRITE_SLICE_BYTES = 8 * 1024 * 1024

/**
 * Bytes that are handed to the system in place. Making a name, handing over so many bytes and closing
 * do not wait for the disk as syncing does: a fifth of a millisecond at the most, where the turns of the
 * thread pool that take its place cost about as much and wait for one another.
 */
const IN_PLACE_BYTES = 1024 * 1024

/** Replaced bytes always mean another inode here, since files are never written in place. */
export function infoOf(location: string, stats: BigIntStats): ObjectInfo {
  return {
    location,
    size: Number(stats.size),
    etag: `${stats.ino.toString(36)}-${stats.size.toString(36)}-${stats.mtimeNs.toString(36)}`,
    lastModified: new Date(Number(stats.mtimeMs)),
  }
}

/** A complete, synced file that waits in the target's folder (or beside, on the same disk). */
export interface ReadyFile {
  readonly path: string
  readonly stats: BigIntStats
  /** Ours to remove when it is not published. */
  readonly temporary: boolean
}

/** Brings a body to the target's disk and syncs it, under a name that is no object. */
export async function prepareFile(
  target: string,
  body: PutBody,
  signal: AbortSignal | undefined,
): Promise<ReadyFile> {
  const folder = dirname(target)
  const temporary = join(folder, temporaryName('put'))
  if (body instanceof Uint8Array) {
    return inFolder(folder, () => writeTemporary(temporary, body, signal))
  }
  // What lies beside its target is there already, and on its disk.
  if (dirname(body.localPath) === folder) {
    return { path: body.localPath, stats: await syncFile(body.localPath), temporary: false }
  }
  const { dev } = await inFolder(folder, () => statSync(folder, { bigint: true }))
  const stats = await syncFile(body.localPath)
  if (stats.dev === dev) return { path: body.localPath, stats, temporary: false }
  return copyTemporary(body.localPath, temporary)
}

async function writeTemporary(
  path: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<ReadyFile> {
  if (bytes.length <= IN_PLACE_BYTES) return writeInPlace(path, bytes)
  const handle = await open(path, 'wx')
  try {
    for (let offset = 0; offset < bytes.length; offset += WRITE_SLICE_BYTES) {
      throwIfAborted(signal)
      await handle.writeFile(bytes.subarray(offset, offset + WRITE_SLICE_BYTES))
    }
    await handle.sync()
    return { path, stats: fstatSync(handle.fd, { bigint: true }), temporary: true }
  } catch (error) {
    await removeTemporary(path)
    throw error
  } finally {
    await handle.close()
  }
}

async function writeInPlace(path: string, bytes: Uint8Array): Promise<ReadyFile> {
  const file = openSync(path, 'wx')
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written)
    await syncOpen(file)
    return { path, stats: fstatSync(file, { bigint: true }), temporary: true }
  } catch (error) {
    await removeTemporary(path)
    throw error
  } finally {
    closeSync(file)
  }
}

async function copyTemporary(source: string, path: string): Promise<ReadyFile> {
  try {
    await copyFile(source, path, constants.COPYFILE_EXCL)
    const stats = await syncFile(path)
    await removeTemporary(source)
    return { path, stats, temporary: true }
  } catch (error) {
    await removeTemporary(path)
    throw error
  }
}

/** Syncs a file's bytes to the disk. */
export async function syncFile(path: string): Promise<BigIntStats> {
  const file = openSync(path, 'r+')
  try {
    await syncOpen(file)
    return fstatSync(file, { bigint: true })
  } finally {
    closeSync(file)
  }
}

/** The file appears under the target's name, unless there is one; EEXIST then. */
export async function publishNew(file: ReadyFile, target: string, location: string): Promise<void> {
  try {
    linkSync(file.path, target)
  } catch (error) {
    // A network file system may repeat a link whose answer was lost: then the file there is ours.
    if (systemErrorCode(error) === 'EEXIST' && (await isSameFile(file, target))) return
    throw linkError(error, location)
  }
}

async function isSameFile(file: ReadyFile, target: string): Promise<boolean> {
  return withHandle(target, 'r', async (handle) => {
    const stats = await handle.stat({ bigint: true })
    return stats.ino === file.stats.ino && stats.dev === file.stats.dev
  })
}

/** The file takes the target's name, in place of whatever had it. */
export function publishOver(file: ReadyFile, target: string): void {
  renameSync(file.path, target)
}

/** Takes from a file that bears its target's name the one that is no object. */
export async function dropOtherName(path: string): Promise<void> {
  try {
    // The bytes stay: nothing is freed that could take its time.
    unlinkSync(path)
  } catch {
    await removeTemporary(path)
  }
}

/**
 * Removes a name that is no object, file or folder; that it cannot be removed must not hide why we
 * got here.
 */
export async function removeTemporary(path: string): Promise<void> {
  try {
    // Nearly always a file, for which `rm` would look twice first.
    await unlink(path)
    return
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return
  }
  try {
    await rm(path, { force: true, recursive: true })
  } catch {
    // The name tells a later run whose leftover it is.
  }
}

/** Runs a call that creates a file; the folder is made only when it turns out to be missing. */
async function inFolder<T>(folder: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
    await createFolder(folder)
    return call()
  }
}

async function withHandle<T>(
  path: string,
  flags: string,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await open(path, flags)
  try {
    return await use(handle)
  } finally {
    await handle.close()
  }
}

/** The hidden name in the target's folder under which a data file is written. */
export function hiddenPathFor(target: string): string {
  const name = basename(target)
  const dot = name.lastIndexOf('.')
  return join(dirname(target), temporaryName('out', dot > 0 ? name.slice(dot) : ''))
}
