/** What is said of a change of rows: what it did, or would do, to which file and why. */
import type { RowChangePlan, RowChangeResult } from '../manager/row-change-options.ts'
import type { Table } from '../table/table.ts'
import { bytesText, countText, plural, type OutputColumn } from './cells.ts'
import type { CommitOptions } from './commit-options.ts'
import type { Output } from './output.ts'

const RESULT_COLUMNS: readonly OutputColumn[] = [
  { name: 'table' },
  { name: 'snapshot_id' },
  { name: 'rows' },
  { name: 'files' },
  { name: 'bytes' },
  { name: 'attempts' },
  { name: 'rows_inserted' },
  { name: 'rows_updated' },
  { name: 'rows_deleted' },
  { name: 'rows_unchanged' },
  { name: 'file_changes' },
  { name: 'already_committed' },
]

/** Prints what was done: a sentence for people, all of it for programs. */
export async function printResult(
  output: Output,
  name: string,
  operation: string,
  result: RowChangeResult,
): Promise<void> {
  if (output.format === 'table') return output.text(sentence(name, operation, result))
  await output.record(RESULT_COLUMNS, {
    table: name,
    snapshot_id: result.snapshotId,
    rows: result.rows,
    files: result.files,
    bytes: result.bytes,
    attempts: result.attempts,
    rows_inserted: result.rowsInserted,
    rows_updated: result.rowsUpdated,
    rows_deleted: result.rowsDeleted,
    rows_unchanged: result.rowsUnchanged,
    file_changes: result.fileChanges.map(({ file, action, rows, reason }) => ({
      file: file.location,
      action,
      rows,
      reason,
    })),
    already_committed: result.alreadyCommitted ?? false,
  })
}

/** Says of rows that no branch shows yet how they come to one; nothing to programs, or of other rows. */
export async function printStaged(
  output: Output,
  name: string,
  result: RowChangeResult,
  options: CommitOptions,
): Promise<void> {
  const { snapshotId } = result
  if (snapshotId === null || (options.stageOnly !== true && options.wapId === undefined)) return
  const how =
    options.wapId === undefined
      ? `floeberg cherry-pick ${name} ${snapshotId}`
      : `floeberg publish ${name} ${options.wapId}`
  await output.text(`It is staged, and no branch shows it yet: ${how}`)
}

function sentence(name: string, operation: string, result: RowChangeResult): string {
  const { snapshotId, rowsUnchanged } = result
  if (snapshotId === null) {
    const why = rowsUnchanged > 0 ? `${plural(rowsUnchanged, 'row')} unchanged` : NOTHING[operation]
    return `${why ?? 'No rows'}: nothing was committed to ${name}.`
  }
  if (result.alreadyCommitted === true) {
    return `${name} has it already: snapshot ${snapshotId}. Nothing was written.`
  }
  if (operation === 'append') {
    const what = `${plural(result.rows, 'row')} in ${plural(result.files, 'file')}, ${bytesText(result.bytes)}`
    return `Appended ${what} to ${name}: snapshot ${snapshotId}`
  }
  return `${name}: ${rowsText(result)}; ${filesText(result)}: snapshot ${snapshotId}`
}

/** Why nothing was committed, by operation. */
const NOTHING: Readonly<Record<string, string>> = {
  delete: 'No row matches',
  update: 'No row matches',
}

function rowsText(result: RowChangeResult): string {
  const counts: readonly (readonly [number, string])[] = [
    [result.rowsInserted, 'inserted'],
    [result.rowsUpdated, 'updated'],
    [result.rowsDeleted, 'deleted'],
    [result.rowsUnchanged, 'unchanged'],
  ]
  const [[count, verb] = [0, 'changed'], ...others] = counts.filter(([number]) => number > 0)
  const first = `${plural(count, 'row')} ${verb}`
  return [first, ...others.map(([number, word]) => `${countText(number)} ${word}`)].join(', ')
}

function filesText({ files, fileChanges }: RowChangeResult): string {
  const gone = fileChanges.filter(({ action }) => action !== 'delete').length
  return `${plural(files, 'file')} written, ${countText(gone)} replaced or dropped`
}

const PLAN_COLUMNS: readonly OutputColumn[] = [
  { name: 'table' },
  { name: 'operation' },
  { name: 'branch' },
  { name: 'snapshot_id' },
  { name: 'metadata_location' },
  { name: 'table_uuid' },
  { name: 'files' },
]

/** Prints what would be done, a line for each data file that would be hit; CSV has these alone. */
export async function printPlan(output: Output, table: Table, plan: RowChangePlan): Promise<void> {
  const columns = planColumns(table)
  const files = plan.files.map(({ location, ...file }) => ({ file: location, ...file }))
  if (output.format === 'csv') return output.list(columns, files)
  if (output.format === 'json') {
    return output.record(PLAN_COLUMNS, {
      table: table.name,
      operation: plan.operation,
      branch: plan.branch,
      snapshot_id: plan.snapshotId,
      metadata_location: plan.metadataLocation,
      table_uuid: plan.tableUuid,
      files,
    })
  }
  const at = plan.snapshotId === null ? 'which is empty' : `at snapshot ${plan.snapshotId}`
  if (files.length === 0) await output.text(`No data file of ${table.name} would be hit`)
  else await output.list(columns, files)
  await output.text(`\nA plan of the ${plan.operation} on ${plan.branch}, ${at}. Nothing was changed.`)
}

function planColumns({ location }: Table): readonly OutputColumn[] {
  const folder = `${location}/`
  return [
    // What all files have in common is of no interest to a person.
    { name: 'file', show: (value) => String(value).replace(folder, '') },
    { name: 'action' },
    { name: 'rows', align: 'right', show: countText },
    { name: 'reason' },
  ]
}
