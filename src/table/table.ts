/** A table: a handle on one immutable state of it. */
import type { LoadedTable, Properties, TableIdentifier } from '../catalog/catalog.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { currentSchema, currentSnapshot, defaultSortOrder, defaultSpec } from '../format/metadata/views.ts'
import type { PartitionSpec } from '../format/partition-spec.ts'
import type { Schema } from '../format/schema.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { SortOrder } from '../format/sort-order.ts'
import type { Row } from '../format/values/value.ts'
import { InvalidArgumentError } from '../errors.ts'
import { identifierToString } from './identifier.ts'
import { openingOf, type TableOpening } from './find-metadata.ts'
import { createInspect, type TableInspect } from './inspect.ts'
import type { Runtime, TableStorage } from './runtime.ts'
import { createScan, type Scan, type ScanOptions } from './scan.ts'
import { runOn } from './table-operation.ts'
import type { TableState } from './table-state.ts'

/**
 * A handle on a table. It shows one state; operations of this handle's manager move it to the state
 * they made, others' commits are seen after `refresh()`.
 *
 * `RowIn` and `RowOut` are the types of rows written and read. They follow from a declared schema;
 * without one any object may go in, and is checked when it is written.
 */
export interface Table<RowIn = object, RowOut = Row> {
  readonly identifier: TableIdentifier
  /** `namespace.name`. */
  readonly name: string
  readonly uuid: string
  readonly location: string
  readonly formatVersion: 1 | 2 | 3
  readonly schema: Schema
  readonly partitionSpec: PartitionSpec
  readonly sortOrder: SortOrder
  readonly properties: Properties
  /** null until the first write. */
  readonly currentSnapshot: Snapshot | null
  /** The whole document, as the format has it. */
  readonly metadata: TableMetadata
  /** null where the catalog keeps no file. */
  readonly metadataLocation: string | null
  /** Metadata of the table as rows: snapshots, files, manifests, partitions, history, refs. */
  readonly inspect: TableInspect
  /**
   * Rows of one snapshot, by default the current one.
   *
   * InvalidExpressionError, InvalidArgumentError, NoSuchSnapshotError, NoSuchRefError at once;
   * errors of reading when it is iterated.
   */
  scan<Column extends keyof RowOut & string>(
    options: ScanOptions<Column> & { readonly select: readonly Column[] },
  ): Scan<Pick<RowOut, Column>>
  scan(options?: ScanOptions): Scan<RowOut>
  /** Moves the handle to the newest committed state. NoSuchTableError when it was dropped. */
  refresh(): Promise<this>
  /** How `createTable` came by this table; null when it was loaded. */
  readonly creation: TableCreation | null
  /** How `openTable` found the table, which then is read-only; null for a table of a catalog. */
  readonly opening: TableOpening | null
  /** Only for the type checker: what rows of this table look like going in. */
  readonly rowIn?: RowIn
}

/** What `createTable` did. */
export interface TableCreation {
  /** False when `ifNotExists` found it there, or `orReplace` put another in its place. */
  readonly created: boolean
  /** Whether it was put in the place of one that was there. */
  readonly replaced: boolean
  /** How an existing table's schema, spec or order differ from what was asked for, in words. */
  readonly differences: readonly string[]
}

/** The implementation behind every `Table`; the manager alone moves it on. */
export class TableHandle<RowIn = object, RowOut = Row> implements Table<RowIn, RowOut> {
  readonly creation: TableCreation | null
  #state: TableState

  private constructor(state: TableState, creation: TableCreation | null) {
    this.#state = state
    this.creation = creation
  }

  /** A handle on a table as a catalog answered it. */
  static async open<RowIn = object, RowOut = Row>(
    runtime: Runtime,
    id: TableIdentifier,
    loaded: LoadedTable,
    creation: TableCreation | null = null,
  ): Promise<TableHandle<RowIn, RowOut>> {
    const storage = await openStorage(runtime, id, loaded)
    const name = identifierToString(id)
    const state = { id, name, loaded, metadata: loaded.metadata, storage, runtime }
    return new TableHandle<RowIn, RowOut>(state, creation)
  }

  /** A handle on what a transaction has made of a table so far. */
  static staged<RowIn = object, RowOut = Row>(state: TableState): TableHandle<RowIn, RowOut> {
    return new TableHandle<RowIn, RowOut>(state, null)
  }

