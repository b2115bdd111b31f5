/** What a table needs from outside to work: everything with an effect is injected here, once. */
import type { Catalog, Properties, TableIdentifier } from '../catalog/catalog.ts'
import type { ByteCodecs } from '../compression.ts'
import type { DataPlane } from '../engine/data-plane.ts'
import type { FileAccess } from '../engine/file-access.ts'
import type { ObjectStore, StorageCredential } from '../storage/object-store.ts'
import type { Telemetry } from '../telemetry.ts'
import type { LruCache } from './lru-cache.ts'

/** Time, as operations see it. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number
  /** OperationAbortedError when the signal fires first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** Chance, as operations need it: ids and jitter. */
export interface Random {
  /** A version 4 UUID. */
  uuid(): string
  /** A positive 63-bit id that no snapshot of any table is likely to have. */
  snapshotId(): bigint
  /** Uniform in [0, 1): the jitter of waits. */
  fraction(): number
}

/** A table's own storage: the store for metadata, the file access for the data plane. */
export interface TableStorage {
  readonly store: ObjectStore
  readonly files: FileAccess
}

export interface StorageRequest {
  readonly identifier?: TableIdentifier
  readonly location: string
  readonly config: Properties
  readonly credentials: readonly StorageCredential[]
}

/** Limits and defaults that a manager sets for all of its tables; see the commit loop. */
export interface CommitPolicy {
  readonly retries?: number | undefined
  readonly minWaitMs?: number | undefined
  readonly maxWaitMs?: number | undefined
  readonly totalTimeoutMs?: number | undefined
  /** No table or call may retry more often than this. */
  readonly maxRetries?: number | undefined
}

/** An allowed span, both ends included; an end that is left out is open. */
export interface Bounds {
  readonly min?: number | undefined
  readonly max?: number | undefined
}

/** How long snapshots are kept where neither call, ref nor table says otherwise, and what is allowed. */
export interface RetentionSettings {
  /** Default 7. */
  readonly maxAgeDays?: number | undefined
  /** So many of every branch are kept at least, whatever their age. Default 10. */
  readonly minSnapshotsToKeep?: number | undefined
  /** What an administrator allows, wherever a value comes from; one outside is refused. */
  readonly bounds?:
    { readonly maxAgeDays?: Bounds | undefined; readonly minSnapshotsToKeep?: Bounds | undefined } | undefined
}

export interface Runtime {
  readonly catalog: Catalog
  /** Opened on first use: many callers never touch rows. */
  readonly dataPlane: () => Promise<DataPlane>
  readonly openStorage: (request: StorageRequest) => Promise<TableStorage>
  readonly clock: Clock
  readonly random: Random
  readonly codecs: ByteCodecs
  readonly commitPolicy: CommitPolicy
  readonly retention: RetentionSettings
  /** Properties of new tables, below those that they are created with. */
  readonly newTableProperties: Properties
  /** Locations besides the table's own that its metadata may point into. */
  readonly extraRoots: readonly string[]
  readonly telemetry: Telemetry
  /** Fires when the manager closes: scans stop, new work is refused. */
  readonly closing: AbortSignal
  /** Manifest lists by location: immutable files, so never stale. */
  readonly manifestLists: LruCache<string, Uint8Array>
}
