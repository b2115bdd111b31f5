/**
 * Changes of branches and tags, and picks of snapshots, all in one commit. They are carried out in
 * order on a copy of the state; what is sent is the difference that this makes.
 */
import {
  CommitConflictError,
  FloebergError,
  InvalidArgumentError,
  NoSuchRefError,
  NoSuchSnapshotError,
  NotAnAncestorError,
  RefAlreadyExistsError,
} from '../../errors.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { applyUpdates, type TableUpdate } from '../../format/metadata/updates.ts'
import { snapshotById } from '../../format/metadata/views.ts'
import { applyRefEdit, targetId } from '../../format/refs/apply-ref-edit.ts'
import { refOf, refUnchanged, sameRef, type Refs } from '../../format/refs/refs.ts'
import type { RefEdit } from '../../format/refs/ref-edit.ts'
import { MAIN_BRANCH, type Snapshot, type SnapshotRef } from '../../format/snapshot.ts'
import type { CommitAttempt, CommitChange } from '../commit.ts'
import { CherryPick } from './cherry-pick.ts'
import { EmptySnapshot } from './empty-snapshot.ts'
import { refWitness } from './ref-witness.ts'
import type { SnapshotMaker, SnapshotSite } from './snapshot-maker.ts'

/** A change of refs, or one that may bring a snapshot of its own. */
export type SnapshotEdit =
  RefEdit | { readonly type: 'cherry_pick'; readonly branch: string; readonly snapshotId: bigint }

/** A ref that a commit changed. */
export interface RefChange {
  readonly name: string
  /** null: it was not there. */
  readonly before: SnapshotRef | null
  /** null: it is not there any more. */
  readonly after: SnapshotRef | null
}

/** How a picked snapshot came to its branch. */
export interface PickResult {
  readonly branch: string
  readonly sourceSnapshotId: bigint
  /** What the branch named then: the picked snapshot itself where the branch only moved on to it. */
  readonly snapshotId: bigint
}

/** What all changes together come to on one state of the table. */
export interface ManagedSnapshots {
  readonly refs: readonly RefChange[]
  readonly picks: readonly PickResult[]
  /** Snapshots to be added. */
  readonly added: readonly Snapshot[]
}

const NOTHING: ManagedSnapshots = { refs: [], picks: [], added: [] }

export class ManageSnapshotsChange implements CommitChange {
  readonly operation = 'change of snapshots and refs'
  readonly #site: SnapshotSite
  readonly #edits: readonly SnapshotEdit[]
  /** By the place of the edit that needs it. */
  readonly #makers = new Map<number, SnapshotMaker>()
  #outcome: ManagedSnapshots = NOTHING
  /** What the first state had of what others must not have changed since. */
  #witness: string | null = null

  constructor(site: SnapshotSite, edits: readonly SnapshotEdit[]) {
    this.#site = site
    this.#edits = edits
  }

  /** The snapshot that tells whether a commit landed; null where refs alone change. */
  get snapshotId(): bigint | null {
    return this.#outcome.added[0]?.['snapshot-id'] ?? null
  }

  get snapshotIds(): readonly bigint[] {
    return this.#outcome.added.map((snapshot) => snapshot['snapshot-id'])
  }

  /** What the last attempt came to. */
  get outcome(): ManagedSnapshots {
    return this.#outcome
  }

