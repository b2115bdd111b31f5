/** The changes of snapshots and refs that are to be made in one commit, one after the other. */
import { InvalidArgumentError, locateError } from '../errors.ts'
import { targetId } from '../format/refs/apply-ref-edit.ts'
import { refOf } from '../format/refs/refs.ts'
import type { RefTarget } from '../format/refs/ref-edit.ts'
import { MAIN_BRANCH } from '../format/snapshot.ts'
import type { RefChange, PickResult, SnapshotEdit } from '../table/operations/manage-snapshots.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import type { TableHandle } from '../table/table.ts'
import { parseSnapshotId, parseTime } from '../table/time-travel.ts'
import { snapshotBefore, stagedUnder } from './find-snapshot.ts'
import {
  branchRetention,
  checkRefName,
  tagRetention,
  type BranchRetention,
  type TagRetention,
} from './ref-options.ts'

/** Which snapshot a ref is to name; by default the current one. */
export interface RefTargetOptions {
  /** A bigint, or its decimal digits. */
  readonly snapshotId?: bigint | string | undefined
  /** What this branch or tag names. */
  readonly ref?: string | undefined
}

/** Which branch is meant; default: main. */
export interface BranchOptions {
  readonly branch?: string | undefined
}

/** How a branch goes back. */
export interface RollbackOptions extends BranchOptions {
  /** Also to a snapshot that is not in the branch's history. Default: false. */
  readonly force?: boolean | undefined
}

/** How changes of snapshots and refs are committed. */
export interface ManageSnapshotsCommitOptions {
  /** Overrides of the table's `commit.retry.*` for this call. */
  readonly retry?: CommitRetryOptions | undefined
  /** Honoured until the commit is sent, and between attempts. */
  readonly signal?: AbortSignal | undefined
}

/** What changes of snapshots and refs came to. */
export interface ManageSnapshotsResult {
  /** Refs that are not as they were; empty when there was nothing to do. */
  readonly refs: readonly RefChange[]
  /** What became of each cherry-pick and publication, in their order. */
  readonly picks: readonly PickResult[]
  /** How often the commit was sent; 0 when there was nothing to do. */
  readonly attempts: number
}

/** Carries the changes out. */
export type CommitSnapshotEdits = (
  edits: readonly SnapshotEdit[],
  options: ManageSnapshotsCommitOptions,
) => Promise<ManageSnapshotsResult>

/**
 * Collects changes of a table's branches, tags and current snapshot; `commit` makes them, all or none.
 *
 * Each call looks up at once, on the state that the handle shows, which snapshot it means, and throws
 * at once when it names none: a tag keeps what was current when it was asked for. Changes see what the
 * ones before them made. Expiry is not among them, as it deletes files: see `expireSnapshots`.
 */
export class ManageSnapshots {
  readonly #table: TableHandle<never, unknown>
  readonly #send: CommitSnapshotEdits
  readonly #edits: SnapshotEdit[] = []
  /** What changes so far have made of refs: a snapshot, one that the commit will tell, or null for gone. */
  readonly #moved = new Map<string, bigint | 'later' | null>()
  #isCommitted = false

  /** @internal */
  constructor(table: TableHandle<never, unknown>, send: CommitSnapshotEdits) {
    this.#table = table
    this.#send = send
  }

  /** Names a snapshot, by default the current one. Refused at commit where the name is taken. */
  createTag(name: string, options: RefTargetOptions & TagRetention = {}): this {
    return this.#setRef('create_ref', 'tag', name, options)
  }

  /** Starts a branch from a snapshot, by default the current one; on an empty table, from nothing. */
  createBranch(name: string, options: RefTargetOptions & BranchRetention = {}): this {
    return this.#setRef('create_ref', 'branch', name, options)
  }

  /** Moves a tag to a snapshot, by default the current one. Retention that is not given stays. */
  replaceTag(name: string, options: RefTargetOptions & TagRetention = {}): this {
    return this.#setRef('replace_ref', 'tag', name, options)
  }

  /** Moves a branch to any snapshot, by default main's. Retention that is not given stays. */
  replaceBranch(name: string, options: RefTargetOptions & BranchRetention = {}): this {
    return this.#setRef('replace_ref', 'branch', name, options)
  }

  /** The snapshot stays until it is expired. */
  removeTag(name: string): this {
    this.#moved.set(checkRefName(name), null)
    return this.#add({ type: 'remove_ref', kind: 'tag', name })
  }

  /** Its snapshots stay until they are expired. main is never removed. */
  removeBranch(name: string): this {
    this.#moved.set(checkRefName(name), null)
    return this.#add({ type: 'remove_ref', kind: 'branch', name })
  }

  /** Its head and retention stay. main keeps its name. */
  renameBranch(name: string, newName: string): this {
    const head = this.#named(checkRefName(name))
    this.#moved.set(checkRefName(newName), typeof head === 'bigint' ? head : 'later').set(name, null)
    return this.#add({ type: 'rename_branch', name, newName })
  }

