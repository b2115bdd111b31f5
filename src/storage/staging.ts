/** FileAccess over any ObjectStore: in place on the local disk, through a scratch folder elsewhere. */
import { constants } from 'node:fs'
import { copyFile, mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../abort.ts'
import type { FileAccess, InputFile } from '../engine/file-access.ts'
import { MissingFileError, ObjectNotFoundError } from '../errors.ts'
import { createFolder } from './folder-names.ts'
import { inStore, localError } from './local-errors.ts'
import { removeTemporary } from './local-files.ts'
import { fileNameOf, maskLocation } from './location.ts'
import type { ObjectStore } from './object-store.ts'
import { adoptOutput, openOutput } from './staged-output.ts'
import { temporaryName } from './temporary-names.ts'

/** Where files are staged. */
export interface FileAccessOptions {
  /** Folder for downloads, uploads in the making, and what is written to be read again. */
  readonly scratchDir: string
}

/** Each holds a file open while it is being synced. */
const LOCAL_COMMITS_AT_ONCE = 128

const PART_BYTES = 8 * 1024 * 1024
const PARTS_AT_ONCE = 4

/** Every output is create-only: a data file's name is new, or something is badly wrong. */
export function createFileAccess(store: ObjectStore, options: FileAccessOptions): FileAccess {
  const inputs = store.localPath === undefined ? new Downloads(store, options.scratchDir) : null
  return {
    ...(inputs === null ? { commitsAtOnce: LOCAL_COMMITS_AT_ONCE } : {}),
    output: (location, { signal } = {}) => openOutput(store, options.scratchDir, location, signal),
    adopt: async (localPath, location, { signal } = {}) =>
      adoptOutput(store, { localPath, location, signal }),
    input: (file, { signal } = {}) =>
      inputs === null ? openLocal(store, file.location, signal) : inputs.open(file.location, signal),
    scratch: ({ beside } = {}) => makeScratch(store, options.scratchDir, beside),
    copyIn: (localPath, location, { signal } = {}) =>
      copyIn(store, options.scratchDir, { localPath, location, signal }),
  }
}

async function copyIn(
  store: ObjectStore,
  scratchDir: string,
  request: {
    readonly localPath: string
    readonly location: string
    readonly signal: AbortSignal | undefined
  },
): Promise<{ readonly size: number }> {
  const { localPath, location, signal } = request
  const output = await openOutput(store, scratchDir, location, signal)
  try {
    // Where the disk can, the copy shares the bytes.
    await inStore(location, () => copyFile(localPath, output.localPath, constants.COPYFILE_FICLONE))
    return await output.commit()
  } catch (error) {
    await output.discard()
    throw error
  }
}

async function openLocal(
  store: ObjectStore,
  location: string,
  signal: AbortSignal | undefined,
): Promise<InputFile> {
  await expectObject(location, () => store.head(location, { signal }))
  return { localPath: store.localPath?.(location) ?? location, release: async () => {} }
}

/** A folder that a killed process leaves beside its outputs is found with what else it left there. */
async function makeScratch(
  store: ObjectStore,
  scratchDir: string,
  beside: string | undefined,
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const local = beside === undefined ? undefined : store.localPath?.(beside)
  const path = join(local ?? scratchDir, temporaryName('dir'))
  await inStore(beside ?? path, async () => {
    if (local !== undefined) await createFolder(local)
    await mkdir(path, { recursive: true, mode: 0o700 })
  })
  return { path, remove: () => removeTemporary(path) }
}

interface Download {
  readonly done: Promise<string>
  users: number
}

/** Whole copies of remote files on the local disk, shared by those who read one at the same time. */
class Downloads {
  readonly #store: ObjectStore
  readonly #scratchDir: string
  readonly #running = new Map<string, Download>()

  constructor(store: ObjectStore, scratchDir: string) {
    this.#store = store
    this.#scratchDir = scratchDir
  }

  async open(location: string, signal: AbortSignal | undefined): Promise<InputFile> {
    throwIfAborted(signal)
    const download = this.#running.get(location) ?? this.#start(location)
    download.users += 1
    let released = false
    const release = async (): Promise<void> => {
      if (released) return
      released = true
      await this.#leave(location, download)
    }
    try {
      const localPath = await untilAborted(download.done, signal)
      return { localPath, release }
    } catch (error) {
      await release()
      throw error
    }
  }

  #start(location: string): Download {
    const download = { done: this.#fetch(location), users: 0 }
    this.#running.set(location, download)
    return download
  }

  async #fetch(location: string): Promise<string> {
    const path = join(this.#scratchDir, temporaryName('out', `-${fileNameOf(location)}`))
    try {
      await mkdir(this.#scratchDir, { recursive: true })
      await expectObject(location, () => fetchInParts(this.#store, location, path))
      return path
    } catch (error) {
      await removeTemporary(path)
      throw localError(error, location)
    }
  }

  async #leave(location: string, download: Download): Promise<void> {
    download.users -= 1
    if (download.users > 0) return
    if (this.#running.get(location) === download) this.#running.delete(location)
    await download.done.then(removeTemporary, () => {
      // Whoever waited for the download has had its error; a failed one has removed its file.
    })
  }
}

/** All parts are of one version of the object: its etag is the condition of every range. */
async function fetchInParts(store: ObjectStore, location: string, path: string): Promise<void> {
  const { size, etag } = await store.head(location)
  const file = await open(path, 'wx')
  try {
    const starts = Array.from(
      { length: Math.ceil(size / PART_BYTES) },
      (_, part) => part * PART_BYTES,
    ).values()
    const worker = async (): Promise<void> => {
      for (const start of starts) {
        const range = { start, end: Math.min(start + PART_BYTES, size) }
        await writeFully(file, await store.get(location, { range, ifMatch: etag }), start)
      }
    }
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, worker))
  } finally {
    await file.close()
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const rest = bytes.length - written
    written += (await file.write(bytes, written, rest, position + written)).bytesWritten
  }
}

/** A data file that metadata names and that is gone is not the caller's mistake. */
async function expectObject<T>(location: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof ObjectNotFoundError)) throw error
    throw new MissingFileError('A file of the table is not there', {
      file: maskLocation(location),
      hint: 'It may have been expired while it was read, or been removed by hand.',
      cause: error,
    })
  }
}

/** One user's abort ends that user's wait, not the download that others share. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      try {
        throwIfAborted(signal)
      } catch (error) {
        reject(error)
      }
    }
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
