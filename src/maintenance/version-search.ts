/** Looks for versions of a table whose current metadata cannot be read. */
import type { MetadataPointers, TableIdentifier } from '../catalog/catalog.ts'
import {
  CommitRejectedError,
  CorruptFileError,
  MissingFileError,
  UnsupportedFeatureError,
} from '../errors.ts'
import { currentSnapshot } from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { CallOptions, ObjectInfo } from '../storage/object-store.ts'
import { identifierToString } from '../table/identifier.ts'
import type { Runtime } from '../table/runtime.ts'
import type { TableVersion } from './repair-plan.ts'

/** Of files that are merely there, so many of the newest are looked into. */
const LISTED_VERSIONS = 20

export type Problem = Exclude<NonNullable<TableVersion['problem']>, 'of another table'>

/** The metadata, or why it cannot be had. */
export async function readVersion(
  pointers: MetadataPointers,
  id: TableIdentifier,
  location: string,
  { signal }: CallOptions,
): Promise<TableMetadata | Problem> {
  try {
    return await pointers.read(id, location, { signal })
  } catch (error) {
    if (error instanceof MissingFileError) return 'missing'
    if (error instanceof CorruptFileError) return 'corrupt'
    if (error instanceof UnsupportedFeatureError) return 'unsupported'
    throw error
  }
}

export function anotherTable(id: TableIdentifier, file: string): CommitRejectedError {
  return new CommitRejectedError('The metadata file is of another table', {
    table: identifierToString(id),
    file,
    hint: 'Choose a version of this table.',
  })
}

/** A version that can be read. */
export interface FoundVersion {
  readonly version: TableVersion
  readonly metadata: TableMetadata
}

/** Collects versions: first those that the catalog pointed to, then those that are merely there. */
export class VersionSearch {
  readonly #runtime: Runtime
  readonly #id: TableIdentifier
  readonly #pointers: MetadataPointers
  readonly #options: CallOptions
  readonly #versions = new Map<string, TableVersion>()
  /** The newest version that was certainly committed and can be read. */
  #newest: FoundVersion | null = null

  constructor(runtime: Runtime, id: TableIdentifier, pointers: MetadataPointers, options: CallOptions) {
    this.#runtime = runtime
    this.#id = id
    this.#pointers = pointers
    this.#options = options
  }

  /** The catalog's previous pointer, and the versions before it, by its log. */
  async follow(previous: string | null): Promise<void> {
    if (previous === null) return
    const read = await this.#read(previous)
    this.#add(previous, 'previous-pointer', read)
    if (typeof read === 'string') return
    this.#newest = { version: describe(previous, 'previous-pointer', read), metadata: read }
    for (const entry of read['metadata-log'].toReversed()) {
      const updatedAt = new Date(entry['timestamp-ms']).toISOString()
      this.#put({ ...unread(entry['metadata-file'], 'metadata-log'), updatedAt })
    }
  }

  /** Metadata files beside the broken one. */
  async list(broken: string): Promise<void> {
    const folder = broken.slice(0, broken.lastIndexOf('/') + 1)
    const { store } = await this.#runtime.openStorage({
      identifier: this.#id,
      location: folder,
      config: {},
      credentials: [],
    })
    const files: ObjectInfo[] = []
    for await (const info of store.list(folder, { signal: this.#options.signal })) {
      if (isMetadataName(info.location)) files.push(info)
    }
    files.sort((a, b) => b.lastModified.getTime() - a.lastModified.getTime())
    for (const { location } of files.slice(0, LISTED_VERSIONS)) {
      if (location === broken || this.#versions.has(location)) continue
      this.#add(location, 'listing', await this.#read(location))
    }
  }

  /** The version that was asked for, or else the newest that is certain; null when there is none. */
  async choose(location: string | undefined): Promise<FoundVersion | null> {
    if (location === undefined) return this.#newest
    const read = await this.#read(location)
    if (read === 'missing') throw new MissingFileError('There is no such metadata file', this.#at(location))
    if (typeof read === 'string')
      throw new CorruptFileError('The metadata file cannot be read', this.#at(location))
    if (this.#isOfAnother(read)) throw anotherTable(this.#id, location)
    const known = this.#versions.get(location)
    const version = describe(location, known?.source ?? 'given', read)
    this.#versions.set(location, version)
    return { version, metadata: read }
  }

  /** The newest first, as far as their times are known. */
  versions(broken: string): TableVersion[] {
    return [...this.#versions.values()]
      .filter(({ location }) => location !== broken)
      .sort((a, b) => (b.updatedAt ?? '').localeCompare(a.updatedAt ?? ''))
  }

  #read(location: string): Promise<TableMetadata | Problem> {
    return readVersion(this.#pointers, this.#id, location, this.#options)
  }

  #add(location: string, source: TableVersion['source'], read: TableMetadata | Problem): void {
    if (typeof read === 'string') this.#put({ ...unread(location, source), problem: read })
    else if (this.#isOfAnother(read)) this.#put({ ...unread(location, source), problem: 'of another table' })
    else this.#put(describe(location, source, read))
  }

  #put(version: TableVersion): void {
    if (!this.#versions.has(version.location)) this.#versions.set(version.location, version)
  }

  #isOfAnother(metadata: TableMetadata): boolean {
    return this.#newest !== null && this.#newest.metadata['table-uuid'] !== metadata['table-uuid']
  }

  #at(file: string): { readonly table: string; readonly file: string; readonly hint: string } {
    return { table: identifierToString(this.#id), file, hint: 'planRepair without it shows what there is.' }
  }
}

function unread(location: string, source: TableVersion['source']): TableVersion {
  return {
    location,
    source,
    standing: source === 'listing' || source === 'given' ? 'uncommitted or unknown' : 'committed',
    problem: null,
    updatedAt: null,
    snapshotId: null,
    totalRecords: null,
  }
}

function describe(location: string, source: TableVersion['source'], metadata: TableMetadata): TableVersion {
  return {
    ...unread(location, source),
    updatedAt: new Date(metadata['last-updated-ms']).toISOString(),
    snapshotId: metadata['current-snapshot-id']?.toString() ?? null,
    totalRecords: currentSnapshot(metadata)?.summary?.['total-records'] ?? null,
  }
}

function isMetadataName(location: string): boolean {
  return /\.metadata\.json(\.gz)?$/.test(location)
}
