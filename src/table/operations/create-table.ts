/** A table that begins to exist with its first rows: nobody ever sees it without them. */
import type { LoadedTable } from '../../catalog/catalog.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { LAST_ADDED, type TableUpdate } from '../../format/metadata/updates.ts'
import type { ChangedFiles, CommitAttempt, CommitChange } from '../commit.ts'

export class CreateTableChange implements CommitChange {
  readonly operation = 'creation of the table'
  readonly creates = true
  readonly #start: LoadedTable
  readonly #rows: CommitChange | null

  /** `start`: as the catalog staged it; `rows`: what adds its rows, null for a table without any. */
  constructor(start: LoadedTable, rows: CommitChange | null) {
    this.#start = start
    this.#rows = rows
  }

  get snapshotId(): bigint | null {
    return this.#rows?.snapshotId ?? null
  }

  async apply(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<CommitAttempt> {
    const rows = (await this.#rows?.apply(base, attempt, mayDiscard)) ?? null
    return {
      updates: [...creationUpdates(base), ...(rows?.updates ?? [])],
      // All that the rows require is the table as it is created here.
      requirements: [{ type: 'assert-create' }],
    }
  }

  /** The uuid is this table's alone. */
  isApplied(metadata: TableMetadata): boolean {
    return metadata['table-uuid'] === this.#start.metadata['table-uuid']
  }

  files(): ChangedFiles | null {
    return this.#rows?.files?.() ?? null
  }

  async tidy(): Promise<void> {
    await this.#rows?.tidy?.()
  }

  async discardAttempt(): Promise<void> {
    await this.#rows?.discardAttempt()
  }

  async discardAll(): Promise<void> {
    await this.#rows?.discardAll()
  }

  writtenFiles(): readonly string[] {
    return this.#rows?.writtenFiles() ?? []
  }
}

/** What makes a table of nothing. The schema comes first: the spec and the order are checked against it. */
function creationUpdates(metadata: TableMetadata): readonly TableUpdate[] {
  const { schemas, 'partition-specs': specs, 'sort-orders': orders, properties } = metadata
  return [
    { action: 'assign-uuid', uuid: metadata['table-uuid'] },
    { action: 'upgrade-format-version', 'format-version': metadata['format-version'] },
    { action: 'set-location', location: metadata.location },
    ...schemas.map((schema): TableUpdate => ({
      action: 'add-schema',
      schema,
      'last-column-id': metadata['last-column-id'],
    })),
    { action: 'set-current-schema', 'schema-id': LAST_ADDED },
    ...specs.map((spec): TableUpdate => ({ action: 'add-spec', spec })),
    { action: 'set-default-spec', 'spec-id': LAST_ADDED },
    ...orders.map((order): TableUpdate => ({ action: 'add-sort-order', 'sort-order': order })),
    { action: 'set-default-sort-order', 'sort-order-id': LAST_ADDED },
    ...(Object.keys(properties).length === 0
      ? []
      : [{ action: 'set-properties', updates: properties } as const]),
  ]
}
