/** What lies in folders of the local disk: objects, and what is none yet or never came to be one. */
import type { Dirent } from 'node:fs'
import { lstat, opendir, stat } from 'node:fs/promises'
import { throwIfAborted } from '../abort.ts'
import { InvalidLocationError, StorageDeniedError } from '../errors.ts'
import { localError, systemErrorCode } from './local-errors.ts'
import { infoOf } from './local-files.ts'
import { localPathOf, maskLocation } from './location.ts'
import type { ObjectInfo } from './object-store.ts'
import { isTemporaryName } from './temporary-names.ts'

const STATS_AT_ONCE = 32

/** What is looked for: objects, or what bears a temporary name, scratch folders as one entry each. */
export type Wanted = 'objects' | 'temporary'

/** Everything of a kind below a prefix that ends in a slash; InvalidLocationError for any other. */
export async function* walk(
  prefix: string,
  wanted: Wanted,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectInfo> {
  if (!prefix.endsWith('/')) {
    throw new InvalidLocationError('A prefix to list ends in a slash', { file: maskLocation(prefix) })
  }
  const folders = [prefix]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const entries of readFolder(folder, signal)) {
      const found = entries.filter((entry) => wantsEntry(entry, wanted))
      folders.push(...entries.filter(isPlainFolder).map((entry) => `${folder}${entry.name}/`))
      const infos = await Promise.all(
        found.map((entry) => entryInfo(`${folder}${entry.name}`, wanted, signal)),
      )
      yield* infos.filter((info) => info !== null)
    }
  }
}

/** Entries of one folder in batches; a folder that is not there, or is a file, has none. */
async function* readFolder(location: string, signal: AbortSignal | undefined): AsyncIterable<Dirent[]> {
  throwIfAborted(signal)
  try {
    let batch: Dirent[] = []
    for await (const entry of await opendir(localPathOf(location), { bufferSize: STATS_AT_ONCE })) {
      batch.push(entry)
      if (batch.length < STATS_AT_ONCE) continue
      throwIfAborted(signal)
      yield batch
      batch = []
    }
    yield batch
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return
    throw localError(error, location)
  }
}

function wantsEntry(entry: Dirent, wanted: Wanted): boolean {
  if (wanted === 'temporary') return isTemporaryName(entry.name)
  return !isTemporaryName(entry.name) && !entry.isDirectory()
}

function isPlainFolder(entry: Dirent): boolean {
  return entry.isDirectory() && !isTemporaryName(entry.name)
}

/** null for what vanished meanwhile, and for links to folders, which might run in circles. */
export async function entryInfo(
  location: string,
  wanted: Wanted,
  signal?: AbortSignal,
): Promise<ObjectInfo | null> {
  try {
    if (wanted === 'temporary') return await temporaryInfo(location, signal)
    const stats = await stat(localPathOf(location), { bigint: true })
    return stats.isFile() ? infoOf(location, stats) : null
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null
    throw localError(error, location)
  }
}

/**
 * A scratch folder is as young as the youngest of what is in it: its own time stands still for as long
 * as no file comes or goes there, while a file may grow for hours.
 */
async function temporaryInfo(location: string, signal: AbortSignal | undefined): Promise<ObjectInfo> {
  const stats = await lstat(localPathOf(location), { bigint: true })
  const info = infoOf(location, stats)
  if (!stats.isDirectory()) return info
  let { lastModified } = info
  try {
    for await (const entries of readFolder(location, signal)) {
      const within = entries.map(({ name }) => entryInfo(`${location}/${name}`, 'temporary', signal))
      for (const entry of await Promise.all(within)) {
        if (entry !== null && entry.lastModified > lastModified) lastModified = entry.lastModified
      }
    }
  } catch (error) {
    // Scratch folders are for their user's eyes only, and no reason to see nothing of all else. Of one
    // that nobody else may look into, nobody else removes anything either.
    if (!(error instanceof StorageDeniedError)) throw error
  }
  return { ...info, lastModified }
}
