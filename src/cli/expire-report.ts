/** What is said of an expiry: what would go and why, and what has gone. */
import { FloebergError } from '../errors.ts'
import type { ExpireResult } from '../maintenance/expire.ts'
import type { ExpirePlan, FileTotals } from '../maintenance/expire-plan.ts'
import { bytesText, countText, plural, timeText, type OutputColumn } from './cells.ts'
import type { Output } from './output.ts'

const SNAPSHOT_COLUMNS: readonly OutputColumn[] = [
  { name: 'snapshot', align: 'right' },
  { name: 'time', show: timeText },
  { name: 'operation', none: '' },
  { name: 'why' },
]

/** More of them are no help to a person. */
const SNAPSHOTS_SHOWN = 20

/** Whether there is anything to do. */
export function isEmptyPlan({ snapshots, expiredRefs, unusedMetadata }: ExpirePlan): boolean {
  const unused = unusedMetadata === null ? 0 : unusedMetadata.schemaIds.length + unusedMetadata.specIds.length
  return snapshots.length + expiredRefs.length + unused === 0
}

/** A table of snapshots and a few sentences for people; as CSV all of the snapshots. */
export async function showExpirePlan(output: Output, table: string, plan: ExpirePlan): Promise<void> {
  const rows = plan.snapshots.map(snapshotRow)
  if (output.format !== 'table') return output.list(SNAPSHOT_COLUMNS, rows)
  if (rows.length > 0) {
    await output.list(SNAPSHOT_COLUMNS, rows.slice(0, SNAPSHOTS_SHOWN))
    const more = plan.snapshots.length - SNAPSHOTS_SHOWN
    if (more > 0) await output.text(`… and ${plural(more, 'more snapshot')}`)
    await output.text('')
  }
  for (const line of planLines(table, plan)) await output.text(line)
}

function snapshotRow({ snapshotId, timestampMs, operation, reason }: ExpirePlan['snapshots'][number]) {
  return {
    snapshot: snapshotId,
    time: timestampMs,
    operation,
    why: reason === 'named' ? 'named' : 'too old',
  }
}

function planLines(table: string, plan: ExpirePlan): readonly string[] {
  const { snapshots, expiredRefs, keptSnapshotCount, files, unusedMetadata } = plan
  const kept = `${plural(keptSnapshotCount, 'snapshot')} ${keptSnapshotCount === 1 ? 'stays' : 'stay'}`
  const deleted = files === null ? 'No file goes with them.' : `With them: ${filesText(files.totals)}.`
  return [
    ...limitLines(plan.limits),
    snapshots.length === 0
      ? `${table}: no snapshot is to go, ${kept}.`
      : `${table}: ${plural(snapshots.length, 'snapshot')} to go, ${kept}.`,
    ...expiredRefs.map(({ name, type }) => `The ${type} ${name} goes: it is older than its limit.`),
    ...(unusedMetadata === null ? [] : [unusedText(unusedMetadata)]),
    ...(snapshots.length === 0 ? [] : [deleted]),
    ...(files?.names ?? []),
  ]
}

type Limits = ExpirePlan['limits']

/** What holds outside of branches is worth a line only where it is something else. */
function limitLines(limits: Limits): readonly string[] {
  const shown = limits.filter(
    ({ branch, cutOffMs }) =>
      branch !== null || !limits.some((other) => other.branch !== null && other.cutOffMs === cutOffMs),
  )
  return shown.map(({ branch, cutOffMs, ageFrom, keep, keepFrom }) => {
    const since = `snapshots from ${timeText(cutOffMs)} on (${SOURCES[ageFrom]})`
    return branch === null
      ? `Outside of branches ${since} are kept.`
      : `${branch} keeps ${since}, and its newest ${keep} in any case (${SOURCES[keepFrom]}).`
  })
}

const SOURCES = {
  call: 'as asked',
  ref: 'its own retention',
  table: "the table's properties",
  manager: 'the settings',
} as const

function unusedText({ schemaIds, specIds }: NonNullable<ExpirePlan['unusedMetadata']>): string {
  if (schemaIds.length + specIds.length === 0) return 'Every schema and partition spec is in use.'
  const schemas = schemaIds.length === 0 ? [] : [`schemas ${schemaIds.join(', ')}`]
  const specs = specIds.length === 0 ? [] : [`partition specs ${specIds.join(', ')}`]
  return `Lost for good: ${[...schemas, ...specs].join(' and ')}.`
}

/** `Expire 3 snapshots of demo.flights and delete 12 files?` */
export function expireQuestion(table: string, { snapshots, files }: ExpirePlan): string {
  if (snapshots.length === 0) return `Remove from ${table} what is named above?`
  const count = files === null ? 0 : totalCount(files.totals)
  const deletion = count === 0 ? '' : ` and delete ${plural(count, 'file')}`
  return `Expire ${plural(snapshots.length, 'snapshot')} of ${table}${deletion}?`
}

