/** Applies a commit's updates to a table's metadata, with the REST protocol's meaning. */
import {
  type FloebergError,
  InvalidArgumentError,
  InvalidExpressionError,
  UnsupportedFeatureError,
} from '../../errors.ts'
import type { Snapshot } from '../snapshot.ts'
import { changed, reject, type Draft } from './draft.ts'
import {
  addSnapshot,
  removeRef,
  removeSnapshots,
  removeStatistics,
  setRef,
  setStatistics,
  settledSnapshotLog,
} from './update-history.ts'
import { addSchema, removeSchemas, setCurrentSchema } from './update-schemas.ts'
import {
  addSortOrder,
  addSpec,
  checkDefaultsFit,
  removeSpecs,
  setDefaultSortOrder,
  setDefaultSpec,
} from './update-specs.ts'
import type { FormatVersion, TableMetadata } from './table-metadata.ts'
import type { TableUpdate } from './updates.ts'

export interface ApplyOptions {
  /** Time of the commit, ms since 1970. */
  readonly nowMs: number
}

/**
 * The metadata after all updates, in their order; the very same object when they change nothing.
 * `base` is not touched.
 *
 * Throws CommitRejectedError when one of them can never be applied to this table, or when a ref would
 * be left naming a snapshot that is gone.
 */
export function applyUpdates(
  base: TableMetadata,
  updates: readonly TableUpdate[],
  options: ApplyOptions,
): TableMetadata {
  let draft: Draft = { metadata: base, nowMs: options.nowMs, added: new Set() }
  for (const update of joined(updates)) draft = applyChecked(draft, update)
  return draft.metadata === base ? base : finish(base, draft)
}

/** Java sends one removal per snapshot: neighbours are made one, or expiry would be quadratic. */
function joined(updates: readonly TableUpdate[]): readonly TableUpdate[] {
  const out: TableUpdate[] = []
  let run: bigint[] = []
  const settle = () => {
    if (run.length > 0) out.push({ action: 'remove-snapshots', 'snapshot-ids': run })
    run = []
  }
  for (const update of updates) {
    if (update.action === 'remove-snapshots') for (const id of update['snapshot-ids']) run.push(id)
    else {
      settle()
      out.push(update)
    }
  }
  settle()
  return out
}

function applyChecked(draft: Draft, update: TableUpdate): Draft {
  try {
    return applyOne(draft, update)
  } catch (error) {
    if (!isAboutTheUpdate(error)) throw error
    throw reject(`${update.action}: ${error.message}`, error.hint)
  }
}

/** Malformed, of a kind that we do not know, or naming a column by an ambiguous name. */
function isAboutTheUpdate(error: unknown): error is FloebergError {
  return (
    error instanceof InvalidArgumentError ||
    error instanceof InvalidExpressionError ||
    error instanceof UnsupportedFeatureError
  )
}

function applyOne(draft: Draft, update: TableUpdate): Draft {
  switch (update.action) {
    case 'assign-uuid':
      return assignUuid(draft, update.uuid)
    case 'upgrade-format-version':
      return upgrade(draft, update['format-version'])
    case 'add-schema':
      return addSchema(draft, update)
    case 'set-current-schema':
      return setCurrentSchema(draft, update['schema-id'])
    case 'remove-schemas':
      return removeSchemas(draft, update['schema-ids'])
    case 'add-spec':
      return addSpec(draft, update.spec)
    case 'set-default-spec':
      return setDefaultSpec(draft, update['spec-id'])
    case 'remove-partition-specs':
      return removeSpecs(draft, update['spec-ids'])
    case 'add-sort-order':
      return addSortOrder(draft, update['sort-order'])
    case 'set-default-sort-order':
      return setDefaultSortOrder(draft, update['sort-order-id'])
    case 'add-snapshot':
      return addSnapshot(draft, update.snapshot)
    case 'set-snapshot-ref': {
      const { action: _action, 'ref-name': name, ...ref } = update
      return setRef(draft, name, ref)
    }
    case 'remove-snapshot-ref':
      return removeRef(draft, update['ref-name'])
    case 'remove-snapshots':
      return removeSnapshots(draft, new Set(update['snapshot-ids']))
    default:
      return applyPlain(draft, update)
  }
}

type PlainUpdate = Extract<
  TableUpdate,
  {
    readonly action:
      | 'set-location'
      | 'set-properties'
      | 'remove-properties'
      | 'set-statistics'
      | 'remove-statistics'
      | 'set-partition-statistics'
      | 'remove-partition-statistics'
      | 'add-encryption-key'
      | 'remove-encryption-key'
  }
>

