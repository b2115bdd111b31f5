/** Writes what replaces rows: rewritten data files, position deletes, new rows; and takes it all back. */
import type {
  DataPlane,
  FileScanTask,
  Progress,
  ReadRequest,
  RowSource,
  WriteRequest,
} from '../../engine/data-plane.ts'
import type { FileMatch, MatchRequest, ScannedRows, SelectedRows } from '../../engine/row-changes.ts'
import type { BoundExpression } from '../../format/expressions/expression.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import { metricsConfig } from '../../format/metrics-config.ts'
import { currentSchema, defaultSortOrder, defaultSpec, specById } from '../../format/metadata/views.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { PositionSet } from '../../format/position-set.ts'
import { intProperty } from '../../format/properties.ts'
import type { Datum } from '../../format/types.ts'
import { nameMappingOf } from '../default-name-mapping.ts'
import { parquetWriteOptions } from '../parquet-options.ts'
import type { Runtime, TableStorage } from '../runtime.ts'
import { dataFileLocator, dataLocation } from '../table-locations.ts'
import type { FileDecision } from './file-action.ts'

export interface RowWriterOptions {
  readonly runtime: Runtime
  readonly storage: TableStorage
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** How a write differs from an ordinary one. */
export type WriteLayout = Partial<
  Pick<WriteRequest, 'spec' | 'sortOrder' | 'zOrder' | 'targetFileSizeBytes' | 'locate' | 'onPlacing'>
>

/** A match and what was decided for its file. */
export interface DecidedMatch {
  readonly match: FileMatch
  readonly decision: FileDecision
}

/** Collects the files of one computation, so that they can be removed together. */
export class RowWriter {
  readonly #options: RowWriterOptions
  #written: ContentFile[] = []

  constructor(options: RowWriterOptions) {
    this.#options = options
  }

  plane(): Promise<DataPlane> {
    return this.#options.runtime.dataPlane()
  }

  /** New rows, by the table's current schema, and by its spec, order and sizes unless said otherwise. */
  async writeRows(
    base: TableMetadata,
    source: RowSource | ScannedRows | SelectedRows,
    filter?: BoundExpression,
    layout: WriteLayout = {},
  ): Promise<readonly ContentFile[]> {
    const { runtime, storage, signal, onProgress } = this.#options
    const schema = currentSchema(base)
    const plane = await this.plane()
    const { files } = await plane.write({
      source,
      filter,
      schema,
      spec: defaultSpec(base),
      sortOrder: defaultSortOrder(base),
      targetFileSizeBytes: intProperty(base.properties, 'write.target-file-size-bytes'),
      parquet: parquetWriteOptions(base.properties),
      metrics: metricsConfig(schema, defaultSortOrder(base), base.properties),
      operationId: runtime.random.uuid(),
      locate: dataFileLocator(base.location, base.properties),
      dataFolder: dataLocation(base.location, base.properties),
      files: storage.files,
      signal,
      onProgress,
      ...layout,
    })
    this.#written.push(...files)
    return files
  }

  /** The rows that stay of files that are to be rewritten. */
  async rewrite(base: TableMetadata, decided: readonly DecidedMatch[]): Promise<readonly ContentFile[]> {
    const matches = decided.filter(({ decision }) => decision.action === 'rewrite').map(({ match }) => match)
    if (matches.length === 0) return []
    return this.writeRows(base, this.scannedRows(base, matches, 'except'))
  }

  /** All rows of files that their deletes leave. */
  liveRows(base: TableMetadata, tasks: readonly FileScanTask[]): ScannedRows {
    return { kind: 'scan', read: this.#read(base, tasks), rows: { take: 'except', positions: new Map() } }
  }

  /** Rows of matched files: those that match, or all others. */
  scannedRows(
    base: TableMetadata,
    matches: readonly FileMatch[],
    take: 'except' | 'only',
    assign?: ReadonlyMap<number, Datum | null>,
  ): ScannedRows {
    const positions = new Map<string, PositionSet>()
    for (const { task, positions: hit } of matches) positions.set(task.entry.file.location, hit)
    return {
      kind: 'scan',
      read: this.#read(
        base,
        matches.map(({ task }) => task),
      ),
      rows: { take, positions },
      ...(assign === undefined ? {} : { assign }),
    }
  }

  #read(base: TableMetadata, tasks: readonly FileScanTask[]): ReadRequest {
    return {
      tasks,
      projection: currentSchema(base),
      tableSchema: currentSchema(base),
      nameMapping: nameMappingOf(base),
      files: this.#options.storage.files,
      signal: this.#options.signal,
    }
  }

  /** Position delete files for the files that are to keep their dead rows. */
  async writeDeletes(base: TableMetadata, decided: readonly DecidedMatch[]): Promise<readonly ContentFile[]> {
    const matches = decided.filter(({ decision }) => decision.action === 'delete').map(({ match }) => match)
    return this.writePositions(base, matches)
  }

  /** Position delete files for rows of data files. */
  async writePositions(base: TableMetadata, matches: readonly FileMatch[]): Promise<readonly ContentFile[]> {
    const { runtime, storage, signal } = this.#options
    const written: ContentFile[] = []
    // Delete entries belong to the spec of the data files they are about, each to its own.
    for (const [specId, deletes] of Map.groupBy(matches, ({ task }) => task.spec.specId)) {
      const plane = await this.plane()
      const files = await plane.writePositionDeletes({
        deletes,
        spec: specById(base, specId),
        granularity: base.properties['write.delete.granularity'] === 'partition' ? 'partition' : 'file',
        parquet: parquetWriteOptions(base.properties),
        operationId: runtime.random.uuid(),
        locate: dataFileLocator(base.location, base.properties),
        schema: currentSchema(base),
        files: storage.files,
        signal,
      })
      this.#written.push(...files)
      written.push(...files)
    }
    return written
  }

  /** What matches of tasks, by each task's residual. */
  async match(base: TableMetadata, tasks: readonly FileScanTask[]): Promise<readonly FileMatch[]> {
    if (tasks.length === 0) return []
    const plane = await this.plane()
    return plane.match(this.matchRequest(base, tasks))
  }

  matchRequest(base: TableMetadata, tasks: readonly FileScanTask[]): MatchRequest {
    return {
      tasks,
      tableSchema: currentSchema(base),
      nameMapping: nameMappingOf(base),
      files: this.#options.storage.files,
      signal: this.#options.signal,
    }
  }

  /** Locations of what was written and not discarded. */
  written(): readonly string[] {
    return this.#written.map((file) => file.location)
  }

  /** Removes everything that was written. */
  async discard(): Promise<void> {
    const locations = this.written()
    this.#written = []
    if (locations.length > 0) await this.#options.storage.store.delete(locations)
  }
}
