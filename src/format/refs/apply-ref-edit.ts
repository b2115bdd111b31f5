/** What becomes of a table's refs by one change (Iceberg spec, "Snapshot References"). Pure. */
import {
  InvalidArgumentError,
  NoSuchRefError,
  NoSuchSnapshotError,
  NotAnAncestorError,
  RefAlreadyExistsError,
} from '../../errors.ts'
import type { TableMetadata } from '../metadata/table-metadata.ts'
import { ancestorsOf, snapshotById } from '../metadata/views.ts'
import { MAIN_BRANCH, type SnapshotRef } from '../snapshot.ts'
import { isAncestor, nearestAncestors } from './ancestry.ts'
import type { RefEdit, RefRetention, RefTarget } from './ref-edit.ts'
import { refOf, withoutRef, withRef, type Refs } from './refs.ts'

/**
 * The refs after the change; the very same object when it changes nothing.
 *
 * RefAlreadyExistsError, NoSuchRefError, NoSuchSnapshotError, NotAnAncestorError (both with the
 * nearest snapshots that would do), InvalidArgumentError for what no table allows.
 */
export function applyRefEdit(metadata: TableMetadata, edit: RefEdit): Refs {
  const { refs } = metadata
  switch (edit.type) {
    case 'create_ref':
      return createRef(metadata, edit)
    case 'replace_ref': {
      const before = refOfKind(refs, edit.kind, edit.name)
      const id = targetId(metadata, edit.target)
      return withRef(refs, edit.name, retained({ ...before, 'snapshot-id': id }, edit.retention, edit.name))
    }
    case 'remove_ref':
      refOfKind(refs, edit.kind, edit.name)
      refuseMain(edit.name, 'removed')
      return withoutRef(refs, edit.name)
    case 'rename_branch':
      return renameBranch(refs, edit.name, edit.newName)
    case 'set_retention':
      return withRef(refs, edit.name, retained(existing(refs, edit.name), edit.retention, edit.name))
    case 'fast_forward':
      return fastForward(metadata, edit)
    case 'set_current':
      return moveBranch(metadata, edit.branch, targetId(metadata, edit.target))
    case 'rollback':
      return rollback(metadata, edit)
    default: {
      const unknown: { readonly type: string } = edit satisfies never
      throw new InvalidArgumentError(`A change of refs of the type '${unknown.type}' is not known`)
    }
  }
}

/** The snapshot that is meant. NoSuchRefError, NoSuchSnapshotError. */
export function targetId(metadata: TableMetadata, target: RefTarget): bigint {
  if (typeof target === 'bigint') {
    if (snapshotById(metadata, target) === null) throw noSuchSnapshot(metadata, MAIN_BRANCH, target)
    return target
  }
  const ref = refOf(metadata.refs, target.ref)
  if (ref !== undefined) return ref['snapshot-id']
  if (target.ref !== MAIN_BRANCH) throw noSuchRef(metadata.refs, target.ref)
  throw new NoSuchSnapshotError('The table has no current snapshot', {
    hint: 'Write rows first, or name the snapshot.',
  })
}

/** NoSuchSnapshotError with the snapshots that are nearest to one that is not there. */
export function noSuchSnapshot(metadata: TableMetadata, branch: string, id: bigint): NoSuchSnapshotError {
  const logged = metadata['snapshot-log'].findLast((entry) => entry['snapshot-id'] === id)
  const nearest = nearestAncestors(metadata, branch, logged?.['timestamp-ms'] ?? null)
  return new NoSuchSnapshotError(`The table has no snapshot ${id}`, {
    nearest,
    hint: `It may have been expired, or be newer than this handle: refresh() it. ${nearestText(nearest)}`,
  })
}

function nearestText(nearest: readonly bigint[]): string {
  return nearest.length === 0 ? 'The branch has no snapshots.' : `Nearest: ${nearest.join(', ')}.`
}

function noSuchRef(refs: Refs, name: string): NoSuchRefError {
  return new NoSuchRefError(`The table has no branch or tag '${name}'`, {
    hint: `It has: ${Object.keys(refs).join(', ') || 'none'}.`,
  })
}

function existing(refs: Refs, name: string): SnapshotRef {
  const ref = refOf(refs, name)
  if (ref === undefined) throw noSuchRef(refs, name)
  return ref
}

function refOfKind(refs: Refs, kind: SnapshotRef['type'], name: string): SnapshotRef {
  const ref = existing(refs, name)
  if (ref.type === kind) return ref
  throw new InvalidArgumentError(`'${name}' is a ${ref.type} and not a ${kind}`, {
    hint: 'A branch never becomes a tag, nor a tag a branch: remove it and create the other.',
  })
}

function refuseMain(name: string, what: string): void {
  if (name !== MAIN_BRANCH) return
  throw new InvalidArgumentError(`main is the branch that every table has, and is never ${what}`)
}

