/** Which tables exist and where their metadata is: the Catalog contract, for those who write a catalog. */
export type {
  Catalog,
  CatalogCapabilities,
  CommitOptions,
  CreateTableRequest,
  LoadedTable,
  LoadTableOptions,
  MetadataPointer,
  MetadataPointers,
  Namespace,
  Properties,
  TableCommit,
  TableIdentifier,
} from './catalog.ts'
export type { TableRequirement } from '../format/metadata/requirements.ts'
export type { TableUpdate } from '../format/metadata/updates.ts'
export { MemoryCatalog } from './memory.ts'
export { PointerCatalog } from './pointer-catalog.ts'
export type { PointerCatalogOptions } from './pointer-catalog.ts'
export type { NamespaceChanges, PointerStore, TablePointer } from './pointers.ts'
