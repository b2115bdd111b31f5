/** Takes the rows of a filter out of the table: whole files by metadata alone where that is proven. */
import type { FileScanTask } from '../../engine/data-plane.ts'
import type { FileMatch } from '../../engine/row-changes.ts'
import type { BoundExpression } from '../../format/expressions/expression.ts'
import { allMatch } from '../../format/expressions/metrics.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import { currentSchema } from '../../format/metadata/views.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { Snapshot } from '../../format/snapshot.ts'
import type { ManifestContext } from '../manifest-reader.ts'
import { onlyTarget } from '../delete-index.ts'
import { planScan } from '../plan.ts'
import { decideFile, type FileDecision, type WriteStrategy } from './file-action.ts'
import type { DecidedMatch, RowWriter } from './row-writer.ts'

const EVERY_ROW_MATCHES = 'every row matches, by its metadata'

/** Which files are hit, and what becomes of each; nothing is written yet. */
export interface Removal {
  readonly decisions: readonly FileDecision[]
  /** Files that were opened, with the rows that go. */
  readonly decided: readonly DecidedMatch[]
  /** Delete files that are about nothing but files that leave. */
  readonly deadDeletes: readonly ContentFile[]
}

/** Plans the removal of the rows for which the filter is true. Reads data only of straddling files. */
export async function planRemoval(
  writer: RowWriter,
  base: TableMetadata,
  head: Snapshot | null,
  context: ManifestContext,
  filter: BoundExpression,
  strategy: WriteStrategy,
): Promise<Removal> {
  const { tasks } = await planScan({ context, snapshot: head, schema: currentSchema(base), filter })
  const [whole, straddling] = partition(tasks, isWhole)
  const decided = decideAll(await writer.match(base, straddling), strategy)
  const decisions = [
    ...(await dropWhole(writer, base, whole, EVERY_ROW_MATCHES)),
    ...decided.map(({ decision }) => decision),
  ]
  return { decisions, decided, deadDeletes: [...deletesOnlyOf(whole), ...deadDeletesOf(decided)] }
}

/** Position deletes of files that leave, and that are about no other file. */
export function deletesOnlyOf(tasks: readonly FileScanTask[]): readonly ContentFile[] {
  return tasks.flatMap(({ deletes }) =>
    deletes.map(({ file }) => file).filter((file) => onlyTarget(file) !== null),
  )
}

/** The same, of the files that were opened and leave. */
export function deadDeletesOf(decided: readonly DecidedMatch[]): readonly ContentFile[] {
  return deletesOnlyOf(
    decided.filter(({ decision }) => decision.action !== 'delete').map(({ match }) => match.task),
  )
}

/**
 * Files that leave as they are. None is opened; where a file has deletes these are read, so that rows
 * which are dead already are not counted.
 */
export async function dropWhole(
  writer: RowWriter,
  base: TableMetadata,
  tasks: readonly FileScanTask[],
  reason: string,
): Promise<readonly FileDecision[]> {
  const damaged = tasks.filter(({ deletes }) => deletes.length > 0)
  const matches = await writer.match(
    base,
    damaged.map((task) => ({ ...task, residual: { op: 'true' } })),
  )
  const live = new Map(matches.map(({ task, liveRows }) => [task.entry.file.location, liveRows]))
  return tasks.map(({ entry: { file }, deletes }) => ({
    file,
    action: 'drop',
    rows: deletes.length === 0 ? file.recordCount : (live.get(file.location) ?? 0),
    reason,
  }))
}

export function decideAll(matches: readonly FileMatch[], strategy: WriteStrategy): readonly DecidedMatch[] {
  return matches.map((match) => ({ match, decision: decideFile(match, strategy) }))
}

/** Files that leave the table by a removal. */
export function removedFiles(removal: Removal): readonly ContentFile[] {
  return removal.decisions.filter(({ action }) => action !== 'delete').map(({ file }) => file)
}

/** Files that get position deletes. */
export function referencedFiles(removal: Removal): readonly ContentFile[] {
  return removal.decisions.filter(({ action }) => action === 'delete').map(({ file }) => file)
}

/** Every row of the file matches: nothing of the filter is left, or its metrics prove it. */
function isWhole(task: FileScanTask): boolean {
  return task.residual.op === 'true' || allMatch(task.residual, task.entry.file)
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}
