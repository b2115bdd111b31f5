/** The data files of one write, from their hidden beginnings to their locations, or to nothing. */
import { renameSync, writeFileSync } from 'node:fs'
import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../../abort.ts'
import { StorageDeniedError, StorageQuotaError, StorageUnavailableError } from '../../errors.ts'
import type { WriteRequest } from '../data-plane.ts'
import type { OutputFile } from '../file-access.ts'
import { inParallel } from './in-parallel.ts'

/** Files put in place at the same time where the file access has no other wish. */
const AT_ONCE = 8

/** What is to be written where. */
export type OutputRequest = Pick<WriteRequest, 'operationId' | 'locate' | 'dataFolder' | 'files' | 'signal'>

export class Outputs {
  readonly #request: OutputRequest
  readonly #files: OutputFile[] = []
  readonly #scratches: { readonly path: string; remove(): Promise<void> }[] = []
  #nursery: Promise<string> | null = null
  #named = 0
  #unplaced = 0

  constructor(request: OutputRequest) {
    this.#request = request
  }

  /** How many files to put in place at the same time. */
  get atOnce(): number {
    return this.#request.files.commitsAtOnce ?? AT_ONCE
  }

  /** A new data file of a partition (its path; '' when unpartitioned), to be written by the caller. */
  async create(partitionPath: string): Promise<OutputFile> {
    const { files, signal } = this.#request
    return this.#own(await files.output(this.#newLocation(partitionPath), { signal }))
  }

  /** A new data file of a partition, whose bytes are at hand. */
  async write(partitionPath: string, bytes: Uint8Array): Promise<OutputFile> {
    const file = await this.create(partitionPath)
    writeNew(file.localPath, bytes)
    return file
  }

  /** A data file that turned out to hold nothing: removed, and never put in place. */
  async drop(file: OutputFile): Promise<void> {
    const at = this.#files.indexOf(file)
    if (at !== -1) this.#files.splice(at, 1)
    await file.discard()
  }

  /** Makes a finished file in a private folder of this write a new data file of a partition. */
  async adopt(partitionPath: string, path: string): Promise<OutputFile> {
    const { files, signal } = this.#request
    const location = this.#newLocation(partitionPath)
    if (files.adopt !== undefined) return this.#own(await files.adopt(path, location, { signal }))
    const file = this.#own(await files.output(location, { signal }))
    await move(path, file.localPath)
    return file
  }

  #newLocation(partitionPath: string): string {
    const name = `${String(this.#named).padStart(5, '0')}-${this.#request.operationId}.parquet`
    this.#named += 1
    return this.#request.locate(partitionPath, name)
  }

  #own(file: OutputFile): OutputFile {
    this.#files.push(file)
    return file
  }

  /** A private folder for files that are read again and then gone, removed with `close`. */
  scratch(): Promise<string> {
    return this.#scratch(undefined)
  }

  /** A new path for a file, or a folder of files, to adopt: in a private folder, removed with `close`. */
  async unplaced(): Promise<string> {
    this.#nursery ??= this.#scratch(this.#request.dataFolder)
    const name = String(this.#unplaced)
    this.#unplaced += 1
    return join(await this.#nursery, name)
  }

  async #scratch(beside: string | undefined): Promise<string> {
    const scratch = await this.#request.files.scratch({ beside })
    this.#scratches.push(scratch)
    return scratch.path
  }

  /** Puts every file under its location; the first failure leaves the rest where it is. */
  async commit(): Promise<void> {
    const { signal } = this.#request
    await inParallel(this.#files, this.atOnce, (file) => {
      throwIfAborted(signal)
      return file.commit()
    })
  }

  /** Removes every file, in place or not. The first failure is thrown after all were tried. */
  async discard(): Promise<void> {
    throwFirst(await Promise.allSettled(this.#files.map((file) => file.discard())))
  }

  /** Removes the scratch folders. */
  async close(): Promise<void> {
    throwFirst(await Promise.allSettled(this.#scratches.map((scratch) => scratch.remove())))
  }
}

function throwFirst(ends: readonly PromiseSettledResult<void>[]): void {
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/** In place: handing few bytes to the system takes less time than a turn of the thread pool. */
function writeNew(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes, { flag: 'wx' })
  } catch (error) {
    throw systemError(error)
  }
}

/** A scratch folder may be on another disk than the output, where nothing can be moved to. */
async function move(from: string, to: string): Promise<void> {
  try {
    renameSync(from, to)
  } catch (error) {
    if (codeOf(error) !== 'EXDEV') throw systemError(error)
    try {
      await copyFile(from, to)
    } catch (failure) {
      throw systemError(failure)
    }
    await rm(from)
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** What the operating system answers, without its own text: paths in it hold partition values. */
function systemError(error: unknown): Error {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new StorageQuotaError('could not write data files: the disk is full', {
        hint: 'Free some space, or point the warehouse at a larger disk.',
      })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StorageDeniedError('could not write data files: the file system denies access')
    default:
      return new StorageUnavailableError('could not write data files')
  }
}
