/** Metadata files of a catalog's tables, through each table's own store, with the last few kept parsed. */
import type { MetadataLogEntry } from '../format/snapshot.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { CallOptions, ObjectStore, StorageCredential } from '../storage/object-store.ts'
import type { Properties, TableIdentifier } from './catalog.ts'
import { MetadataCache } from './metadata-cache.ts'
import {
  deletableMetadataFiles,
  expectMetadataFile,
  readMetadataFile,
  writeMetadataFile,
  type MetadataWriteOptions,
} from './metadata-files.ts'

import { tableText } from './names.ts'

/** The store that reaches a location. Asked for before each use, so that it may be cached or renewed. */
export type ObjectStoreProvider = (request: {
  readonly identifier?: TableIdentifier
  readonly location: string
  readonly config: Properties
  readonly credentials: readonly StorageCredential[]
}) => ObjectStore | Promise<ObjectStore>

export class TableFiles {
  readonly #getObjectStore: ObjectStoreProvider
  readonly #cache: MetadataCache

  constructor(getObjectStore: ObjectStoreProvider, cache: MetadataCache = new MetadataCache()) {
    this.#getObjectStore = getObjectStore
    this.#cache = cache
  }

  /** For the base of a commit: what this process has seen of the file is as good as the file. */
  async readCached(id: TableIdentifier, location: string, options: CallOptions): Promise<TableMetadata> {
    return this.#cache.get(location)?.metadata ?? this.#read(id, location, options)
  }

  /** For a caller who loads a table: also says when the file is gone or was tampered with since. */
  async read(id: TableIdentifier, location: string, options: CallOptions): Promise<TableMetadata> {
    const cached = this.#cache.get(location)
    if (cached === undefined) return this.#read(id, location, options)
    const store = await this.#store(id, location)
    const { etag, size } = await expectMetadataFile(location, tableText(id), () =>
      store.head(location, options),
    )
    if (size !== cached.size || (cached.etag ?? etag) !== etag) return this.#read(id, location, options)
    if (cached.etag === null) this.#cache.set(location, { ...cached, etag })
    return cached.metadata
  }

  async #read(id: TableIdentifier, location: string, options: CallOptions): Promise<TableMetadata> {
    // A file that cannot be read (any more) must not be answered from memory later.
    this.#cache.delete(location)
    const store = await this.#store(id, location)
    const { metadata, size } = await readMetadataFile(store, location, { ...options, table: tableText(id) })
    this.#cache.set(location, { metadata, size, etag: null })
    return metadata
  }

  /** Durable on return. When it fails, what may be there of the file is removed again. */
  async write(
    id: TableIdentifier,
    location: string,
    metadata: TableMetadata,
    options: MetadataWriteOptions,
  ): Promise<void> {
    const store = await this.#store(id, location)
    try {
      const { size, etag } = await writeMetadataFile(store, location, metadata, options)
      this.#cache.set(location, { metadata, size, etag })
    } catch (error) {
      await this.discard(id, location)
      throw error
    }
  }

  /** Removes a file that this process wrote and that no pointer will ever name. */
  async discard(id: TableIdentifier, location: string): Promise<void> {
    this.#cache.delete(location)
    await this.#removeQuietly(id, [location])
  }

  /** After a definite commit: what fell out of the metadata log, as the table's properties say. */
  async removeEvicted(
    id: TableIdentifier,
    current: string,
    metadata: TableMetadata,
    evicted: readonly MetadataLogEntry[],
  ): Promise<void> {
    await this.#removeQuietly(id, deletableMetadataFiles(metadata, current, evicted))
  }

  async #removeQuietly(id: TableIdentifier, locations: readonly string[]): Promise<void> {
    const [first] = locations
    if (first === undefined) return
    try {
      await (await this.#store(id, first)).delete(locations)
    } catch {
      // A metadata file too many harms nobody; the outcome that led here is what the caller must hear.
    }
  }

  async #store(identifier: TableIdentifier, location: string): Promise<ObjectStore> {
    return this.#getObjectStore({ identifier, location, config: {}, credentials: [] })
  }
}
