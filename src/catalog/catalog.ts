/**
 * Contract: who knows which tables exist and where their current metadata is.
 *
 * Every mutating call ends in exactly one of
 * - *committed*: the promise fulfils;
 * - *conflict*: CommitConflictError; nothing was changed; re-apply on fresh metadata and try again;
 * - *rejected*: a definite, typed error (CommitRejectedError, CatalogDeniedError, NoSuch…Error,
 *   …AlreadyExistsError, PolicyViolationError, InvalidArgumentError); nothing was changed; never
 *   retried;
 * - *unavailable*: CatalogUnavailableError, only where it is certain that nothing was changed;
 * - *unknown*: CommitStateUnknownError; whatever is not provably one of the above.
 */
import type { TableRequirement } from '../format/metadata/requirements.ts'
import type {
  PartitionSpecJson,
  SchemaJson,
  SortOrderJson,
  TableMetadata,
} from '../format/metadata/table-metadata.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'
import type { CallOptions, StorageCredential } from '../storage/object-store.ts'

/** Levels from the outermost in; never joined, never guessed from a string. */
export type Namespace = readonly string[]

/** Which table: its namespace and its name. */
export interface TableIdentifier {
  readonly namespace: Namespace
  readonly name: string
}

/** Names and values, as catalogs and tables keep them. */
export type Properties = Readonly<Record<string, string>>

/** A table as its catalog answered it. */
export interface LoadedTable {
  readonly metadata: TableMetadata
  /** null where the catalog keeps no file (staged creates, some REST servers). */
  readonly metadataLocation: string | null
  /** False when `snapshots` was 'refs' and the server left others out of the metadata. */
  readonly snapshotsComplete: boolean
  /** Table-specific client configuration from the catalog. */
  readonly config: Properties
  readonly credentials?: readonly StorageCredential[]
  readonly etag?: string
}

/** How much of a table is loaded. */
export interface LoadTableOptions extends CallOptions {
  /** 'all' (default): the whole history; 'refs': only snapshots that a ref names need be there. */
  readonly snapshots?: 'all' | 'refs'
}

/** What a new table is to be. */
export interface CreateTableRequest {
  /** Ids are the caller's; the catalog assigns fresh ones and answers with them. */
  readonly schema: SchemaJson
  readonly spec?: PartitionSpecJson
  readonly sortOrder?: SortOrderJson
  /** Default: the catalog's own rule under the warehouse. */
  readonly location?: string
  /** `format-version` (default 2) is taken from here and not stored. */
  readonly properties?: Properties
}

/** A change of a table’s metadata, and what must hold for it to apply. */
export interface TableCommit {
  readonly requirements: readonly TableRequirement[]
  readonly updates: readonly TableUpdate[]
}

/** How one commit is sent. */
export interface CommitOptions extends CallOptions {
  /** The same for every send of one commit, so that a server can tell a repetition. */
  readonly idempotencyKey?: string
  /**
   * For a catalog that `heedsAfter`, and a commit that leads to files which are still on their way: it
   * may be prepared at once, while others commit, but nothing shows it, neither the table nor a metadata
   * file, before this is fulfilled. When it is rejected, nothing is changed and the call fails with its
   * reason. A call may fail before it looks at it: whoever gives it handles its rejection.
   */
  readonly after?: Promise<void> | undefined
}

/** What a catalog can and cannot do; the conformance suite asks these. */
export interface CatalogCapabilities {
  /** Namespaces of more than one level. */
  readonly nestedNamespaces: boolean
  /** Levels and names may contain dots. */
  readonly dotsInNames: boolean
  readonly namespaceProperties: boolean
  readonly stageCreate: boolean
  /** 'server': the catalog deletes a purged table's files itself; 'client': the caller does. */
  readonly purge: 'server' | 'client'
  /** Safe for other processes to use at the same time. */
  readonly shared: boolean
}

/** Where an entry's metadata is, and where it was before. */
export interface MetadataPointer {
  readonly metadataLocation: string
  /** Before the last change; null after a creation, or where it is not kept. */
  readonly previousLocation: string | null
}

