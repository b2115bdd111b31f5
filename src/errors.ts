/**
 * Typed errors. One class per thing a caller can do something about; each carries a stable
 * `code`, the table and file it is about, a hint saying what to do next, and its cause.
 *
 * No message ever holds a data value or a secret. Match on `code` or on the class, never on text.
 */

/** What an error is about. Every field is optional; the ones that are known are set. */
export interface ErrorDetails {
  /** Dotted table identifier, `namespace.name`. */
  readonly table?: string | undefined
  /** Location of the file at fault; partition values in it are masked by the caller. */
  readonly file?: string | undefined
  /** One sentence: what to do next. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** Base of every error that floeberg throws on purpose. */
export abstract class FloebergError extends Error {
  /** Stable across releases; documented one by one in docs/errors.md. */
  abstract readonly code: string
  readonly table: string | undefined
  readonly file: string | undefined
  readonly hint: string | undefined

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.table = details.table
    this.file = details.file
    this.hint = details.hint
  }
}

/**
 * Adds what a lower floor could not know (which table this was about) to an error on its way up.
 * What is already set stays.
 */
export function locateError(
  error: unknown,
  where: { readonly table?: string; readonly file?: string },
): void {
  if (!(error instanceof FloebergError)) return
  for (const key of ['table', 'file'] as const) {
    if (error[key] === undefined && where[key] !== undefined)
      Object.defineProperty(error, key, { value: where[key], enumerable: true })
  }
}

// --- what the caller passed in -----------------------------------------------------------------

/** An argument of a call is wrong by itself, whatever the table holds. */
export class InvalidArgumentError extends FloebergError {
  readonly code: string = 'FLOEBERG_INVALID_ARGUMENT'
}

/** A configuration (file, variable or object) is wrong; `path` names the setting. */
export class InvalidConfigError extends FloebergError {
  readonly code: string = 'FLOEBERG_INVALID_CONFIG'
  /** Dotted path of the setting at fault, empty for the whole document. */
  readonly path: string
  constructor(message: string, details: ErrorDetails & { readonly path?: string } = {}) {
    super(message, details)
    this.path = details.path ?? ''
  }
}

/** A TableConfig is refused before any file is written; `path` names the part at fault. */
export class InvalidTableConfigError extends InvalidConfigError {
  override readonly code = 'FLOEBERG_INVALID_TABLE_CONFIG'
}

/** A filter expression cannot be parsed, or does not fit the schema it is bound to. */
export class InvalidExpressionError extends FloebergError {
  readonly code = 'FLOEBERG_INVALID_EXPRESSION'
}

/** A SQL query cannot be parsed, does more than read tables of the catalog, or does not fit their columns. */
export class InvalidQueryError extends FloebergError {
  readonly code = 'FLOEBERG_INVALID_QUERY'
  /** Where in the text the mistake is, counted in UTF-16 units from 0, where that is known. */
  readonly position: number | undefined
  constructor(message: string, details: ErrorDetails & { readonly position?: number | undefined } = {}) {
    super(message, details)
    this.position = details.position
  }
}

/** The incoming data's columns do not fit the table's schema (missing, unknown, narrowing). */
export class SchemaMismatchError extends FloebergError {
  readonly code = 'FLOEBERG_SCHEMA_MISMATCH'
  /** Full name of the column at fault, where one is. */
  readonly column: string | undefined
  constructor(message: string, details: ErrorDetails & { readonly column?: string | undefined } = {}) {
    super(message, details)
    this.column = details.column
  }
}

/** A row does not fit the table: null in a required column, out of range, lossy. */
export class InvalidDataError extends FloebergError {
  readonly code = 'FLOEBERG_INVALID_DATA'
  readonly column: string | undefined
  /** Which input the row came from: a file's path, or a word such as `rows`. */
  readonly source: string | undefined
  /** Zero-based number of the row within its source, where it is known. */
  readonly row: number | undefined
  constructor(
    message: string,
    details: ErrorDetails & {
      readonly column?: string | undefined
      readonly source?: string | undefined
      readonly row?: number | undefined
    } = {},
  ) {
    super(message, details)
    this.column = details.column
    this.source = details.source
    this.row = details.row
  }
}

