/** Where bytes live: the ObjectStore contract, for those who write a store, and what helps them. */
export type {
  CallOptions,
  DeleteReport,
  GetOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
  StorageCredential,
} from './object-store.ts'
export { isWithin, joinLocation, localPathOf, parseLocation, toFileUri } from './location.ts'
export type { ParsedLocation } from './location.ts'
export { LocalObjectStore } from './local.ts'
export { MemoryObjectStore } from './memory.ts'
export { withRetry } from './retry.ts'
export type { RetryOptions } from './retry.ts'
export { createFileAccess } from './staging.ts'
export type { FileAccessOptions } from './staging.ts'