function createRef(metadata: TableMetadata, edit: Extract<RefEdit, { type: 'create_ref' }>): Refs {
  const { kind, name, retention } = edit
  const { refs } = metadata
  if (kind === 'tag' && name === MAIN_BRANCH) refuseMain(name, 'a tag')
  const before = refOf(refs, name)
  if (before !== undefined) {
    throw new RefAlreadyExistsError(`The table has a ${before.type} '${name}' already`, {
      hint: `Replace it, or choose another name: branches and tags share one set of names.`,
    })
  }
  const ref: SnapshotRef = { 'snapshot-id': targetId(metadata, edit.target), type: kind }
  return withRef(refs, name, retained(ref, retention, name))
}

/** The ref with its retention changed. */
function retained(ref: SnapshotRef, retention: RefRetention, name: string): SnapshotRef {
  const { maxRefAgeMs, maxSnapshotAgeMs, minSnapshotsToKeep } = retention
  if (ref.type === 'tag' && (isSet(maxSnapshotAgeMs) || isSet(minSnapshotsToKeep))) {
    throw new InvalidArgumentError(
      `'${name}' is a tag: it keeps one snapshot, so that only maxRefAgeMs applies to it`,
    )
  }
  if (name === MAIN_BRANCH && isSet(maxRefAgeMs)) {
    throw new InvalidArgumentError('main never goes by age, so that maxRefAgeMs does not apply to it')
  }
  const changed = Object.entries({
    'max-ref-age-ms': maxRefAgeMs,
    'max-snapshot-age-ms': maxSnapshotAgeMs,
    'min-snapshots-to-keep': minSnapshotsToKeep,
  }).filter(([, value]) => value !== undefined)
  const names = new Set(changed.map(([key]) => key))
  const { 'snapshot-id': id, type, ...others } = ref
  return {
    'snapshot-id': id,
    type,
    ...Object.fromEntries(Object.entries(others).filter(([key]) => !names.has(key))),
    ...Object.fromEntries(changed.filter(([, value]) => value !== null)),
  }
}

function isSet(value: bigint | number | null | undefined): boolean {
  return value !== undefined && value !== null
}

function renameBranch(refs: Refs, name: string, newName: string): Refs {
  const branch = refOfKind(refs, 'branch', name)
  refuseMain(name, 'renamed')
  const taken = refOf(refs, newName)
  if (taken !== undefined) {
    throw new RefAlreadyExistsError(`The table has a ${taken.type} '${newName}' already`)
  }
  return withRef(withoutRef(refs, name), newName, branch)
}

function fastForward(metadata: TableMetadata, edit: Extract<RefEdit, { type: 'fast_forward' }>): Refs {
  const { branch, to } = edit
  const id = targetId(metadata, edit.target)
  const before = refOf(metadata.refs, branch)
  if (before === undefined) return moveBranch(metadata, branch, id)
  const head = refOfKind(metadata.refs, 'branch', branch)['snapshot-id']
  if (head === id) return metadata.refs
  if (!isAncestor(metadata, head, id)) {
    throw new NotAnAncestorError(
      `'${branch}' cannot be fast-forwarded to '${to}': its head ${head} is not an ancestor of ${id}`,
      {
        hint: `'${branch}' has moved since '${to}' left it: write to '${to}' on top of it, or cherry-pick.`,
      },
    )
  }
  return moveBranch(metadata, branch, id)
}

/** Main comes to be where there was none; any other branch has to be there. */
function moveBranch({ refs }: TableMetadata, branch: string, id: bigint): Refs {
  const fresh: SnapshotRef = { 'snapshot-id': id, type: 'branch' }
  if (branch === MAIN_BRANCH && refOf(refs, branch) === undefined) return withRef(refs, branch, fresh)
  return withRef(refs, branch, { ...refOfKind(refs, 'branch', branch), 'snapshot-id': id })
}

function rollback(metadata: TableMetadata, edit: Extract<RefEdit, { type: 'rollback' }>): Refs {
  const { branch, force, target } = edit
  if (typeof target === 'bigint' && snapshotById(metadata, target) === null) {
    throw noSuchSnapshot(metadata, branch, target)
  }
  const id = targetId(metadata, target)
  const head = refOf(metadata.refs, branch)?.['snapshot-id']
  const isOwn = head !== undefined && ancestorsOf(metadata, head).some((each) => each['snapshot-id'] === id)
  if (isOwn || force) return moveBranch(metadata, branch, id)
  if (branch !== MAIN_BRANCH) refOfKind(metadata.refs, 'branch', branch)
  const nearest = nearestAncestors(metadata, branch, snapshotById(metadata, id)?.['timestamp-ms'] ?? null)
  throw new NotAnAncestorError(`Snapshot ${id} is not in the history of '${branch}'`, {
    nearest,
    hint: `${nearestText(nearest)} With force it becomes the head all the same.`,
  })
}