/** A schema, partition or sort order change that the format's rules forbid, or that does not fit the table. */
export class IncompatibleChangeError extends FloebergError {
  readonly code = 'FLOEBERG_INCOMPATIBLE_CHANGE'
  /** Full name of the column, or name of the partition field, at fault, where one is. */
  readonly column: string | undefined
  constructor(message: string, details: ErrorDetails & { readonly column?: string | undefined } = {}) {
    super(message, details)
    this.column = details.column
  }
}

/** The table uses, or the call asks for, something that is not built; it is named. */
export class UnsupportedFeatureError extends FloebergError {
  readonly code = 'FLOEBERG_UNSUPPORTED_FEATURE'
}

/** A value lies outside the bounds that an administrator set. */
export class PolicyViolationError extends FloebergError {
  readonly code = 'FLOEBERG_POLICY_VIOLATION'
}

// --- catalogs and commits ----------------------------------------------------------------------

/** The catalog has no such namespace. */
export class NoSuchNamespaceError extends FloebergError {
  readonly code = 'FLOEBERG_NO_SUCH_NAMESPACE'
}
/** The catalog has that namespace already. */
export class NamespaceAlreadyExistsError extends FloebergError {
  readonly code = 'FLOEBERG_NAMESPACE_ALREADY_EXISTS'
}
/** The namespace holds tables or namespaces and cannot be dropped. */
export class NamespaceNotEmptyError extends FloebergError {
  readonly code = 'FLOEBERG_NAMESPACE_NOT_EMPTY'
}
/** The catalog has no such table. */
export class NoSuchTableError extends FloebergError {
  readonly code = 'FLOEBERG_NO_SUCH_TABLE'
}
/** The catalog has that table already. */
export class TableAlreadyExistsError extends FloebergError {
  readonly code = 'FLOEBERG_TABLE_ALREADY_EXISTS'
}
/** No snapshot has that id, or none was current at that time. */
export class NoSuchSnapshotError extends FloebergError {
  readonly code = 'FLOEBERG_NO_SUCH_SNAPSHOT'
  /** Snapshots that would do, nearest in time first; empty where nothing can be offered. */
  readonly nearest: readonly bigint[]
  constructor(message: string, details: ErrorDetails & { readonly nearest?: readonly bigint[] } = {}) {
    super(message, details)
    this.nearest = details.nearest ?? []
  }
}
/** A snapshot is there, but not in the history of the branch that was to go to it. */
export class NotAnAncestorError extends FloebergError {
  readonly code = 'FLOEBERG_NOT_AN_ANCESTOR'
  /** Snapshots of the branch's history, nearest in time first. */
  readonly nearest: readonly bigint[]
  constructor(message: string, details: ErrorDetails & { readonly nearest?: readonly bigint[] } = {}) {
    super(message, details)
    this.nearest = details.nearest ?? []
  }
}
/** No branch or tag has that name. */
export class NoSuchRefError extends FloebergError {
  readonly code = 'FLOEBERG_NO_SUCH_REF'
}
/** A branch or tag has that name already. */
export class RefAlreadyExistsError extends FloebergError {
  readonly code = 'FLOEBERG_REF_ALREADY_EXISTS'
}
/**
 * Why a snapshot cannot be cherry-picked: the branch has it already, under its own id or as a pick;
 * its `wap.id` is published; it does something else than adding files or replacing partitions; the
 * branch does not hold what it was based on; what it replaces has changed since.
 */
export type CherryPickRefusal =
  'already_picked' | 'already_published' | 'not_pickable' | 'not_based_on_branch' | 'partitions_changed'
