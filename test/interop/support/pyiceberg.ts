/** PyIceberg on a shared catalog: typed calls of test/interop/python/pyiceberg_server.py. */
import type { PartitionSpecJson, SchemaJson, TypeJson } from '../../../src/format/metadata/table-metadata.ts'
import type { Exact } from '../../support/exact-values.ts'
import { JsonLinesPeer } from './json-lines.ts'
import type { SharedWarehouse } from './warehouse.ts'

export type ExactRow = Readonly<Record<string, Exact>>

export interface PartitionFieldInput {
  readonly source: string
  readonly transform: string
  readonly name: string
}

export interface ScanOptions {
  /** PyIceberg's own filter text. */
  readonly filter?: string
  readonly select?: readonly string[]
  readonly snapshot_id?: string
  readonly ref?: string
  readonly limit?: number
}

export interface PyTable {
  readonly metadata_location: string
  readonly location: string
  readonly uuid: string
  readonly format_version: number
  readonly schema: SchemaJson
  readonly spec: PartitionSpecJson
  readonly properties: Readonly<Record<string, string>>
}

export interface PySnapshot {
  readonly snapshot_id: string
  readonly parent_id: string | null
  readonly timestamp_ms: number
  readonly operation: string | null
  readonly summary: Readonly<Record<string, string>>
  readonly schema_id: number | null
  readonly sequence_number: number | null
  readonly manifest_list: string
}

export interface PyEntry {
  readonly status: string
  readonly snapshot_id: string
  readonly sequence_number: string
  readonly file_path: string
  readonly spec_id: string
  readonly record_count: string
  readonly file_size_in_bytes: string
  readonly partition: readonly Exact[]
  readonly value_counts: Readonly<Record<string, string>>
  readonly null_value_counts: Readonly<Record<string, string>>
  readonly nan_value_counts: Readonly<Record<string, string>>
  /** Hexadecimal by field id. */
  readonly lower_bounds: Readonly<Record<string, string>>
  readonly upper_bounds: Readonly<Record<string, string>>
}

export interface ParquetDescription {
  readonly columns: readonly {
    readonly path: string
    readonly physical: string
    readonly logical: string
    readonly length: number
  }[]
  readonly ids: Readonly<Record<string, string>>
  readonly rows: readonly ExactRow[]
}

export interface AvroDescription {
  readonly schema: unknown
  readonly header: Readonly<Record<string, string>>
  readonly records: readonly Readonly<Record<string, unknown>>[]
}

export interface NewTable {
  readonly schema: SchemaJson
  readonly partition?: readonly PartitionFieldInput[]
  readonly properties?: Readonly<Record<string, string>>
  readonly location?: string
}

export class PyIceberg {
  readonly #peer: JsonLinesPeer

  constructor(shared: SharedWarehouse) {
    this.#peer = new JsonLinesPeer('pyiceberg_server.py', [shared.catalogUri, shared.warehouse])
  }

  // The server is ours and its answers are fixed: what an op returns is said here, once.
  async #call<Result>(op: string, args: Readonly<Record<string, unknown>> = {}): Promise<Result> {
    return (await this.#peer.call(op, args)) as Result
  }

