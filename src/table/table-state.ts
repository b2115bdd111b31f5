/** One immutable state of a table, with what it takes to read its files. */
import type { LoadedTable, TableIdentifier } from '../catalog/catalog.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { Runtime, TableStorage } from './runtime.ts'
import type { OpenTransaction } from './open-transaction.ts'

export interface TableState {
  readonly id: TableIdentifier
  /** Dotted, for messages. */
  readonly name: string
  readonly loaded: LoadedTable
  readonly metadata: TableMetadata
  readonly storage: TableStorage
  readonly runtime: Runtime
  /** The transaction that this state is only staged in; absent for what is committed. */
  readonly transaction?: OpenTransaction | undefined
}