/**
 * What a catalog that keeps its tables as pointers to metadata files can do for one whose current
 * file is missing or damaged, and for one that moves.
 */
export interface MetadataPointers {
  /** NoSuchTableError. The file that it names is not looked at. */
  find(id: TableIdentifier, options?: CallOptions): Promise<MetadataPointer>
  /** A metadata file of the table, wherever it is. MissingFileError, CorruptFileError. */
  read(id: TableIdentifier, metadataLocation: string, options?: CallOptions): Promise<TableMetadata>
  /**
   * Points the entry to another file, as it is, if it points to `expected` still; what `target` holds
   * is the caller's to know. Ends as every mutating call does; CommitConflictError when the pointer
   * has moved.
   */
  replace(
    id: TableIdentifier,
    change: { readonly expected: string; readonly target: string },
    options?: CallOptions,
  ): Promise<LoadedTable>
}

/** A catalog: see the head of this file for how its calls end. */
export interface Catalog {
  /** The client's own name for the catalog; in SQL catalogs, part of every key. */
  readonly name: string
  readonly capabilities: CatalogCapabilities
  /** Absent where the catalog keeps its pointers to itself, as REST servers do. */
  readonly metadataPointers?: MetadataPointers | undefined
  /**
   * Whether `commitTable` knows of `after`. Whoever commits to a catalog that does not say so waits
   * first. A catalog around another, or that extends one, says so only if it passes `after` on.
   */
  readonly heedsAfter?: boolean | undefined

  /** NamespaceAlreadyExistsError; missing parents are created. */
  createNamespace(namespace: Namespace, properties?: Properties, options?: CallOptions): Promise<void>
  /** Direct children of `parent` (default: the root), as full namespaces. NoSuchNamespaceError. */
  listNamespaces(parent?: Namespace, options?: CallOptions): Promise<readonly Namespace[]>
  namespaceExists(namespace: Namespace, options?: CallOptions): Promise<boolean>
  /** Its properties. NoSuchNamespaceError. */
  loadNamespace(namespace: Namespace, options?: CallOptions): Promise<Properties>
  updateNamespace(
    namespace: Namespace,
    changes: { readonly set?: Properties; readonly remove?: readonly string[] },
    options?: CallOptions,
  ): Promise<void>
  /** NoSuchNamespaceError, NamespaceNotEmptyError. */
  dropNamespace(namespace: Namespace, options?: CallOptions): Promise<void>

  /** Tables directly in the namespace. NoSuchNamespaceError. */
  listTables(namespace: Namespace, options?: CallOptions): Promise<readonly TableIdentifier[]>
  tableExists(id: TableIdentifier, options?: CallOptions): Promise<boolean>
  /** NoSuchTableError; CorruptFileError or MissingFileError when the metadata cannot be read. */
  loadTable(id: TableIdentifier, options?: LoadTableOptions): Promise<LoadedTable>
  /** TableAlreadyExistsError, NoSuchNamespaceError. */
  createTable(id: TableIdentifier, request: CreateTableRequest, options?: CommitOptions): Promise<LoadedTable>
  /** As createTable, but nothing exists until a commit with `assert-create` brings it to life. */
  stageCreateTable(
    id: TableIdentifier,
    request: CreateTableRequest,
    options?: CallOptions,
  ): Promise<LoadedTable>
  /** All requirements hold and all updates apply, or nothing happens. */
  commitTable(id: TableIdentifier, commit: TableCommit, options?: CommitOptions): Promise<LoadedTable>
  /** Adopts an existing metadata file as it is. TableAlreadyExistsError, NoSuchNamespaceError. */
  registerTable(id: TableIdentifier, metadataLocation: string, options?: CallOptions): Promise<LoadedTable>
  renameTable(from: TableIdentifier, to: TableIdentifier, options?: CallOptions): Promise<void>
  /** Drops the entry, also of a table whose metadata is broken. Files stay, unless `purge` is 'server'. */
  dropTable(id: TableIdentifier, options?: CallOptions & { readonly purge?: boolean }): Promise<void>
  close(): Promise<void>
}
