/** Which schemas a table has had, what each changed, and when. */
import { CorruptFileError, MissingFileError, ObjectNotFoundError } from '../errors.ts'
import { diffSchemas, type SchemaDifference } from '../format/evolution/schema-diff.ts'
import { parseTableMetadata } from '../format/metadata/parse.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { knownSchemas } from '../format/metadata/update-schemas.ts'
import type { Schema } from '../format/schema.ts'
import { AllowedRoots } from './table-locations.ts'
import type { TableState } from './table-state.ts'

/** One schema that a table has, or had. */
export interface SchemaVersion {
  readonly schemaId: number
  readonly schema: Schema
  readonly isCurrent: boolean
  /** Against the schema before it; empty for the first. */
  readonly changes: readonly SchemaDifference[]
  /** Oldest and newest of the kept snapshots that were written with it; null when there is none. */
  readonly firstSnapshotId: bigint | null
  readonly lastSnapshotId: bigint | null
  /** When it was added, ms since 1970; null when the kept metadata files no longer tell. */
  readonly addedAtMs: number | null
}

/** Oldest first. Schemas stay when snapshots expire; a type of a later version leaves its schema out. */
export async function schemaHistory(state: TableState): Promise<readonly SchemaVersion[]> {
  const { metadata } = state
  const schemas = knownSchemas(metadata).toSorted((a, b) => a.schemaId - b.schemaId)
  const times = new SchemaTimes(state)
  const versions: SchemaVersion[] = []
  for (const [i, schema] of schemas.entries()) {
    const before = schemas[i - 1]
    versions.push({
      schemaId: schema.schemaId,
      schema,
      isCurrent: schema.schemaId === metadata['current-schema-id'],
      changes: before === undefined ? [] : diffSchemas(before, schema),
      ...snapshotsOf(metadata, schema.schemaId),
      addedAtMs: await times.addedAt(schema.schemaId),
    })
  }
  return versions
}

function snapshotsOf(
  { snapshots }: TableMetadata,
  schemaId: number,
): Pick<SchemaVersion, 'firstSnapshotId' | 'lastSnapshotId'> {
  const written = snapshots
    .filter((snapshot) => snapshot['schema-id'] === schemaId)
    .toSorted((a, b) => a['timestamp-ms'] - b['timestamp-ms'])
  return {
    firstSnapshotId: written[0]?.['snapshot-id'] ?? null,
    lastSnapshotId: written.at(-1)?.['snapshot-id'] ?? null,
  }
}

/** Earlier metadata files, read only as far as the search needs them, and each once. */
class SchemaTimes {
  readonly #state: TableState
  readonly #roots: AllowedRoots
  readonly #files: readonly { readonly location: string; readonly timestampMs: number }[]
  readonly #read = new Map<number, Promise<TableMetadata | null>>()

  constructor(state: TableState) {
    this.#state = state
    this.#roots = new AllowedRoots(state.metadata, state.runtime.extraRoots)
    this.#files = state.metadata['metadata-log'].map((entry) => ({
      location: entry['metadata-file'],
      timestampMs: entry['timestamp-ms'],
    }))
  }

  /** Schemas are never removed and then added again, so the first file that has one is found by halving. */
  async addedAt(schemaId: number): Promise<number | null> {
    let low = 0
    let high = this.#files.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (hasSchema(await this.#metadata(middle), schemaId)) high = middle
      else low = middle + 1
    }
    if (!(await this.#isFirst(low))) return null
    return this.#files[low]?.timestampMs ?? this.#state.metadata['last-updated-ms']
  }

  /** Whether it is certain that the file before lacks the schema, or that there was none. */
  async #isFirst(index: number): Promise<boolean> {
    if (index > 0) return (await this.#metadata(index - 1)) !== null
    const first = await this.#metadata(0)
    return first !== null && first['metadata-log'].length === 0
  }

  #metadata(index: number): Promise<TableMetadata | null> {
    const file = this.#files[index]
    if (file === undefined) return Promise.resolve(this.#state.metadata)
    let read = this.#read.get(index)
    if (read === undefined) this.#read.set(index, (read = this.#readFile(file.location)))
    return read
  }

  /** null when the file is gone, damaged, or not ours to read: history is what is still known. */
  async #readFile(location: string): Promise<TableMetadata | null> {
    if (!this.#roots.allows(location)) return null
    const { runtime, storage } = this.#state
    try {
      const stored = await storage.store.get(location)
      const isGzip = stored[0] === 0x1f && stored[1] === 0x8b
      const bytes = isGzip
        ? runtime.codecs.gunzip(stored, { maxBytes: MAX_METADATA_BYTES, file: location })
        : stored
      return parseTableMetadata(bytes, location)
    } catch (error) {
      // Old metadata files may be cleaned up at any time; the table does not need them.
      if (error instanceof ObjectNotFoundError || error instanceof MissingFileError) return null
      if (error instanceof CorruptFileError) return null
      throw error
    }
  }
}

const MAX_METADATA_BYTES = 1024 * 1024 * 1024

function hasSchema(metadata: TableMetadata | null, schemaId: number): boolean {
  return metadata?.schemas.some((schema) => schema['schema-id'] === schemaId) ?? false
}