/** Updates that nothing else of the table depends on. */
function applyPlain(draft: Draft, update: PlainUpdate): Draft {
  switch (update.action) {
    case 'set-location':
      return setLocation(draft, update.location)
    case 'set-properties':
      return setProperties(draft, update.updates)
    case 'remove-properties':
      return removeProperties(draft, update.removals)
    case 'set-statistics':
      return setStatistics(draft, 'statistics', update.statistics)
    case 'remove-statistics':
      return removeStatistics(draft, 'statistics', update['snapshot-id'])
    case 'set-partition-statistics':
      return setStatistics(draft, 'partition-statistics', update['partition-statistics'])
    case 'remove-partition-statistics':
      return removeStatistics(draft, 'partition-statistics', update['snapshot-id'])
    case 'add-encryption-key':
      return setKeys(draft, update['encryption-key']['key-id'], [update['encryption-key']])
    case 'remove-encryption-key':
      return setKeys(draft, update['key-id'], [])
    default: {
      const unknown: { readonly action: string } = update satisfies never
      throw reject(`the update '${unknown.action}' is not known`)
    }
  }
}

function assignUuid(draft: Draft, uuid: string): Draft {
  const { 'table-uuid': before } = draft.metadata
  if (uuid.toLowerCase() === before.toLowerCase()) return draft
  // Only v1 tables, which may have had none, can be given one.
  if (draft.metadata['format-version'] > 1) throw reject('the table has a uuid, which never changes')
  return changed(draft, { 'table-uuid': uuid })
}

function upgrade(draft: Draft, version: FormatVersion): Draft {
  const { metadata } = draft
  const before = metadata['format-version']
  if (version === before) return draft
  if (version < before) throw reject(`format version ${before} cannot go back to ${version}`)
  if (version > 3) throw reject(`format version ${String(version)} is not supported`)
  return changed(draft, {
    'format-version': version,
    ...(before === 1 ? { snapshots: metadata.snapshots.map(snapshotOfV2) } : {}),
    ...(version === 3 ? { 'next-row-id': metadata['next-row-id'] ?? 0n } : {}),
  })
}

/** What v2 requires of a snapshot and v1 left open. */
function snapshotOfV2(snapshot: Snapshot): Snapshot {
  if (snapshot['manifest-list'] === undefined) {
    throw reject(
      `snapshot ${snapshot['snapshot-id']} has no manifest list, which format version 2 requires`,
      'expire the snapshot first',
    )
  }
  return {
    ...snapshot,
    'sequence-number': snapshot['sequence-number'] ?? 0,
    // Nobody knows what it did, and an overwrite may have done anything.
    summary: snapshot.summary ?? { operation: 'overwrite' },
  }
}

function setLocation(draft: Draft, location: string): Draft {
  if (location === '') throw reject('a table needs a location')
  return location === draft.metadata.location ? draft : changed(draft, { location })
}

function setProperties(draft: Draft, updates: Readonly<Record<string, string>>): Draft {
  const before = draft.metadata.properties
  for (const [key, value] of Object.entries(updates)) {
    if (typeof value !== 'string') throw reject(`the value of property '${key}' is not a string`)
    if (key === 'format-version') {
      throw reject('the format version is no property', 'use upgrade-format-version')
    }
  }
  const same = Object.entries(updates).every(
    ([key, value]) => Object.hasOwn(before, key) && before[key] === value,
  )
  return same ? draft : changed(draft, { properties: { ...before, ...updates } })
}

function removeProperties(draft: Draft, keys: readonly string[]): Draft {
  const before = draft.metadata.properties
  if (!keys.some((key) => Object.hasOwn(before, key))) return draft
  const gone = new Set(keys)
  const properties = Object.fromEntries(Object.entries(before).filter(([key]) => !gone.has(key)))
  return changed(draft, { properties })
}

/** Replaces the keys that have this id. */
function setKeys(draft: Draft, id: unknown, keys: readonly unknown[]): Draft {
  const before = draft.metadata['encryption-keys'] ?? []
  const others = before.filter((key) => !hasKeyId(key, id))
  if (keys.length === 0 && others.length === before.length) return draft
  return changed(draft, { 'encryption-keys': [...others, ...keys] })
}

function hasKeyId(key: unknown, id: unknown): boolean {
  return typeof key === 'object' && key !== null && 'key-id' in key && key['key-id'] === id
}

function finish(base: TableMetadata, draft: Draft): TableMetadata {
  const { metadata } = draft
  if (metadata.snapshots.length < base.snapshots.length + draft.added.size) checkRefs(metadata)
  if (
    metadata['current-schema-id'] !== base['current-schema-id'] ||
    metadata['default-spec-id'] !== base['default-spec-id'] ||
    metadata['default-sort-order-id'] !== base['default-sort-order-id']
  ) {
    checkDefaultsFit(metadata)
  }
  const log = settledSnapshotLog(base, draft)
  return {
    ...metadata,
    'snapshot-log': log,
    'last-updated-ms': Math.max(
      base['last-updated-ms'],
      draft.nowMs,
      log.at(-1)?.['timestamp-ms'] ?? draft.nowMs,
    ),
  }
}

/** A reader of a ref whose snapshot is gone would find nothing. */
function checkRefs(metadata: TableMetadata): void {
  const wanted = new Map(Object.entries(metadata.refs).map(([name, ref]) => [ref['snapshot-id'], name]))
  for (const snapshot of metadata.snapshots) wanted.delete(snapshot['snapshot-id'])
  for (const [id, name] of wanted) {
    throw reject(
      `snapshot ${id} cannot be removed: '${name}' names it`,
      'remove or move the ref in the same commit',
    )
  }
}