const KINDS: readonly (readonly [keyof FileTotals, string])[] = [
  ['dataFiles', 'data file'],
  ['positionDeleteFiles', 'position delete file'],
  ['equalityDeleteFiles', 'equality delete file'],
  ['manifests', 'manifest'],
  ['manifestLists', 'manifest list'],
  ['statisticsFiles', 'statistics file'],
]

/** `3 data files (1.2 MB), 2 manifests (12 kB), 2 manifest lists` */
export function filesText(totals: FileTotals): string {
  const parts = KINDS.filter(([kind]) => totals[kind].count > 0).map(([kind, noun]) => {
    const { count, bytes } = totals[kind]
    return bytes === 0 ? plural(count, noun) : `${plural(count, noun)} (${bytesText(bytes)})`
  })
  return parts.length === 0 ? 'no file' : parts.join(', ')
}

function totalCount(totals: FileTotals): number {
  return Object.values(totals).reduce((sum, { count }) => sum + count, 0)
}

/** Sentences for people, all of it for programs. Throws what ended the deletion of files early. */
export async function printExpired(output: Output, table: string, result: ExpireResult): Promise<void> {
  if (output.format !== 'table') await output.record(RESULT_COLUMNS, resultRecord(table, result))
  else for (const line of resultLines(table, result)) await output.text(line)
  if (result.failure !== null) throw result.failure
}

function resultLines(table: string, result: ExpireResult): readonly string[] {
  const { expiredSnapshotIds, expiredRefs, removedSchemaIds, removedSpecIds, skipped, keptFileCount } = result
  const removed = [
    ...removedSchemaIds.map((id) => `schema ${id}`),
    ...removedSpecIds.map((id) => `partition spec ${id}`),
  ]
  if (result.attempts === 0 && skipped.length === 0) {
    return [...limitLines(result.plan.limits), `${table}: nothing is to go.`]
  }
  const files = result.plan.cleanExpiredFiles
    ? `deleted ${filesText(result.deletedFiles)}`
    : 'deleted no file'
  return [
    `${table}: ${plural(expiredSnapshotIds.length, 'snapshot')} expired; ${files}.`,
    ...(expiredRefs.length === 0 ? [] : [`Gone with them: ${expiredRefs.join(', ')}.`]),
    ...(removed.length === 0 ? [] : [`Removed ${removed.join(', ')}.`]),
    ...skippedLines(skipped),
    ...(keptFileCount === 0 ? [] : [`${plural(keptFileCount, 'file')} should be gone and stay:`]),
    ...result.keptFiles.map((file) => `  ${file}`),
  ]
}

/** A plan that is executed again has as many of them as it has snapshots. */
function skippedLines(skipped: ExpireResult['skipped']): readonly string[] {
  const lines = skipped
    .slice(0, SNAPSHOTS_SHOWN)
    .map(({ what, name, reason }) => (name === null ? `Left: ${reason}` : `Left ${what} ${name}: ${reason}`))
  const more = skipped.length - lines.length
  return more > 0 ? [...lines, `… and ${countText(more)} more`] : lines
}

const named = (names: readonly string[]): readonly OutputColumn[] => names.map((name) => ({ name }))

const RESULT_COLUMNS = named([
  'table',
  'expired_snapshots',
  'expired_refs',
  'removed_schemas',
  'removed_specs',
  'deleted_files',
  'kept_files',
  'kept_file_count',
  'skipped',
  'failure',
  'attempts',
])

function resultRecord(table: string, result: ExpireResult) {
  return {
    table,
    expired_snapshots: result.expiredSnapshotIds,
    expired_refs: result.expiredRefs,
    removed_schemas: result.removedSchemaIds,
    removed_specs: result.removedSpecIds,
    deleted_files: totalsRecord(result.deletedFiles),
    kept_files: result.keptFiles,
    kept_file_count: result.keptFileCount,
    skipped: result.skipped,
    failure: failureCode(result.failure),
    attempts: result.attempts,
  }
}

const KEYS: Readonly<Record<keyof FileTotals, string>> = {
  dataFiles: 'data_files',
  positionDeleteFiles: 'position_delete_files',
  equalityDeleteFiles: 'equality_delete_files',
  manifests: 'manifests',
  manifestLists: 'manifest_lists',
  statisticsFiles: 'statistics_files',
}

function totalsRecord(totals: FileTotals): object {
  return Object.fromEntries(KINDS.map(([kind]) => [KEYS[kind], totals[kind]]))
}

function failureCode(failure: Error | null): string | null {
  return failure instanceof FloebergError ? failure.code : failure === null ? null : 'FLOEBERG_INTERNAL'
}
