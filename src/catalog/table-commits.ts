/**
 * How a table comes to be and changes in a catalog of pointers: write the new metadata file, then
 * move the pointer, then clean up. The order is what makes it safe: the file must be durable before
 * anybody can be led to it, and nothing is removed before the outcome is certain.
 */
import { throwIfAborted } from '../abort.ts'
import {
  CatalogUnavailableError,
  CommitConflictError,
  CommitRejectedError,
  CommitStateUnknownError,
} from '../errors.ts'
import { hasStatedIds } from '../format/metadata/added-ids.ts'
import { withMetadataLog } from '../format/metadata/metadata-log.ts'
import { checkRequirements } from '../format/metadata/requirements.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { applyUpdates } from '../format/metadata/updates.ts'
import { intProperty } from '../format/properties.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'
import type { CallOptions } from '../storage/object-store.ts'
import type { LoadedTable, TableCommit, TableIdentifier } from './catalog.ts'
import { refuseDroppedMain } from './keep-main.ts'
import { nextMetadataLocation, type MetadataWriteOptions } from './metadata-files.ts'
import { noSuchNamespace, noSuchTable, tableExists, tableText } from './names.ts'
import type { PointerStore, TablePointer } from './pointers.ts'
import type { TableFiles } from './table-files.ts'

/** Time and chance, injected. */
export interface Ambience {
  /** Milliseconds since 1970. */
  now(): number
  uuid(): string
}

export class TableCommits {
  readonly #pointers: PointerStore
  readonly #files: TableFiles
  readonly #ambience: Ambience

  constructor(pointers: PointerStore, files: TableFiles, ambience: Ambience) {
    this.#pointers = pointers
    this.#files = files
    this.#ambience = ambience
  }

  /** Writes a table's first metadata file and its pointer. */
  async create(
    id: TableIdentifier,
    metadata: TableMetadata,
    options: MetadataWriteOptions,
  ): Promise<LoadedTable> {
    const location = nextMetadataLocation(metadata, null, this.#ambience.uuid())
    await this.#files.write(id, location, metadata, options)
    try {
      throwIfAborted(options.signal)
      await this.#insert(id, location)
    } catch (error) {
      if (!(error instanceof CommitStateUnknownError)) await this.#files.discard(id, location)
      throw error
    }
    return loaded(metadata, location)
  }

  /** Points a new entry to an existing metadata file. */
  async register(
    id: TableIdentifier,
    metadata: TableMetadata,
    location: string,
    options: CallOptions,
  ): Promise<LoadedTable> {
    throwIfAborted(options.signal)
    await this.#insert(id, location)
    return loaded(metadata, location)
  }

  /** No signal from here on: what was sent cannot be taken back. */
  async #insert(id: TableIdentifier, location: string): Promise<void> {
    const outcome = await this.#insertOutcome(id, location)
    if (outcome === 'no-namespace') throw noSuchNamespace(id.namespace)
    if (outcome === 'exists') throw tableExists(id)
  }

