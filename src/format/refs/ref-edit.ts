/** Changes of a table's branches and tags that need no new snapshot, as plain values. */
import type { SnapshotRef } from '../snapshot.ts'

/** How long a ref and its history are kept; null takes a setting away, undefined leaves it as it is. */
export interface RefRetention {
  /** Age at which the ref itself goes, ms; never for main. */
  readonly maxRefAgeMs?: bigint | null | undefined
  /** Branches: age up to which their snapshots are kept, ms. */
  readonly maxSnapshotAgeMs?: bigint | null | undefined
  /** Branches: how many of their snapshots are kept however old they are. */
  readonly minSnapshotsToKeep?: number | null | undefined
}

/** A snapshot that is known, or whatever a ref names when its turn has come. */
export type RefTarget = bigint | { readonly ref: string }

/** One change of refs. What it names was looked up when it was asked for. */
export type RefEdit =
  | {
      readonly type: 'create_ref'
      readonly kind: SnapshotRef['type']
      readonly name: string
      readonly target: RefTarget
      readonly retention: RefRetention
    }
  | {
      readonly type: 'replace_ref'
      readonly kind: SnapshotRef['type']
      readonly name: string
      readonly target: RefTarget
      readonly retention: RefRetention
    }
  | { readonly type: 'remove_ref'; readonly kind: SnapshotRef['type']; readonly name: string }
  | { readonly type: 'rename_branch'; readonly name: string; readonly newName: string }
  | { readonly type: 'set_retention'; readonly name: string; readonly retention: RefRetention }
  | {
      readonly type: 'fast_forward'
      readonly branch: string
      /** The ref to follow, for messages. */
      readonly to: string
      readonly target: RefTarget
    }
  | { readonly type: 'set_current'; readonly branch: string; readonly target: RefTarget }
  | {
      readonly type: 'rollback'
      readonly branch: string
      readonly target: RefTarget
      /** Also to a snapshot that the branch's history does not lead to. */
      readonly force: boolean
    }
