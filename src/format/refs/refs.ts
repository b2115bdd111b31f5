/** Branches and tags by name: any name, also one that every object inherits. */
import type { TableRequirement } from '../metadata/requirements.ts'
import type { TableMetadata } from '../metadata/table-metadata.ts'
import type { SnapshotRef } from '../snapshot.ts'

/** The refs of a table by name. */
export type Refs = TableMetadata['refs']

/** The ref of that name; undefined when there is none. */
export function refOf(refs: Refs, name: string): SnapshotRef | undefined {
  return Object.hasOwn(refs, name) ? refs[name] : undefined
}

type Fields = Readonly<Record<string, unknown>>

/** Whether two refs are the same in every field. */
export function sameRef(a: SnapshotRef, b: SnapshotRef): boolean {
  return sameFields(a, b)
}

/** Whether two objects have the same fields with the same plain values. */
export function sameFields(a: Fields, b: Fields): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].every((key) => a[key] === b[key])
}

/** Everything of a ref but its kind and the snapshot that it names: how long it is kept. */
export function retentionOf({ type: _type, 'snapshot-id': _id, ...retention }: SnapshotRef): Fields {
  return retention
}

/** That a ref still is what it was, or still is not there; for a commit that sets or removes it. */
export function refUnchanged(refs: Refs, name: string): TableRequirement {
  const ref = refOf(refs, name)
  if (ref === undefined) return { type: 'assert-ref-snapshot-id', ref: name, 'snapshot-id': null }
  return {
    type: 'assert-ref-snapshot-id',
    ref: name,
    'snapshot-id': ref['snapshot-id'],
    retention: retentionOf(ref),
  }
}

/** The very same object when the ref is there as it is. */
export function withRef(refs: Refs, name: string, ref: SnapshotRef): Refs {
  const before = refOf(refs, name)
  if (before !== undefined && sameRef(before, ref)) return refs
  return Object.fromEntries([...Object.entries(refs).filter(([each]) => each !== name), [name, ref]])
}

export function withoutRef(refs: Refs, name: string): Refs {
  return Object.fromEntries(Object.entries(refs).filter(([each]) => each !== name))
}
