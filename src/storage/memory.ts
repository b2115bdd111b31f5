/** An ObjectStore in this process's memory: for tests, and for tables that need no disk. */
import { readFile, rm } from 'node:fs/promises'
import { throwIfAborted } from '../abort.ts'
import {
  InvalidLocationError,
  ObjectChangedError,
  ObjectExistsError,
  ObjectNotFoundError,
} from '../errors.ts'
import { localError } from './local-errors.ts'
import { maskLocation } from './location.ts'
import type {
  CallOptions,
  DeleteReport,
  GetOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
} from './object-store.ts'
import { rangeOf } from './range.ts'

interface StoredObject {
  readonly info: ObjectInfo
  readonly bytes: Uint8Array
  readonly owner: string | undefined
}

/** A store in memory, gone with the process: for tests and trials. */
export class MemoryObjectStore implements ObjectStore {
  readonly schemes: readonly string[]
  readonly #objects = new Map<string, StoredObject>()
  readonly #now: () => Date
  #puts = 0

  constructor(
    options: {
      /** Default: `memory`. */
      readonly schemes?: readonly string[]
      /** The store's clock, for `lastModified`. */
      readonly now?: () => Date
    } = {},
  ) {
    this.schemes = options.schemes ?? ['memory']
    this.#now = options.now ?? (() => new Date())
  }

  /** A store that extends this one by a `put` of its own has to say whether that one does. */
  get heedsAfter(): boolean {
    return this.put === MemoryObjectStore.prototype.put
  }

  async head(location: string, options: CallOptions = {}): Promise<ObjectInfo> {
    return this.#find(location, options).info
  }

  async get(location: string, options: GetOptions = {}): Promise<Uint8Array> {
    const { info, bytes } = this.#find(location, options)
    if (options.ifMatch !== undefined && options.ifMatch !== info.etag) {
      throw new ObjectChangedError('The object was replaced meanwhile', { file: maskLocation(location) })
    }
    const { start, end } = rangeOf(options.range, bytes.length)
    return bytes.slice(start, end)
  }

  async put(location: string, body: PutBody, options: PutOptions = {}): Promise<ObjectInfo> {
    this.#check(location, options)
    if (location.endsWith('/')) {
      throw new InvalidLocationError('The location names a folder', { file: maskLocation(location) })
    }
    const ours = this.#objects.get(location)
    if (ours !== undefined && options.owner !== undefined && ours.owner === options.owner) return ours.info
    const bytes = await bytesOf(body)
    await options.after
    throwIfAborted(options.signal)
    // From here on without an await: nobody comes in between.
    if (this.#objects.has(location) && options.ifAbsent === true) {
      throw new ObjectExistsError('The object exists already', { file: maskLocation(location) })
    }
    this.#puts += 1
    const info = { location, size: bytes.length, etag: String(this.#puts), lastModified: this.#now() }
    this.#objects.set(location, { info, bytes, owner: options.owner })
    if (!(body instanceof Uint8Array)) await rm(body.localPath, { force: true })
    return info
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncIterable<ObjectInfo> {
    this.#check(prefix, options)
    if (!prefix.endsWith('/')) {
      throw new InvalidLocationError('A prefix to list ends in a slash', { file: maskLocation(prefix) })
    }
    // A copy: what is put or deleted while the caller iterates must not upset the iteration.
    const found = [...this.#objects.values()].filter(({ info }) => info.location.startsWith(prefix))
    for (const { info } of found) {
      throwIfAborted(options.signal)
      yield info
    }
  }

  async delete(locations: readonly string[], options: CallOptions = {}): Promise<DeleteReport> {
    throwIfAborted(options.signal)
    const deleted: string[] = []
    const failed: { location: string; error: Error }[] = []
    for (const location of locations) {
      if (this.#answersFor(location)) {
        this.#objects.delete(location)
        deleted.push(location)
      } else {
        failed.push({ location, error: foreign(location) })
      }
    }
    return { deleted, failed }
  }

  #find(location: string, options: CallOptions): StoredObject {
    this.#check(location, options)
    const found = this.#objects.get(location)
    if (found === undefined) {
      throw new ObjectNotFoundError('No such object', { file: maskLocation(location) })
    }
    return found
  }

  #check(location: string, options: CallOptions): void {
    throwIfAborted(options.signal)
    if (!this.#answersFor(location)) throw foreign(location)
  }

  #answersFor(location: string): boolean {
    return this.schemes.some((scheme) => location.startsWith(`${scheme}:`))
  }
}

function foreign(location: string): InvalidLocationError {
  return new InvalidLocationError('This store does not answer for the scheme of the location', {
    file: maskLocation(location),
  })
}

async function bytesOf(body: PutBody): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body.slice()
  try {
    const bytes = await readFile(body.localPath)
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  } catch (error) {
    throw localError(error, body.localPath)
  }
}
