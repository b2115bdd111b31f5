/** A table's metadata as rows, with the column names of Iceberg's metadata tables. */
import type { ContentFile, ManifestEntry } from '../format/manifest/entry.ts'
import type { ManifestFile } from '../format/manifest/list.ts'
import { ancestorsOf, currentSchema, specsById } from '../format/metadata/views.ts'
import { partitionType } from '../format/partition-spec.ts'
import { fieldName, findField } from '../format/schema.ts'
import { isPrimitive } from '../format/types.ts'
import { decodeBound } from '../format/values/bounds.ts'
import { datumToValue, type Value } from '../format/values/value.ts'
import { mapConcurrently } from './concurrency.ts'
import { entriesOf, manifestsOf, type ManifestContext } from './manifest-reader.ts'
import { partitionKey } from './partition-key.ts'
import { AllowedRoots } from './table-locations.ts'
import { runOn } from './table-operation.ts'
import type { TableState } from './table-state.ts'
import { resolveReadPoint, type TimeTravel } from './time-travel.ts'

/** A snapshot that the metadata keeps. Times are milliseconds since 1970. */
export interface SnapshotRow {
  readonly committed_at: number
  readonly snapshot_id: bigint
  /** null for a first snapshot. */
  readonly parent_id: bigint | null
  /** null where an old writer left the summary out. */
  readonly operation: string | null
  readonly manifest_list: string | null
  readonly summary: Readonly<Record<string, string>>
}

/** An entry of the log of what was current when. */
export interface HistoryRow {
  readonly made_current_at: number
  readonly snapshot_id: bigint
  readonly parent_id: bigint | null
  /** False for what was rolled back. */
  readonly is_current_ancestor: boolean
}

/** A branch or tag. */
export interface RefRow {
  readonly name: string
  readonly type: 'branch' | 'tag'
  readonly snapshot_id: bigint
  readonly max_reference_age_in_ms: bigint | null
  readonly min_snapshots_to_keep: number | null
  readonly max_snapshot_age_in_ms: bigint | null
}

/** A manifest of the snapshot that is looked at. */
export interface ManifestRow {
  readonly content: 'data' | 'deletes'
  readonly path: string
  /** Bytes. */
  readonly length: number
  readonly partition_spec_id: number
  readonly added_snapshot_id: bigint
  readonly added_files_count: number | null
  readonly existing_files_count: number | null
  readonly deleted_files_count: number | null
}

/** What is known of one column of a data file. Bounds are values of the column’s type. */
export interface ColumnMetrics {
  readonly column_size: number | null
  readonly value_count: number | null
  readonly null_value_count: number | null
  readonly nan_value_count: number | null
  readonly lower_bound: Value
  readonly upper_bound: Value
}

/** A live data or delete file. */
export interface FileRow {
  readonly content: ContentFile['content']
  readonly file_path: string
  readonly file_format: ContentFile['format']
  readonly spec_id: number
  /** Partition values by field name. */
  readonly partition: Readonly<Record<string, Value>>
  readonly record_count: number
  readonly file_size_in_bytes: number
  readonly sort_order_id: number | null
  readonly split_offsets: readonly number[] | null
  readonly equality_ids: readonly number[] | null
  readonly snapshot_id: bigint | null
  readonly sequence_number: number | null
  /** By full column name of the current schema. */
  readonly readable_metrics: Readonly<Record<string, ColumnMetrics>>
}

/** A partition of the snapshot that is looked at, with what its files add up to. */
export interface PartitionRow {
  readonly partition: Readonly<Record<string, Value>>
  readonly spec_id: number
  readonly record_count: number
  readonly file_count: number
  readonly total_data_file_size_in_bytes: number
  readonly delete_file_count: number
}

/** Which snapshot to look at; default: the current one. */
export type InspectOptions = TimeTravel & { readonly signal?: AbortSignal }

