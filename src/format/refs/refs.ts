/** Branches and tags by name: any name, also one that every object inherits. */
import type { TableMetadata } from '../metadata/table-metadata.ts'
import type { SnapshotRef } from '../snapshot.ts'

/** The refs of a table by name. */
export type Refs = TableMetadata['refs']

/** The ref of that name; undefined when there is none. */
export function refOf(refs: Refs, name: string): SnapshotRef | undefined {
  return Object.hasOwn(refs, name) ? refs[name] : undefined
}

/** Whether two refs are the same in every field. */
export function sameRef(a: SnapshotRef, b: SnapshotRef): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].every((key) => a[key] === b[key])
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
