/** Which snapshots and refs have outlived themselves (Iceberg spec, "Snapshot Retention Policy"). */
import { intProperty, type IntPropertyKey } from '../properties.ts'
import { MAIN_BRANCH, type Snapshot, type SnapshotRef } from '../snapshot.ts'
import type { TableMetadata } from './table-metadata.ts'
import { ancestorsOf, snapshotById } from './views.ts'

/** What retention follows besides the table's own refs and properties. */
export interface RetentionRules {
  /** The time that ages are counted from, ms since 1970. */
  readonly nowMs: number
  /** Of the call: snapshots before this time are too old, whatever refs and the table say; null: they say. */
  readonly cutOffMs: number | null
  /** Of the call: so many of every branch stay; null: no more than refs and the table say. */
  readonly keepLast: number | null
  /** Where neither call, ref nor table says otherwise, ms. */
  readonly maxSnapshotAgeMs: number
  /** Where ref, table and call ask for fewer. */
  readonly minSnapshotsToKeep: number
}

/** Who said how old snapshots may get, or how many stay. */
export type RetentionSource = 'call' | 'ref' | 'table' | 'manager'

/** What holds for one branch, or for snapshots that no branch leads to. */
export interface RetentionLimits {
  /** Snapshots from this time on stay, ms since 1970. */
  readonly cutOffMs: number
  readonly ageFrom: RetentionSource
  /** The newest so many of the branch stay; at least 1. */
  readonly keep: number
  readonly keepFrom: RetentionSource
}

/** What retention lets go of, and by which limits. */
export interface Retention {
  /** In the metadata's order. */
  readonly expiredSnapshots: readonly Snapshot[]
  readonly expiredRefs: readonly string[]
  /** By branch; refs that go are left out. */
  readonly branches: ReadonlyMap<string, RetentionLimits>
  /** For snapshots that no branch leads to. */
  readonly unreferenced: RetentionLimits
}

/**
 * The snapshots that neither a ref protects nor their age: what refs name stays, of a branch also
 * the ancestors that are young enough or among its newest. A snapshot exactly at the cut-off stays.
 */
export function retentionOf(metadata: TableMetadata, rules: RetentionRules): Retention {
  const refs = Object.entries(metadata.refs)
  const expiredRefs = refs.filter(([name, ref]) => isRefExpired(metadata, name, ref, rules.nowMs))
  const gone = new Set(expiredRefs.map(([name]) => name))
  const branches = new Map<string, RetentionLimits>()
  const retained = new Set<bigint>()
  const ofBranches = new Set<bigint>()
  for (const [name, ref] of refs) {
    if (gone.has(name)) continue
    retained.add(ref['snapshot-id'])
    if (ref.type === 'tag') continue
    const limits = limitsOf(metadata, rules, ref)
    branches.set(name, limits)
    ancestorsOf(metadata, ref['snapshot-id']).forEach((ancestor, index) => {
      ofBranches.add(ancestor['snapshot-id'])
      if (index < limits.keep || ancestor['timestamp-ms'] >= limits.cutOffMs)
        retained.add(ancestor['snapshot-id'])
    })
  }
  const unreferenced = limitsOf(metadata, rules, null)
  const expiredSnapshots = metadata.snapshots.filter((snapshot) => {
    const id = snapshot['snapshot-id']
    if (retained.has(id)) return false
    // Of a branch's history its own limits have decided; what nothing leads to has only its age.
    return ofBranches.has(id) || snapshot['timestamp-ms'] < unreferenced.cutOffMs
  })
  return { expiredSnapshots, expiredRefs: [...gone], branches, unreferenced }
}

/** A ref's own limit, else the table's; main never goes. */
function isRefExpired(metadata: TableMetadata, name: string, ref: SnapshotRef, nowMs: number): boolean {
  if (name === MAIN_BRANCH) return false
  const snapshot = snapshotById(metadata, ref['snapshot-id'])
  // Damaged: it names what is not there, and says nothing about its age.
  if (snapshot === null) return false
  const own = ref['max-ref-age-ms']
  const limit =
    own === undefined ? intProperty(metadata.properties, 'history.expire.max-ref-age-ms') : Number(own)
  return nowMs - snapshot['timestamp-ms'] > limit
}

function limitsOf(metadata: TableMetadata, rules: RetentionRules, ref: SnapshotRef | null): RetentionLimits {
  const age = ageLimit(metadata, rules, ref)
  const { count, from } = countLimit(metadata, rules, ref)
  return { cutOffMs: age.cutOffMs, ageFrom: age.from, keep: count, keepFrom: from }
}

/** The first that says anything: call, ref, table, manager. */
function ageLimit(
  metadata: TableMetadata,
  rules: RetentionRules,
  ref: SnapshotRef | null,
): { readonly cutOffMs: number; readonly from: RetentionSource } {
  if (rules.cutOffMs !== null) return { cutOffMs: rules.cutOffMs, from: 'call' }
  const own = ref?.['max-snapshot-age-ms']
  if (own !== undefined) return { cutOffMs: rules.nowMs - Number(own), from: 'ref' }
  const ofTable = tableProperty(metadata, 'history.expire.max-snapshot-age-ms')
  if (ofTable !== null) return { cutOffMs: rules.nowMs - ofTable, from: 'table' }
  return { cutOffMs: rules.nowMs - rules.maxSnapshotAgeMs, from: 'manager' }
}

/** The largest of all that say anything. */
function countLimit(
  metadata: TableMetadata,
  rules: RetentionRules,
  ref: SnapshotRef | null,
): { readonly count: number; readonly from: RetentionSource } {
  const candidates: readonly (readonly [number, RetentionSource])[] = [
    [rules.minSnapshotsToKeep, 'manager'],
    [tableProperty(metadata, 'history.expire.min-snapshots-to-keep') ?? 0, 'table'],
    [ref?.['min-snapshots-to-keep'] ?? 0, 'ref'],
    [rules.keepLast ?? 0, 'call'],
  ]
  const [count, from] = candidates.reduce((most, each) => (each[0] > most[0] ? each : most))
  return { count: Math.max(1, count), from }
}

/** null where the table leaves it to the manager: the format's own default is not the table's word. */
function tableProperty(metadata: TableMetadata, key: IntPropertyKey): number | null {
  return Object.hasOwn(metadata.properties, key) ? intProperty(metadata.properties, key) : null
}