/** A snapshot's changes cannot be brought to a branch; nothing was changed. */
export class CherryPickError extends FloebergError {
  readonly code = 'FLOEBERG_CHERRY_PICK'
  readonly reason: CherryPickRefusal
  constructor(message: string, details: ErrorDetails & { readonly reason?: CherryPickRefusal } = {}) {
    super(message, details)
    this.reason = details.reason ?? 'not_pickable'
  }
}
/** The catalog understood the request and refused it for good; a repetition ends the same way. */
export class CommitRejectedError extends FloebergError {
  readonly code = 'FLOEBERG_COMMIT_REJECTED'
}
/** Another commit came first and ours could not be re-applied within its retries. */
export class CommitConflictError extends FloebergError {
  readonly code = 'FLOEBERG_COMMIT_CONFLICT'
  /** How many times the commit was sent. */
  readonly attempts: number
  constructor(message: string, details: ErrorDetails & { readonly attempts?: number } = {}) {
    super(message, details)
    this.attempts = details.attempts ?? 1
  }
}
/** The commit was sent and nobody knows whether it took effect. All its files are kept. */
export class CommitStateUnknownError extends FloebergError {
  readonly code = 'FLOEBERG_COMMIT_STATE_UNKNOWN'
  /** Id of the snapshot that the commit would have made; null when it makes none. */
  readonly snapshotId: bigint | null
  /** Locations of the files that were written and are kept. */
  readonly keptFiles: readonly string[]
  constructor(
    message: string,
    details: ErrorDetails & {
      readonly snapshotId?: bigint | null
      readonly keptFiles?: readonly string[]
    } = {},
  ) {
    super(message, details)
    this.snapshotId = details.snapshotId ?? null
    this.keptFiles = details.keptFiles ?? []
  }
}
/** The catalog cannot be reached or is overloaded; nothing was changed. */
export class CatalogUnavailableError extends FloebergError {
  readonly code = 'FLOEBERG_CATALOG_UNAVAILABLE'
}
/** The catalog refuses these credentials, or this operation with them. */
export class CatalogDeniedError extends FloebergError {
  readonly code = 'FLOEBERG_CATALOG_DENIED'
}

// --- files -------------------------------------------------------------------------------------

/** A metadata, manifest or data file is damaged: truncated, bit-flipped, or not what it claims. */
export class CorruptFileError extends FloebergError {
  readonly code = 'FLOEBERG_CORRUPT_FILE'
}
/** A file that table metadata names is not there (removed, or expired while it was read). */
export class MissingFileError extends FloebergError {
  readonly code = 'FLOEBERG_MISSING_FILE'
}
/** A location is not a valid URI, or lies where this table may not read, write or delete. */
export class InvalidLocationError extends FloebergError {
  readonly code = 'FLOEBERG_INVALID_LOCATION'
}
/** Nothing is stored at that location. */
export class ObjectNotFoundError extends FloebergError {
  readonly code = 'FLOEBERG_OBJECT_NOT_FOUND'
}
/** A create-only put met an object that somebody else put there. */
export class ObjectExistsError extends FloebergError {
  readonly code = 'FLOEBERG_OBJECT_EXISTS'
}
/** The object is no longer the one whose etag was given. */
export class ObjectChangedError extends FloebergError {
  readonly code = 'FLOEBERG_OBJECT_CHANGED'
}
/** The store refuses these credentials, or this call with them. */
export class StorageDeniedError extends FloebergError {
  readonly code = 'FLOEBERG_STORAGE_DENIED'
}
/** The disk is full or the quota is used up. */
export class StorageQuotaError extends FloebergError {
  readonly code = 'FLOEBERG_STORAGE_QUOTA'
}
/** The store cannot be reached or is overloaded; the same call may succeed later. */
export class StorageUnavailableError extends FloebergError {
  readonly code = 'FLOEBERG_STORAGE_UNAVAILABLE'
}

// --- running -----------------------------------------------------------------------------------

/** The caller's AbortSignal stopped the operation; nothing of it is visible. */
export class OperationAbortedError extends FloebergError {
  readonly code = 'FLOEBERG_OPERATION_ABORTED'
}
/** The manager is closed or closing. */
export class ManagerClosedError extends FloebergError {
  readonly code = 'FLOEBERG_MANAGER_CLOSED'
}
/** The data plane failed. Its own text may quote rows and is never passed on. */
export class EngineError extends FloebergError {
  readonly code = 'FLOEBERG_ENGINE'
}
/** The data plane ran out of the memory that its configuration allows. */
export class EngineMemoryError extends FloebergError {
  readonly code = 'FLOEBERG_ENGINE_MEMORY'
}
/** An optional package, or a native library, that this call needs is not installed; the hint names it. */
export class MissingDependencyError extends FloebergError {
  readonly code = 'FLOEBERG_MISSING_DEPENDENCY'
}