  /** How long a branch or tag is kept; null takes a setting away, what is not given stays. */
  setRetention(name: string, retention: BranchRetention): this {
    return this.#add({
      type: 'set_retention',
      name: checkRefName(name),
      retention: branchRetention(retention),
    })
  }

  /**
   * Moves a branch on to what another branch or a tag names, if it has not moved elsewhere since:
   * NotAnAncestorError. main may also be empty.
   */
  fastForward(branch: string, to: string): this {
    const target = this.#named(checkRefName(to))
    this.#move(checkRefName(branch), target)
    return this.#add({ type: 'fast_forward', branch, to, target })
  }

  /**
   * Brings what a snapshot did to a branch that does not have it: an append, or an overwrite of
   * partitions that have not changed since. Where the branch's head is its parent, the branch moves
   * on to it, whatever it did; else its files come in by a new snapshot. CherryPickError.
   */
  cherryPick(snapshotId: bigint | string, options: BranchOptions = {}): this {
    const branch = checkRefName(options.branch ?? MAIN_BRANCH)
    const id = this.#snapshot(snapshotId)
    this.#moved.set(branch, 'later')
    return this.#add({ type: 'cherry_pick', branch, snapshotId: id })
  }

  /**
   * Cherry-picks the snapshot that was staged under a `wap.id`. NoSuchSnapshotError when there is none;
   * InvalidArgumentError when several wait under the same one.
   */
  publish(wapId: string, options: BranchOptions = {}): this {
    return this.cherryPick(stagedUnder(this.#table, wapId, options.branch ?? MAIN_BRANCH), options)
  }

  /** Makes any snapshot that is kept the current one, whatever the history. */
  setCurrentSnapshot(snapshot: RefTargetOptions): this {
    if (snapshot.snapshotId === undefined && snapshot.ref === undefined) {
      throw new InvalidArgumentError('setCurrentSnapshot needs a snapshotId or a ref')
    }
    const target = this.#target(snapshot)
    this.#move(MAIN_BRANCH, target)
    return this.#add({ type: 'set_current', branch: MAIN_BRANCH, target })
  }

  /** Makes an ancestor of the branch's head its head. NotAnAncestorError, unless forced. */
  rollbackTo(snapshotId: bigint | string, options: RollbackOptions = {}): this {
    return this.#rollback(this.#snapshot(snapshotId), options)
  }

  /**
   * Goes back to the newest ancestor of the branch's head that is older than a time. With `force`, to
   * what was current on main at that time, also where later rollbacks have left it. NoSuchSnapshotError.
   */
  rollbackToTimestamp(time: Date | string, options: RollbackOptions = {}): this {
    return this.#rollback(snapshotBefore(this.#table, parseTime(time), options), options)
  }

  /**
   * Makes all changes, in their order, in one commit; the handle moves on. Nothing is sent where they
   * change nothing. Errors of each change; CommitConflictError when a ref that is to be moved or
   * removed was moved by others, or retries are used up; CommitStateUnknownError; OperationAbortedError.
   */
  async commit(options: ManageSnapshotsCommitOptions = {}): Promise<ManageSnapshotsResult> {
    if (this.#isCommitted) {
      throw new InvalidArgumentError('commit was called on these changes before', {
        table: this.#table.name,
        hint: 'Call manageSnapshots again: which snapshots are meant is looked up when changes are asked for.',
      })
    }
    this.#isCommitted = true
    return this.#send([...this.#edits], options)
  }

  #add(edit: SnapshotEdit): this {
    this.#edits.push(edit)
    return this
  }

  #setRef(
    type: 'create_ref' | 'replace_ref',
    kind: 'branch' | 'tag',
    name: string,
    options: RefTargetOptions & BranchRetention,
  ): this {
    const target = this.#target(options, type === 'create_ref' && kind === 'branch')
    this.#move(checkRefName(name), target)
    const retention = kind === 'tag' ? tagRetention(options) : branchRetention(options)
    return this.#add({ type, kind, name, target, retention })
  }

  #rollback(snapshotId: bigint, options: RollbackOptions): this {
    const branch = checkRefName(options.branch ?? MAIN_BRANCH)
    this.#moved.set(branch, snapshotId)
    return this.#add({ type: 'rollback', branch, target: snapshotId, force: options.force ?? false })
  }

  #move(name: string, target: RefTarget): void {
    this.#moved.set(name, typeof target === 'bigint' ? target : 'later')
  }

  #target({ snapshotId, ref }: RefTargetOptions, mayBeEmpty = false): RefTarget {
    if (snapshotId !== undefined && ref !== undefined) {
      throw new InvalidArgumentError('snapshotId and ref exclude each other')
    }
    if (snapshotId !== undefined) return this.#snapshot(snapshotId)
    if (mayBeEmpty && ref === undefined && refOf(this.#table.metadata.refs, MAIN_BRANCH) === undefined) {
      return { ref: MAIN_BRANCH }
    }
    return this.#named(ref === undefined ? MAIN_BRANCH : checkRefName(ref))
  }

  /** What a ref names now: pinned, unless an earlier change of this commit is yet to make it. */
  #named(ref: string): RefTarget {
    const moved = this.#moved.get(ref)
    if (moved === undefined) return this.#lookUp({ ref })
    return typeof moved === 'bigint' ? moved : { ref }
  }

  #snapshot(id: bigint | string): bigint {
    return this.#lookUp(parseSnapshotId(id))
  }

  #lookUp(target: RefTarget): bigint {
    try {
      return targetId(this.#table.metadata, target)
    } catch (error) {
      locateError(error, { table: this.#table.name })
      throw error
    }
  }
}
