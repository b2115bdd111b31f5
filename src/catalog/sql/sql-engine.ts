/** Contract: one SQL database that holds catalogs. A dialect is an implementation of this. */
import type { Kysely } from 'kysely'
import type { CallOptions } from '../../storage/object-store.ts'
import type { CatalogTables } from './tables.ts'

export type CatalogDb = Kysely<CatalogTables>

export interface SqlEngine {
  /** CatalogUnavailableError, CatalogDeniedError, OperationAbortedError. `work` may run several times. */
  read<T>(work: (db: CatalogDb) => Promise<T>, options?: CallOptions): Promise<T>
  /**
   * One transaction, alone among all writers. `work` may run several times. Errors as `read`, all
   * of them with nothing changed, and CommitStateUnknownError when its end was not confirmed; a
   * `read` after that sees what it came to.
   */
  write<T>(work: (db: CatalogDb) => Promise<T>, options?: CallOptions): Promise<T>
  close(): Promise<void>
}
