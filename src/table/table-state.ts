/** One immutable state of a table, with what it takes to read its files. */
import type { LoadedTable, TableIdentifier } from '../catalog/catalog.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { Runtime, TableStorage } from './runtime.ts'

export interface TableState {
  readonly id: TableIdentifier
  /** Dotted, for messages. */
  readonly name: string
  readonly loaded: LoadedTable
  readonly metadata: TableMetadata
  readonly storage: TableStorage
  readonly runtime: Runtime
}
