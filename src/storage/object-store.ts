/**
 * Contract: where bytes live. Locations are full URIs (`file:///…`, `s3://bucket/key`).
 *
 * Errors of every call: ObjectNotFoundError, ObjectExistsError, ObjectChangedError,
 * StorageDeniedError, StorageQuotaError, StorageUnavailableError (the only one worth a retry),
 * InvalidLocationError, OperationAbortedError.
 */

export interface CallOptions {
  /** Stops the call with OperationAbortedError; a put that was sent may still take effect. */
  readonly signal?: AbortSignal | undefined
}

/** What a store says of an object without its bytes. */
export interface ObjectInfo {
  readonly location: string
  /** Bytes. */
  readonly size: number
  /** Opaque; changes whenever the object's bytes are replaced. */
  readonly etag: string
  /** By the store's own clock. */
  readonly lastModified: Date
}

/** Which part of which object is read. */
export interface GetOptions extends CallOptions {
  /** Bytes [start, end); end may lie past the object's end. A negative start counts from the end. */
  readonly range?: { readonly start: number; readonly end?: number } | undefined
  /** ObjectChangedError when the object is no longer this one. */
  readonly ifMatch?: string | undefined
}

/** How an object is put. */
export interface PutOptions extends CallOptions {
  /**
   * Create only: ObjectExistsError when somebody else's object is there. Carries an owner token
   * with the object, so that a lost answer is decided by whose object it is, never by its bytes.
   */
  readonly ifAbsent?: boolean | undefined
  /**
   * The owner token, for whoever sends one put several times: the same in every attempt. An object
   * that carries it is ours, and the put has succeeded. Default: a fresh one for each call.
   */
  readonly owner?: string | undefined
  /**
   * For a store that `heedsAfter`, and an object that leads to others which are still on their way: its
   * bytes may be brought to the store at once, but nobody finds it before this is fulfilled. When it is
   * rejected, nothing is put and the call fails with its reason. What it waits for may be other puts to
   * this store, which must not wait for this one. A call may fail before it looks at it: whoever gives
   * it handles its rejection.
   */
  readonly after?: Promise<void> | undefined
}

/** Bytes in memory, or a file on the local disk: it is moved or uploaded, and may be gone afterwards. */
export type PutBody = Uint8Array | { readonly localPath: string }

/** What a bulk delete did. */
export interface DeleteReport {
  /** Including those that were not there: deleting what is gone is success. */
  readonly deleted: readonly string[]
  readonly failed: readonly { readonly location: string; readonly error: Error }[]
}

/** A store of immutable objects by location: see the head of this file for its errors. */
export interface ObjectStore {
  /** Schemes this store answers for, without `:`. */
  readonly schemes: readonly string[]
  /**
   * Whether `put` knows of `after`. Whoever puts to a store that does not say so waits first. A store
   * around another, or that extends one, says so only if it passes `after` on.
   */
  readonly heedsAfter?: boolean | undefined
  head(location: string, options?: CallOptions): Promise<ObjectInfo>
  get(location: string, options?: GetOptions): Promise<Uint8Array>
  /** All or nothing: no partly written object is ever seen under the location. Durable on return. */
  put(location: string, body: PutBody, options?: PutOptions): Promise<ObjectInfo>
  /**
   * Every object below a prefix that ends in `/`, recursively, in no order that callers may count
   * on. A prefix that is not there is empty.
   */
  list(prefix: string, options?: CallOptions): AsyncIterable<ObjectInfo>
  delete(locations: readonly string[], options?: CallOptions): Promise<DeleteReport>
  /**
   * What killed processes left of unfinished puts below a prefix, and running ones have under way:
   * no objects, so `list` never shows them, yet `delete` takes them. Absent on stores that leave
   * nothing behind.
   */
  listTemporary?(prefix: string, options?: CallOptions): AsyncIterable<ObjectInfo>
  /** The path of an object on this machine's disk; absent on stores that are elsewhere. */
  localPath?(location: string): string
  close?(): Promise<void>
}

/** What a catalog handed out for one table: properties and short-lived credentials by prefix. */
export interface StorageCredential {
  /** The longest matching prefix wins. */
  readonly prefix: string
  readonly config: Readonly<Record<string, string>>
}
