/** Which snapshot a reader means, and with which schema it is read. */
import { InvalidArgumentError, NoSuchRefError, NoSuchSnapshotError } from '../errors.ts'
import {
  currentSchema,
  currentSnapshot,
  refSnapshot,
  schemaById,
  snapshotAsOf,
  snapshotById,
} from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { Schema } from '../format/schema.ts'
import { MAIN_BRANCH, type Snapshot } from '../format/snapshot.ts'

/** At most one of the three; none means the current state of main. */
export interface TimeTravel {
  /** A bigint, or its decimal digits. */
  readonly snapshotId?: bigint | string | undefined
  /**
   * The snapshot that was current at this time. A string is ISO 8601; without a zone it is UTC, and
   * a bare date is UTC midnight.
   */
  readonly asOf?: Date | string | undefined
  /** A branch or tag. */
  readonly ref?: string | undefined
}

export interface ReadPoint {
  /** null: the table, or the branch, is empty. */
  readonly snapshot: Snapshot | null
  readonly schema: Schema
}

/**
 * A snapshot, a time or a tag is read with that snapshot's schema; a branch with the current one.
 *
 * InvalidArgumentError when more than one is given or one is malformed; NoSuchSnapshotError;
 * NoSuchRefError.
 */
export function resolveReadPoint(metadata: TableMetadata, travel: TimeTravel): ReadPoint {
  const given = [travel.snapshotId, travel.asOf, travel.ref].filter((value) => value !== undefined)
  if (given.length > 1) {
    throw new InvalidArgumentError('snapshotId, asOf and ref exclude each other', {
      hint: 'Give one of them.',
    })
  }
  if (travel.snapshotId !== undefined) return atSnapshot(metadata, namedSnapshot(metadata, travel.snapshotId))
  if (travel.asOf !== undefined) return atSnapshot(metadata, snapshotAt(metadata, travel.asOf))
  if (travel.ref !== undefined) return atRef(metadata, travel.ref)
  return { snapshot: currentSnapshot(metadata), schema: currentSchema(metadata) }
}

/** InvalidArgumentError when it is not a whole number. */
export function parseSnapshotId(id: bigint | string): bigint {
  if (typeof id === 'bigint') return id
  if (/^\d{1,19}$/.test(id)) return BigInt(id)
  throw new InvalidArgumentError('A snapshot id is a whole number, given as a bigint or its digits', {
    hint: 'A plain number cannot hold every 64-bit id: write 3051729675574597004n.',
  })
}

function namedSnapshot(metadata: TableMetadata, id: bigint | string): Snapshot {
  const snapshot = snapshotById(metadata, parseSnapshotId(id))
  if (snapshot !== null) return snapshot
  throw new NoSuchSnapshotError(`The table has no snapshot ${id}`, {
    hint: 'listSnapshots (`floeberg snapshots`) shows those that are kept; older ones may have been expired.',
  })
}

function snapshotAt(metadata: TableMetadata, asOf: Date | string): Snapshot {
  const time = parseTime(asOf)
  const snapshot = snapshotAsOf(metadata, time)
  if (snapshot !== null) return snapshot
  throw new NoSuchSnapshotError(`The table had no snapshot at ${new Date(time).toISOString()}`, {
    hint: 'Its history begins later, or what was current then has been expired.',
  })
}

const DATE = /^\d{4}-\d{2}-\d{2}$/
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$/
const ZONE = /(Z|[+-]\d{2}:?\d{2})$/i

/** Milliseconds since 1970. The process's time zone never matters. */
export function parseTime(value: Date | string): number {
  const time = value instanceof Date ? value.getTime() : parseIso(value)
  if (!Number.isNaN(time)) return time
  throw new InvalidArgumentError('A time is a Date or an ISO 8601 string', {
    hint: "Write '2026-01-31', '2026-01-31T12:00:00Z' or '2026-01-31T12:00:00+01:00'.",
  })
}

function parseIso(text: string): number {
  if (!isDay(text.slice(0, 10))) return Number.NaN
  if (DATE.test(text)) return Date.parse(`${text}T00:00:00Z`)
  if (DATE_TIME.test(text)) return Date.parse(`${text.replace(' ', 'T')}Z`)
  return ZONE.test(text) && DATE_TIME.test(text.replace(ZONE, ''))
    ? Date.parse(text.replace(' ', 'T'))
    : Number.NaN
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(date: string): boolean {
  const time = DATE.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)
}

function atSnapshot(metadata: TableMetadata, snapshot: Snapshot): ReadPoint {
  return { snapshot, schema: schemaOf(metadata, snapshot) }
}

function atRef(metadata: TableMetadata, name: string): ReadPoint {
  // A ref may have the name of something that every object inherits.
  const ref = Object.hasOwn(metadata.refs, name) ? metadata.refs[name] : undefined
  if (ref === undefined) {
    // Every table has main, even before its first snapshot.
    if (name === MAIN_BRANCH) return { snapshot: null, schema: currentSchema(metadata) }
    throw new NoSuchRefError(`The table has no branch or tag '${name}'`, {
      hint: `It has: ${Object.keys(metadata.refs).join(', ') || 'none'}.`,
    })
  }
  const snapshot = refSnapshot(metadata, name)
  if (snapshot === null || ref.type === 'branch') return { snapshot, schema: currentSchema(metadata) }
  return atSnapshot(metadata, snapshot)
}

/** Old snapshots do not say their schema; they are read with the current one. */
function schemaOf(metadata: TableMetadata, snapshot: Snapshot): Schema {
  const id = snapshot['schema-id']
  return id === undefined ? currentSchema(metadata) : schemaById(metadata, id)
}