  get state(): TableState {
    return this.#state
  }

  /** Moves the handle to what an operation of ours committed. */
  advance(loaded: LoadedTable): void {
    // Of operations side by side, an earlier one's answer may come later: never back.
    if (this.#isBehind(loaded)) return
    this.#state = { ...this.#state, loaded, metadata: loaded.metadata }
  }

  /** The table goes by another name from here on. */
  renamed(id: TableIdentifier): void {
    this.#state = { ...this.#state, id, name: identifierToString(id) }
  }

  get identifier(): TableIdentifier {
    return this.#state.id
  }

  get name(): string {
    return this.#state.name
  }

  get uuid(): string {
    return this.metadata['table-uuid']
  }

  get location(): string {
    return this.metadata.location
  }

  get formatVersion(): 1 | 2 | 3 {
    return this.metadata['format-version']
  }

  get schema(): Schema {
    return currentSchema(this.metadata)
  }

  get partitionSpec(): PartitionSpec {
    return defaultSpec(this.metadata)
  }

  get sortOrder(): SortOrder {
    return defaultSortOrder(this.metadata)
  }

  get properties(): Properties {
    return this.metadata.properties
  }

  get currentSnapshot(): Snapshot | null {
    return currentSnapshot(this.metadata)
  }

  get metadata(): TableMetadata {
    return this.#state.metadata
  }

  get metadataLocation(): string | null {
    return this.#state.loaded.metadataLocation
  }

  get opening(): TableOpening | null {
    return openingOf(this.#state.loaded)
  }

  get inspect(): TableInspect {
    return createInspect(this.#state)
  }

  scan<Column extends keyof RowOut & string>(
    options: ScanOptions<Column> & { readonly select: readonly Column[] },
  ): Scan<Pick<RowOut, Column>>
  scan(options?: ScanOptions): Scan<RowOut>
  scan(options: ScanOptions = {}): Scan<RowOut> {
    return createScan<RowOut>(this.#state, options)
  }

  async refresh(): Promise<this> {
    const { runtime, id, transaction } = this.#state
    if (transaction !== undefined) throw withinTransaction()
    await runOn(this.#state, 'refresh', async () => {
      const first = await runtime.catalog.loadTable(id)
      // A state behind ours may have been asked for before a commit of ours; if a second look shows it
      // again, the table was taken back to it.
      const loaded = this.#isBehind(first) ? await runtime.catalog.loadTable(id) : first
      if (loaded.metadataLocation === first.metadataLocation || !this.#isBehind(loaded))
        await this.moveTo(loaded)
    })
    return this
  }

  /** Takes on what the catalog says, also an earlier state, or one whose files are elsewhere. */
  async moveTo(loaded: LoadedTable): Promise<void> {
    const { runtime, id } = this.#state
    const storage =
      loaded.metadata.location === this.location
        ? this.#state.storage
        : await openStorage(runtime, id, loaded)
    this.#state = { ...this.#state, loaded, metadata: loaded.metadata, storage }
  }

  #isBehind({ metadataLocation }: LoadedTable): boolean {
    return this.metadata['metadata-log'].some((entry) => entry['metadata-file'] === metadataLocation)
  }
}

export function openStorage(
  runtime: Runtime,
  identifier: TableIdentifier,
  loaded: LoadedTable,
): Promise<TableStorage> {
  return runtime.openStorage({
    identifier,
    location: loaded.metadata.location,
    config: loaded.config,
    credentials: loaded.credentials ?? [],
  })
}

/**
 * The handle behind a table. InvalidArgumentError for an object that is not one of ours, and for a
 * table as a transaction shows it: what is done to that one has to be a step of the transaction.
 */
export function handleOf<RowIn, RowOut>(table: Table<RowIn, RowOut>): TableHandle<RowIn, RowOut> {
  if (table instanceof TableHandle) {
    if (table.state.transaction !== undefined) throw withinTransaction()
    return table
  }
  throw new InvalidArgumentError('This is not a table that a manager gave out', {
    hint: 'Pass what createTable or loadTable returned.',
  })
}

function withinTransaction(): InvalidArgumentError {
  return new InvalidArgumentError('This table is the inside of a transaction, and not committed', {
    hint: 'Use the methods of the transaction; its table is there to be looked at and scanned.',
  })
}
