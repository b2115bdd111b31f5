/** Contract: a scan as a view on a connection that the caller holds. */
import type { ReadRequest } from './data-plane.ts'

/**
 * A connection of the caller's own to an engine, such as a `DuckDBConnection` of `@duckdb/node-api`.
 * Recognised by shape: it may be of another version than ours.
 */
export interface EngineConnection {
  /** Runs one statement to its end. */
  run(sql: string): Promise<unknown>
}

/** Where a view is to be made, and what it is to be called. */
export interface ViewTarget {
  /** Runs nothing else meanwhile whose result is still being streamed. */
  readonly connection: EngineConnection
  /** One identifier, taken as it is. */
  readonly name: string
}

/** A temporary view on the caller's connection, and the files that it reads. */
export interface ScanView {
  /** As it was asked for; in SQL it has to be quoted unless it is a plain word. */
  readonly name: string
  /**
   * Drops the view, unless another one has its name by now, and gives the files back. Idempotent; does
   * well on a connection that is closed. EngineError when the connection cannot drop it, as within a
   * transaction that has failed: nothing is given back then, and it can be tried again.
   */
  release(): Promise<void>
  /** As `release`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Making views, where an engine can. */
export interface ScanViews {
  /**
   * Makes a temporary view of what the request yields, and holds its files until it is released. When it
   * throws, nothing is left on the connection. Absent where the engine has no connections to give.
   *
   * Throws InvalidArgumentError for what is no connection of this engine, and for a name that something
   * on the connection has already; UnsupportedFeatureError; StorageDeniedError when the connection may
   * not read the files; MissingFileError; CorruptFileError; EngineError.
   */
  createView?(request: ReadRequest, target: ViewTarget): Promise<ScanView>
}
