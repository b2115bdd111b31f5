/** What SQLite's result codes mean to a catalog (sqlite.org, "Result and Error Codes"). */
import {
  CatalogDeniedError,
  CatalogUnavailableError,
  CorruptFileError,
  FloebergError,
  StorageQuotaError,
} from '../../errors.ts'

const BUSY = 5
const LOCKED = 6

/** The primary result code; undefined when the error is not SQLite's. */
export function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  // The upper bits refine the code.
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}

/** Somebody else holds the lock that the statement needs; the same statement may succeed later. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === BUSY || code === LOCKED
}

/** For failures after which nothing was changed. */
export function sqliteError(error: unknown, file: string): Error {
  if (error instanceof FloebergError) return error
  const details = { file, cause: error }
  switch (resultCode(error)) {
    case BUSY:
    case LOCKED:
      return new CatalogUnavailableError('Other processes keep the catalog database locked', {
        ...details,
        hint: 'Try again; if it persists, look for a process that holds a transaction open.',
      })
    case 3: // PERM
    case 8: // READONLY
    case 23: // AUTH
      return new CatalogDeniedError('The catalog database cannot be written', {
        ...details,
        hint: 'Check the owner and permissions of the file and its folder.',
      })
    case 13: // FULL
      return new StorageQuotaError('The disk of the catalog database is full', details)
    case 11: // CORRUPT
    case 26: // NOTADB
      return new CorruptFileError('The catalog database is damaged, or is no SQLite database', details)
    case 14: // CANTOPEN
      return new CatalogUnavailableError('The catalog database cannot be opened', {
        ...details,
        hint: 'Its folder must exist and be writable.',
      })
    default:
      return new CatalogUnavailableError('The catalog database failed', details)
  }
}