/** The metadata views of one state of a table. */
export interface TableInspect {
  /** Every kept snapshot, oldest first. */
  snapshots(): readonly SnapshotRow[]
  /** What was current when, oldest first. */
  history(): readonly HistoryRow[]
  refs(): readonly RefRow[]
  manifests(options?: InspectOptions): Promise<readonly ManifestRow[]>
  /** Live data and delete files. */
  files(options?: InspectOptions): Promise<readonly FileRow[]>
  /** Totals by partition, spec by spec. */
  partitions(options?: InspectOptions): Promise<readonly PartitionRow[]>
}

/** The views of a state. */
export function createInspect(state: TableState): TableInspect {
  return new Inspect(state)
}

class Inspect implements TableInspect {
  readonly #state: TableState

  constructor(state: TableState) {
    this.#state = state
  }

  snapshots(): readonly SnapshotRow[] {
    return this.#state.metadata.snapshots.map((snapshot) => ({
      committed_at: snapshot['timestamp-ms'],
      snapshot_id: snapshot['snapshot-id'],
      parent_id: snapshot['parent-snapshot-id'] ?? null,
      operation: snapshot.summary?.operation ?? null,
      manifest_list: snapshot['manifest-list'] ?? null,
      summary: snapshot.summary ?? {},
    }))
  }

  history(): readonly HistoryRow[] {
    const { metadata } = this.#state
    const parents = new Map(
      metadata.snapshots.map((s) => [s['snapshot-id'], s['parent-snapshot-id'] ?? null]),
    )
    const current = metadata['current-snapshot-id']
    const ancestors = new Set(
      current === null ? [] : ancestorsOf(metadata, current).map((s) => s['snapshot-id']),
    )
    return metadata['snapshot-log'].map((entry) => ({
      made_current_at: entry['timestamp-ms'],
      snapshot_id: entry['snapshot-id'],
      parent_id: parents.get(entry['snapshot-id']) ?? null,
      is_current_ancestor: ancestors.has(entry['snapshot-id']),
    }))
  }

  refs(): readonly RefRow[] {
    return Object.entries(this.#state.metadata.refs).map(([name, ref]) => ({
      name,
      type: ref.type,
      snapshot_id: ref['snapshot-id'],
      max_reference_age_in_ms: ref['max-ref-age-ms'] ?? null,
      min_snapshots_to_keep: ref['min-snapshots-to-keep'] ?? null,
      max_snapshot_age_in_ms: ref['max-snapshot-age-ms'] ?? null,
    }))
  }

  manifests(options: InspectOptions = {}): Promise<readonly ManifestRow[]> {
    return this.#run('inspect_manifests', options, async (_, manifests) => manifests.map(manifestRow))
  }

  files(options: InspectOptions = {}): Promise<readonly FileRow[]> {
    return this.#run('inspect_files', options, async (context, manifests) =>
      (await liveEntries(context, manifests)).map((entry) => this.#fileRow(entry)),
    )
  }

  partitions(options: InspectOptions = {}): Promise<readonly PartitionRow[]> {
    return this.#run('inspect_partitions', options, async (context, manifests) => {
      const entries = await liveEntries(context, manifests)
      const groups = Map.groupBy(entries, ({ file }) => partitionKey(file.specId, file.partition))
      return [...groups.values()].map((group) => this.#partitionRow(group))
    })
  }

  #fileRow(entry: ManifestEntry): FileRow {
    return {
      content: entry.file.content,
      file_path: entry.file.location,
      file_format: entry.file.format,
      spec_id: entry.file.specId,
      partition: this.#partition(entry.file),
      record_count: entry.file.recordCount,
      file_size_in_bytes: entry.file.fileSizeInBytes,
      sort_order_id: entry.file.sortOrderId,
      split_offsets: entry.file.splitOffsets,
      equality_ids: entry.file.equalityIds,
      snapshot_id: entry.snapshotId,
      sequence_number: entry.sequenceNumber,
      readable_metrics: this.#metrics(entry.file),
    }
  }

  #partitionRow(entries: readonly ManifestEntry[]): PartitionRow {
    const files = entries.map((entry) => entry.file)
    const data = files.filter((file) => file.content === 'data')
    const [first] = files
    return {
      partition: first === undefined ? {} : this.#partition(first),
      spec_id: first?.specId ?? 0,
      record_count: data.reduce((rows, file) => rows + file.recordCount, 0),
      file_count: data.length,
      total_data_file_size_in_bytes: data.reduce((bytes, file) => bytes + file.fileSizeInBytes, 0),
      delete_file_count: files.length - data.length,
    }
  }

  /** The whole of a view in one span: reading the list, and what the view makes of it. */
  #run<T>(
    operation: string,
    options: InspectOptions,
    view: (context: ManifestContext, manifests: readonly ManifestFile[]) => Promise<T>,
  ): Promise<T> {
    const { runtime, metadata, storage } = this.#state
    const run = async (): Promise<T> => {
      const { snapshot } = resolveReadPoint(metadata, options)
      const roots = new AllowedRoots(metadata, runtime.extraRoots)
      const context = { runtime, store: storage.store, metadata, roots, signal: options.signal }
      return view(context, snapshot === null ? [] : await manifestsOf(context, snapshot))
    }
    return runOn(this.#state, operation, run, options.signal)
  }

  #partition(file: ContentFile): Readonly<Record<string, Value>> {
    const spec = specsById(this.#state.metadata).get(file.specId)
    if (spec === undefined) return {}
    const fields = partitionType(spec, currentSchema(this.#state.metadata))
    return Object.fromEntries(
      fields.map((field, i) => {
        const value = file.partition[i] ?? null
        return [field.name, value === null ? null : datumToValue(field.type, value)]
      }),
    )
  }

  #metrics(file: ContentFile): Readonly<Record<string, ColumnMetrics>> {
    const schema = currentSchema(this.#state.metadata)
    const ids = new Set(
      [file.columnSizes, file.valueCounts, file.nullValueCounts, file.nanValueCounts].flatMap((m) => [
        ...(m?.keys() ?? []),
      ]),
    )
    const rows = [...ids].flatMap((id) => {
      const name = fieldName(schema, id)
      return name === undefined ? [] : [[name, this.#columnMetrics(file, id)] as const]
    })
    return Object.fromEntries(rows)
  }

  #columnMetrics(file: ContentFile, id: number): ColumnMetrics {
    return {
      column_size: file.columnSizes?.get(id) ?? null,
      value_count: file.valueCounts?.get(id) ?? null,
      null_value_count: file.nullValueCounts?.get(id) ?? null,
      nan_value_count: file.nanValueCounts?.get(id) ?? null,
      lower_bound: this.#bound(id, file.lowerBounds?.get(id)),
      upper_bound: this.#bound(id, file.upperBounds?.get(id)),
    }
  }

  #bound(id: number, bytes: Uint8Array | undefined): Value {
    const type = findField(currentSchema(this.#state.metadata), id)?.type
    if (type === undefined || !isPrimitive(type)) return null
    const bound = decodeBound(type, bytes)
    return bound === null ? null : datumToValue(type, bound)
  }
}

async function liveEntries(
  context: ManifestContext,
  manifests: readonly ManifestFile[],
): Promise<readonly ManifestEntry[]> {
  const entries = await mapConcurrently(manifests, (manifest) =>
    entriesOf(context, manifest, { liveOnly: true }),
  )
  return entries.flat()
}

function manifestRow(manifest: ManifestFile): ManifestRow {
  return {
    content: manifest.content,
    path: manifest.location,
    length: manifest.length,
    partition_spec_id: manifest.specId,
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: manifest.addedFilesCount,
    existing_files_count: manifest.existingFilesCount,
    deleted_files_count: manifest.deletedFilesCount,
  }
}
