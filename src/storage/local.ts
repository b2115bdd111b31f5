/** The ObjectStore on this machine's disk. */
import { lstat, rm, unlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { throwIfAborted } from '../abort.ts'
import { InvalidLocationError } from '../errors.ts'
import { syncName } from './folder-names.ts'
import { localPathOf, maskLocation } from './location.ts'
import { localError, systemErrorCode } from './local-errors.ts'
import {
  dropOtherName,
  infoOf,
  prepareFile,
  publishNew,
  publishOver,
  removeTemporary,
  type ReadyFile,
} from './local-files.ts'
import { entryInfo, walk } from './local-listing.ts'
import { LocalReads } from './local-reads.ts'
import type {
  CallOptions,
  DeleteReport,
  GetOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
} from './object-store.ts'
import { isTemporaryName } from './temporary-names.ts'

const DELETES_AT_ONCE = 16
const REMEMBERED_PUTS = 1024

/**
 * A put writes a temporary file (see temporary-names.ts), syncs it, links it to its name and syncs
 * the folder: the name never shows part of the bytes, and of two create-only puts exactly one
 * wins, between processes too.
 */
export class LocalObjectStore implements ObjectStore {
  readonly schemes: readonly string[] = ['file']
  /** Etags of the last puts by owner token: a repeated put in this process finds its own object. */
  readonly #owned = new Map<string, string>()
  readonly #reads = new LocalReads()

  /** A store that extends this one by a `put` of its own has to say whether that one does. */
  get heedsAfter(): boolean {
    return this.put === LocalObjectStore.prototype.put
  }

  localPath(location: string): string {
    return localPathOf(location)
  }

  async head(location: string, options: CallOptions = {}): Promise<ObjectInfo> {
    return this.#call(location, options.signal, async (path) => {
      return infoOf(location, await this.#reads.stat(path, location))
    })
  }

  async get(location: string, options: GetOptions = {}): Promise<Uint8Array> {
    return this.#call(location, options.signal, (path) => this.#reads.read(path, location, options))
  }

  async put(location: string, body: PutBody, options: PutOptions = {}): Promise<ObjectInfo> {
    return this.#call(location, options.signal, async (path) => {
      if (path.endsWith('/'))
        throw new InvalidLocationError('The location names a folder', { file: location })
      const ours = await this.#alreadyPut(location, path, options.owner)
      if (ours !== null) return ours
      const file = await prepare(location, path, body, options.signal)
      const info = infoOf(location, file.stats)
      await this.#publish(file, path, location, options)
      if (options.owner !== undefined) this.#remember(options.owner, info.etag)
      await syncName(path)
      return info
    })
  }

  async #publish(file: ReadyFile, path: string, location: string, options: PutOptions): Promise<void> {
    try {
      await options.after
      throwIfAborted(options.signal)
      if (options.ifAbsent === true) {
        await publishNew(file, path, location)
        await dropOtherName(file.path)
      } else {
        publishOver(file, path)
      }
    } catch (error) {
      if (file.temporary) await removeTemporary(file.path)
      throw error
    }
  }

  /** The object that an earlier attempt with this token put here, made durable; null if there is none. */
  async #alreadyPut(location: string, path: string, owner: string | undefined): Promise<ObjectInfo | null> {
    const etag = owner === undefined ? undefined : this.#owned.get(owner)
    if (etag === undefined) return null
    const info = await entryInfo(location, 'objects')
    if (info === null || info.etag !== etag) return null
    await syncName(path)
    return info
  }

  #remember(owner: string, etag: string): void {
    this.#owned.set(owner, etag)
    for (const oldest of this.#owned.keys()) {
      if (this.#owned.size <= REMEMBERED_PUTS) return
      this.#owned.delete(oldest)
    }
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncIterable<ObjectInfo> {
    yield* walk(prefix, 'objects', options.signal)
  }

  /**
   * What killed processes left below a prefix: temporary files, and scratch folders as one entry
   * each. `delete` takes these locations too. Those of running processes are among them: go by age.
   */
  async *listTemporary(prefix: string, options: CallOptions = {}): AsyncIterable<ObjectInfo> {
    yield* walk(prefix, 'temporary', options.signal)
  }

  async delete(locations: readonly string[], options: CallOptions = {}): Promise<DeleteReport> {
    throwIfAborted(options.signal)
    const deleted: string[] = []
    const failed: { location: string; error: Error }[] = []
    const remaining = locations.values()
    const worker = async (): Promise<void> => {
      for (const location of remaining) {
        try {
          throwIfAborted(options.signal)
          await removeObject(localPathOf(location))
          deleted.push(location)
        } catch (error) {
          failed.push({ location, error: localError(error, location) })
        }
      }
    }
    await Promise.all(Array.from({ length: DELETES_AT_ONCE }, worker))
    throwIfAborted(options.signal)
    return { deleted, failed }
  }

  async #call<T>(
    location: string,
    signal: AbortSignal | undefined,
    call: (path: string) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal)
    try {
      return await call(localPathOf(location))
    } catch (error) {
      throw localError(error, location)
    }
  }
}

async function prepare(
  location: string,
  path: string,
  body: PutBody,
  signal: AbortSignal | undefined,
): Promise<ReadyFile> {
  try {
    return await prepareFile(path, body, signal)
  } catch (error) {
    const code = systemErrorCode(error)
    if (code !== 'ENOTDIR' && code !== 'EEXIST') throw error
    throw new InvalidLocationError('A file stands where the location needs a folder', {
      file: maskLocation(location),
      cause: error,
    })
  }
}

/** A folder is removed only when its name says that it is our own scratch folder. */
async function removeObject(path: string): Promise<void> {
  try {
    if (isTemporaryName(basename(path)) && (await lstat(path)).isDirectory()) {
      await rm(path, { recursive: true, force: true })
    } else {
      await unlink(path)
    }
  } catch (error) {
    const code = systemErrorCode(error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
  }
}