  listNamespaces(parent: readonly string[] = []): Promise<readonly (readonly string[])[]> {
    return this.#call('list_namespaces', { parent })
  }
  listTables(namespace: string): Promise<readonly string[]> {
    return this.#call('list_tables', { namespace })
  }
  createNamespace(namespace: string): Promise<void> {
    return this.#call('create_namespace', { namespace })
  }
  createTable(table: string, definition: NewTable): Promise<PyTable> {
    return this.#call('create_table', { table, ...definition })
  }
  loadTable(table: string): Promise<PyTable> {
    return this.#call('load_table', { table })
  }
  dropTable(table: string): Promise<void> {
    return this.#call('drop_table', { table })
  }
  renameTable(table: string, to: string): Promise<void> {
    return this.#call('rename_table', { table, to })
  }
  scan(table: string, options: ScanOptions = {}): Promise<readonly ExactRow[]> {
    return this.#call('scan', { table, ...options })
  }
  count(table: string, options: ScanOptions = {}): Promise<number> {
    return this.#call('count', { table, ...options })
  }
  /** Row count and sums; with `group`, one row for each of its values. */
  aggregate(
    table: string,
    options: { readonly sums?: readonly string[]; readonly group?: string; readonly filter?: string },
  ): Promise<readonly ExactRow[]> {
    return this.#call('aggregate', { table, ...options })
  }
  planFiles(table: string, options: ScanOptions = {}): Promise<readonly string[]> {
    return this.#call('plan_files', { table, ...options })
  }
  entries(table: string): Promise<readonly PyEntry[]> {
    return this.#call('entries', { table })
  }
  misplacedRows(table: string): Promise<{ readonly checked: number; readonly wrong: readonly unknown[] }> {
    return this.#call('misplaced_rows', { table })
  }
  readParquet(path: string): Promise<ParquetDescription> {
    return this.#call('read_parquet', { path })
  }
  readAvro(path: string): Promise<AvroDescription> {
    return this.#call('read_avro', { path })
  }
  append(
    table: string,
    rows: readonly ExactRow[],
    properties?: Readonly<Record<string, string>>,
  ): Promise<void> {
    return this.#call('append', { table, rows, properties })
  }
  appendParquet(table: string, path: string): Promise<void> {
    return this.#call('append_parquet', { table, path })
  }
  /** Writes rows of the table's types into a file that has no field ids. */
  writePlainParquet(table: string, rows: readonly ExactRow[], path: string): Promise<void> {
    return this.#call('write_plain_parquet', { table, rows, path })
  }
  addFiles(table: string, paths: readonly string[]): Promise<void> {
    return this.#call('add_files', { table, paths })
  }
  /** One commit for each value, trying again after every conflict. */
  appendMany(
    table: string,
    column: string,
    values: readonly Exact[],
  ): Promise<{ readonly conflicts: number }> {
    return this.#call('append_many', { table, column, values })
  }
  /** Keeps the state the table is in now, for `appendHeld`. */
  hold(table: string): Promise<void> {
    return this.#call('hold', { table })
  }
  /** Appends on the state that was held. False when PyIceberg gave up. */
  appendHeld(table: string, rows: readonly ExactRow[]): Promise<boolean> {
    return this.#call('append_held', { table, rows })
  }
  overwrite(table: string, rows: readonly ExactRow[], filter: string): Promise<void> {
    return this.#call('overwrite', { table, rows, filter })
  }
  delete(table: string, filter: string): Promise<void> {
    return this.#call('delete', { table, filter })
  }
  /** Calls of PyIceberg's UpdateSchema: `['rename_column', 'a', 'b']`. */
  updateSchema(table: string, changes: readonly (readonly (TypeJson | null)[])[]): Promise<PyTable> {
    return this.#call('update_schema', { table, changes })
  }
  updateSpec(
    table: string,
    changes: { readonly add?: readonly PartitionFieldInput[]; readonly remove?: readonly string[] },
  ): Promise<PyTable> {
    return this.#call('update_spec', { table, ...changes })
  }
  setProperties(table: string, properties: Readonly<Record<string, string>>): Promise<void> {
    return this.#call('set_properties', { table, properties })
  }
  createTag(table: string, name: string, snapshotId: string): Promise<void> {
    return this.#call('create_tag', { table, name, snapshot_id: snapshotId })
  }
  createBranch(table: string, name: string, snapshotId: string): Promise<void> {
    return this.#call('create_branch', { table, name, snapshot_id: snapshotId })
  }
  snapshots(table: string): Promise<readonly PySnapshot[]> {
    return this.#call('snapshots', { table })
  }
  refs(
    table: string,
  ): Promise<Readonly<Record<string, { readonly type: string; readonly snapshot_id: string }>>> {
    return this.#call('refs', { table })
  }
  close(): Promise<void> {
    return this.#peer.close()
  }
}
