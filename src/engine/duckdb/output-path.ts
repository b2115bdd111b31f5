/** A single local file that appears under its name only when it is whole. */
import { link, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { InvalidArgumentError, StorageDeniedError, StorageQuotaError } from '../../errors.ts'
import type { OutputPath } from '../data-plane.ts'

/**
 * Runs `write` on a hidden name beside the file, then gives it its own; removes it when that fails.
 *
 * InvalidArgumentError when there is no such folder, when the name is that of one, or, unless `replace` is set, when the file is there
 * already: checked first, and again, without a gap, at the end.
 */
export async function writeWhole<T>(
  { path, replace = true }: Pick<OutputPath, 'path' | 'replace'>,
  write: (unfinished: string) => Promise<T>,
): Promise<T> {
  const folder = dirname(path)
  if (!(await isFolder(folder))) throw new InvalidArgumentError(`there is no folder '${folder}' to write to`)
  if (await isFolder(path)) throw new InvalidArgumentError('A folder is no file to write', { file: path })
  if (!replace && (await isThere(path))) throw isThereAlready(path)
  const unfinished = join(folder, `.${basename(path)}.${crypto.randomUUID()}.tmp`)
  try {
    const result = await write(unfinished)
    await giveName(unfinished, path, replace)
    return result
  } finally {
    await rm(unfinished, { force: true })
  }
}

async function giveName(unfinished: string, path: string, replace: boolean): Promise<void> {
  try {
    // A link, unlike a rename, never takes the place of a file that somebody else made meanwhile.
    await (replace ? rename(unfinished, path) : link(unfinished, path))
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? isThereAlready(path) : error
  }
}

function isThereAlready(path: string): InvalidArgumentError {
  return new InvalidArgumentError('The file to write is there already', {
    file: path,
    hint: 'Choose another name, or ask for replace (`--force`).',
  })
}

/** What went wrong with the disk, typed; everything else as it is. */
export function outputError(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return new StorageQuotaError('The disk is full', { file: path })
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new StorageDeniedError('The file system denies access', { file: path })
  }
  return error
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null) // whatever keeps it from being seen
  return found?.isDirectory() === true
}

async function isThere(path: string): Promise<boolean> {
  // What cannot be looked at shows when the file gets its name.
  return (await stat(path).catch(() => null)) !== null
}
