/** What the operating system's error codes mean to a caller of the local store. */
import {
  FloebergError,
  InvalidLocationError,
  ObjectExistsError,
  ObjectNotFoundError,
  StorageDeniedError,
  StorageQuotaError,
  StorageUnavailableError,
  UnsupportedFeatureError,
} from '../errors.ts'
import { maskLocation } from './location.ts'

/** The `code` of a Node.js system error, such as `ENOENT`; undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The typed error of a failed file operation; what is typed already passes through. */
export function localError(error: unknown, location: string): Error {
  if (error instanceof FloebergError) return error
  const details = { file: maskLocation(location), cause: withoutPath(error) }
  switch (systemErrorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new ObjectNotFoundError('No such file', details)
    case 'EEXIST':
      return new ObjectExistsError('The file exists already', details)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ERR_ACCESS_DENIED':
      return new StorageDeniedError('The operating system denies access to the file', {
        ...details,
        hint: "Check the folder's owner and permissions, and that the disk is not mounted read-only.",
      })
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new StorageQuotaError('The disk is full or the quota is used up', {
        ...details,
        hint: 'Free some space and run the operation again.',
      })
    case 'EISDIR':
    case 'ENAMETOOLONG':
    case 'ELOOP':
    case 'EINVAL':
      return new InvalidLocationError('The location cannot be a file', details)
    // EAGAIN among them: a file that another machine holds open, over Samba, say, is given up when asked for.
    default:
      return new StorageUnavailableError('The file could not be read or written', details)
  }
}

/** What the system said without the path, in which partition values stand. */
function withoutPath(error: unknown): unknown {
  const code = systemErrorCode(error)
  if (!(error instanceof Error) || code === undefined) return error
  const call = 'syscall' in error ? ` in ${String(error.syscall)}` : ''
  return Object.assign(new Error(`${code}${call}`), { code })
}

/** What link(2) answers on FAT, exFAT and some network mounts, for a file that was just written beside. */
const NO_HARD_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** File systems without hard links have no way to create a file atomically and only once. */
export function linkError(error: unknown, location: string): Error {
  if (!NO_HARD_LINKS.has(systemErrorCode(error))) return localError(error, location)
  return new UnsupportedFeatureError('The file system has no hard links, which safe commits need', {
    file: maskLocation(location),
    hint: 'Put the warehouse on another file system.',
    cause: withoutPath(error),
  })
}

/** Runs a call on the local disk for a location; what fails there is typed. */
export async function inStore<T>(location: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw localError(error, location)
  }
}