  async #insertOutcome(
    id: TableIdentifier,
    location: string,
  ): Promise<'inserted' | 'exists' | 'no-namespace'> {
    try {
      return await this.#pointers.insert(id, location)
    } catch (error) {
      if (!(error instanceof CommitStateUnknownError)) throw error
      const outcome = await this.#settle(id, null, location, error)
      if (outcome === 'committed') return 'inserted'
      if (outcome === 'not committed') return 'exists'
      throw new CatalogUnavailableError('The catalog failed, and did not create the table', {
        table: tableText(id),
        cause: error,
      })
    }
  }

  /** Applies a commit to the table that the pointer names now. */
  async commit(
    id: TableIdentifier,
    pointer: TablePointer,
    commit: TableCommit,
    options: MetadataWriteOptions,
  ): Promise<LoadedTable> {
    const current = pointer.metadataLocation
    const base = await this.#files.readCached(id, current, options)
    const failed = checkRequirements(base, commit.requirements)
    if (failed !== null) throw conflict(id, failed)
    if (isNumberTaken(base, commit.updates)) throw conflict(id, 'another commit took the sequence number')
    const changed = withUpdates(id, base, commit.updates, this.#ambience.now())
    if (!hasStatedIds(changed, commit.updates))
      throw conflict(id, 'another commit took the ids of what is added')
    if (changed === base) {
      await options.after
      return loaded(base, current)
    }
    const maxEntries = Math.max(1, intProperty(changed.properties, 'write.metadata.previous-versions-max'))
    const { metadata, evicted } = withMetadataLog(changed, current, base['last-updated-ms'], maxEntries)
    const next = nextMetadataLocation(metadata, current, this.#ambience.uuid())
    await this.#files.write(id, next, metadata, options)
    await this.#swapOrDiscard(id, current, next, options)
    await this.#files.removeEvicted(id, next, metadata, evicted)
    return loaded(metadata, next)
  }

  /** Points an entry to a metadata file that is there, if it names `expected` still. */
  async repoint(
    id: TableIdentifier,
    { expected, target }: { readonly expected: string; readonly target: string },
    options: CallOptions,
  ): Promise<LoadedTable> {
    const metadata = await this.#files.read(id, target, options)
    throwIfAborted(options.signal)
    await this.#repointOutcome(id, expected, target)
    return loaded(metadata, target)
  }

  /** Unlike a commit's, this file may have been current before: only where the pointer is now tells. */
  async #repointOutcome(id: TableIdentifier, expected: string, target: string): Promise<void> {
    let cause: CommitStateUnknownError | null = null
    try {
      if (await this.#pointers.swap(id, expected, target)) return
    } catch (error) {
      if (!(error instanceof CommitStateUnknownError)) throw error
      cause = error
    }
    const now = await this.#lookAfter(id, target, cause)
    if (now?.metadataLocation === target) return
    if (cause === null) throw now === null ? noSuchTable(id) : conflict(id, 'another commit came first')
    if (now?.metadataLocation !== expected) throw unknown(id, target, cause)
    throw new CatalogUnavailableError('The catalog failed, and did not move the table', {
      table: tableText(id),
      cause,
    })
  }

  async #lookAfter(
    id: TableIdentifier,
    target: string,
    cause: CommitStateUnknownError | null,
  ): Promise<TablePointer | null> {
    try {
      return await this.#pointers.find(id)
    } catch (error) {
      // The look failed too, so nobody knows.
      throw cause === null ? error : unknown(id, target, cause)
    }
  }

  async #swapOrDiscard(
    id: TableIdentifier,
    current: string,
    next: string,
    options: CallOptions,
  ): Promise<void> {
    try {
      throwIfAborted(options.signal)
      await this.#swap(id, current, next)
    } catch (error) {
      if (!(error instanceof CommitStateUnknownError)) await this.#files.discard(id, next)
      throw error
    }
  }

  async #swap(id: TableIdentifier, current: string, next: string): Promise<void> {
    if (await this.#swapOutcome(id, current, next)) return
    // Nothing matched. Only a second look tells whether somebody else moved the pointer, or an
    // earlier send of ours did.
    const now = await this.#pointers.find(id)
    if (now === null) throw noSuchTable(id)
    if (now.metadataLocation === next || now.previousLocation === next) return
    throw conflict(id, 'another commit came first')
  }

  async #swapOutcome(id: TableIdentifier, current: string, next: string): Promise<boolean> {
    try {
      return await this.#pointers.swap(id, current, next)
    } catch (error) {
      if (!(error instanceof CommitStateUnknownError)) throw error
      const outcome = await this.#settle(id, current, next, error)
      // Dropped or renamed in between, perhaps after our change: nothing left to decide it by.
      if (outcome === 'no table') throw unknown(id, next, error)
      return outcome === 'committed'
    }
  }

  /**
   * Decides an uncertain change by looking whose file the table has, or has had. `before`: the file
   * that ours was to follow; null for a first one.
   */
  async #settle(
    id: TableIdentifier,
    before: string | null,
    ours: string,
    error: CommitStateUnknownError,
  ): Promise<'committed' | 'not committed' | 'no table'> {
    try {
      const pointer = await this.#pointers.find(id)
      if (pointer === null) return 'no table'
      if (pointer.metadataLocation === ours || pointer.previousLocation === ours) return 'committed'
      if (pointer.metadataLocation === before) return 'not committed'
      const metadata = await this.#files.readCached(id, pointer.metadataLocation, {})
      const log = new Set(metadata['metadata-log'].map((entry) => entry['metadata-file']))
      if (log.has(ours)) return 'committed'
      // A log that has been cut since then tells nothing: ours may be among what it has lost.
      if (before === null || log.has(before)) return 'not committed'
    } catch {
      // The look failed too, so nobody knows.
    }
    throw unknown(id, ours, error)
  }
}

export function loaded(metadata: TableMetadata, metadataLocation: string | null): LoadedTable {
  return { metadata, metadataLocation, snapshotsComplete: true, config: {} }
}

/**
 * A commit to another branch lets every requirement hold and yet takes the number that this one was
 * made with: on fresh metadata it gets the next, so that this is no reason to refuse it for good.
 */
function isNumberTaken(base: TableMetadata, updates: readonly TableUpdate[]): boolean {
  if (base['format-version'] === 1) return false
  return updates.some((update) => {
    if (update.action !== 'add-snapshot') return false
    const { 'sequence-number': number, 'parent-snapshot-id': parent } = update.snapshot
    return number !== undefined && parent !== undefined && number <= base['last-sequence-number']
  })
}

/** CommitRejectedError naming the table. */
function withUpdates(
  id: TableIdentifier,
  base: TableMetadata,
  updates: readonly TableUpdate[],
  nowMs: number,
): TableMetadata {
  try {
    const changed = applyUpdates(base, updates, { nowMs })
    refuseDroppedMain(base, changed, updates)
    return changed
  } catch (error) {
    if (!(error instanceof CommitRejectedError)) throw error
    throw new CommitRejectedError(error.message, { table: tableText(id), hint: error.hint, cause: error })
  }
}

function conflict(id: TableIdentifier, why: string): CommitConflictError {
  return new CommitConflictError(`The table has changed: ${why}`, {
    table: tableText(id),
    hint: 'Load the table again and repeat the change on what it holds now.',
  })
}

function unknown(id: TableIdentifier, ours: string, cause: CommitStateUnknownError): CommitStateUnknownError {
  return new CommitStateUnknownError('It is not known whether the catalog took the change', {
    table: tableText(id),
    keptFiles: [ours],
    hint: 'Load the table and look whether the change is there before trying again.',
    cause,
  })
}