  async apply(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<CommitAttempt | null> {
    const isOwn = (id: bigint): boolean => this.#site.transaction?.isOwn(id) ?? false
    const witness = refWitness(this.#edits, base, isOwn)
    const isFirst = this.#witness === null
    this.#witness ??= witness
    if (witness !== this.#witness) throw clash(null)
    try {
      this.#outcome = await this.#carryOut(base, attempt, mayDiscard)
    } catch (error) {
      if (isFirst || !(error instanceof FloebergError) || !isAboutState(error)) throw error
      throw clash(error)
    }
    const { refs, added } = this.#outcome
    if (refs.length === 0 && added.length === 0) return null
    return {
      updates: updatesFor(this.#outcome, base),
      requirements: refs.map(({ name }) => refUnchanged(base.refs, name)),
    }
  }

  isApplied({ refs }: TableMetadata): boolean {
    return this.#outcome.refs.every(({ name, after }) => {
      const now = refOf(refs, name)
      return after === null ? now === undefined : now !== undefined && sameRef(now, after)
    })
  }

  /** A snapshot that expired while its files were brought in: the next look says so. */
  isOutdated(_base: TableMetadata, now: TableMetadata): boolean {
    return this.#outcome.picks.some(({ sourceSnapshotId }) => snapshotById(now, sourceSnapshotId) === null)
  }

  async tidy(): Promise<void> {
    for (const maker of this.#makers.values()) await maker.tidy()
  }

  async discardAttempt(): Promise<void> {
    for (const maker of this.#makers.values()) await maker.discardAttempt()
  }

  async discardAll(): Promise<void> {
    for (const maker of this.#makers.values()) await maker.discardAll()
  }

  writtenFiles(): readonly string[] {
    return [...this.#makers.values()].flatMap((maker) => maker.writtenFiles())
  }

  async #carryOut(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<ManagedSnapshots> {
    const stage = new Stage(base)
    const picks: PickResult[] = []
    for (const [at, edit] of this.#edits.entries()) {
      if (edit.type === 'cherry_pick') {
        const { branch, snapshotId: sourceSnapshotId } = edit
        const maker = this.#maker(at, () => new CherryPick(this.#site, sourceSnapshotId, branch))
        const { head, added } = await maker.apply(stage.metadata, attempt, mayDiscard)
        stage.add(added)
        stage.setRefs(applyRefEdit(stage.metadata, { type: 'set_current', branch, target: head }))
        picks.push({ branch, sourceSnapshotId, snapshotId: head })
      } else if (startsEmpty(edit, stage.metadata)) {
        const maker = this.#maker(at, () => new EmptySnapshot(this.#site))
        const { head, added } = await maker.apply(stage.metadata, attempt, mayDiscard)
        stage.add(added)
        stage.setRefs(applyRefEdit(stage.metadata, { ...edit, target: head }))
      } else {
        stage.setRefs(applyRefEdit(stage.metadata, edit))
      }
    }
    return { refs: refChanges(base.refs, stage.metadata.refs), picks, added: stage.added }
  }

  #maker(at: number, make: () => SnapshotMaker): SnapshotMaker {
    const maker = this.#makers.get(at) ?? make()
    this.#makers.set(at, maker)
    return maker
  }
}

/** NoSuchSnapshotError when a state does not have a snapshot that a change is about. */
export function refuseMissing(edits: readonly SnapshotEdit[], metadata: TableMetadata): void {
  for (const edit of edits) {
    if (edit.type === 'cherry_pick') targetId(metadata, edit.snapshotId)
    else if ('target' in edit && typeof edit.target === 'bigint') targetId(metadata, edit.target)
  }
}

/** The state as it will be, as far as the changes have been carried out. */
class Stage {
  metadata: TableMetadata
  readonly added: Snapshot[] = []

  constructor(base: TableMetadata) {
    this.metadata = base
  }

  add(snapshot: Snapshot | null): void {
    if (snapshot === null) return
    this.added.push(snapshot)
    this.#apply([{ action: 'add-snapshot', snapshot }])
  }

  setRefs(refs: Refs): void {
    this.#apply(refUpdates(refChanges(this.metadata.refs, refs)))
  }

  #apply(updates: readonly TableUpdate[]): void {
    this.metadata = applyUpdates(this.metadata, updates, { nowMs: this.metadata['last-updated-ms'] })
  }
}

/** A branch of a table without rows has a snapshot of its own, as a ref always names one. */
function startsEmpty(
  edit: RefEdit,
  { refs }: TableMetadata,
): edit is Extract<RefEdit, { type: 'create_ref' }> {
  if (edit.type !== 'create_ref' || edit.kind !== 'branch' || typeof edit.target === 'bigint') return false
  return (
    edit.target.ref === MAIN_BRANCH &&
    [MAIN_BRANCH, edit.name].every((name) => refOf(refs, name) === undefined)
  )
}

function refChanges(before: Refs, after: Refs): readonly RefChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((name) => {
    const was = refOf(before, name)
    const is = refOf(after, name)
    if (was !== undefined && is !== undefined && sameRef(was, is)) return []
    return [{ name, before: was ?? null, after: is ?? null }]
  })
}

function updatesFor({ added, refs, picks }: ManagedSnapshots, base: TableMetadata): readonly TableUpdate[] {
  return [
    ...picks.flatMap((pick) => stillThere(pick, base.refs)),
    ...added.map((snapshot): TableUpdate => ({ action: 'add-snapshot', snapshot })),
    ...refUpdates(refs),
  ]
}

/**
 * A snapshot whose files come in by another must still be there when the commit applies, or its files
 * may be deleted already. No requirement can say so; but a ref is only set to what is there, and this
 * one is gone again before anybody sees it.
 */
function stillThere({ sourceSnapshotId, snapshotId }: PickResult, refs: Refs): readonly TableUpdate[] {
  if (snapshotId === sourceSnapshotId) return []
  let name = `picked-${sourceSnapshotId}`
  while (refOf(refs, name) !== undefined) name += '-'
  return [
    { action: 'set-snapshot-ref', 'ref-name': name, type: 'tag', 'snapshot-id': sourceSnapshotId },
    { action: 'remove-snapshot-ref', 'ref-name': name },
  ]
}

/** A ref of the other kind is a new one: the old goes first. */
function refUpdates(changes: readonly RefChange[]): readonly TableUpdate[] {
  return changes.flatMap(({ name, before, after }): readonly TableUpdate[] => {
    const removal: TableUpdate = { action: 'remove-snapshot-ref', 'ref-name': name }
    if (after === null) return [removal]
    const setting: TableUpdate = { action: 'set-snapshot-ref', 'ref-name': name, ...after }
    return before !== null && before.type !== after.type ? [removal, setting] : [setting]
  })
}

/** Errors that the first state did not have: others' commits are what led to them. */
function isAboutState(error: FloebergError): boolean {
  return (
    error instanceof NoSuchRefError ||
    error instanceof NoSuchSnapshotError ||
    error instanceof NotAnAncestorError ||
    error instanceof RefAlreadyExistsError ||
    error instanceof InvalidArgumentError
  )
}

function clash(cause: FloebergError | null): CommitConflictError {
  const why = cause?.message ?? 'a branch or tag that the changes are about names something else by now'
  return new CommitConflictError(`Another commit came first: ${why}`, {
    hint: 'Nothing was changed. Refresh the table, look at its refs, and decide anew.',
    cause: cause ?? undefined,
  })
}
