/** Planning a compaction: which files are worth rewriting, and which of them together. */
import type { FileScanTask } from '../engine/data-plane.ts'
import { InvalidArgumentError } from '../errors.ts'
import { bindExpression } from '../format/expressions/bind.ts'
import { parseExpression } from '../format/expressions/parse.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { currentSchema, defaultSortOrder, specById } from '../format/metadata/views.ts'
import { partitionPath } from '../format/partition-path.ts'
import { fieldName, fieldPath, findFieldByName, type Schema } from '../format/schema.ts'
import { createSortOrder, type SortOrder } from '../format/sort-order.ts'
import { transformToString } from '../format/transforms/transform.ts'
import { isPrimitive } from '../format/types.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { onlyTarget } from '../table/delete-index.ts'
import { ManifestBytes } from '../table/manifest-bytes.ts'
import { partitionKey } from '../table/partition-key.ts'
import { refuseUnwritable } from '../table/snapshot-producer.ts'
import type { TableState } from '../table/table-state.ts'
import { writableHead } from '../table/write-branch.ts'
import { resolveChoices, type CompactionChoices, type ResolvedChoices } from './compaction-options.ts'
import type { CompactionFile, CompactionGroup, CompactionPlan, PlannedSortField } from './compaction-plan.ts'
import { contextOf, liveDeletes, liveTasks, DeleteFileUse } from './live-files.ts'
import { planHead } from './plan.ts'
import { wantedOrder } from './wanted-order.ts'

/** A plan, and what was read for it. */
export interface PreparedCompaction {
  readonly plan: CompactionPlan
  readonly head: Snapshot | null
  /** Every data file of the head; null where a filter left some out. */
  readonly tasks: readonly FileScanTask[] | null
  /** Manifests that were read for it: the commit reads them again. */
  readonly kept: ManifestBytes
}

/**
 * Looks at a state of a table. InvalidArgumentError and InvalidExpressionError for options that are
 * wrong; UnsupportedFeatureError for tables that cannot be written to.
 */
export async function prepareCompaction(
  state: TableState,
  choices: CompactionChoices,
  signal?: AbortSignal,
): Promise<PreparedCompaction> {
  const { metadata } = state
  refuseUnwritable(metadata)
  const resolved = resolveChoices(metadata, choices)
  const sortBy = plannedSort(metadata, resolved, choices)
  const zOrderBy = plannedZOrder(metadata, resolved, choices)
  const head = writableHead(metadata, resolved.branch)
  const filter = boundFilter(metadata, choices)
  const kept = new ManifestBytes()
  const context = contextOf(state, signal, kept)
  const tasks = head === null ? [] : await liveTasks(context, head, filter)
  const order = wantedOrder(metadata, { strategy: resolved.strategy, sortBy, zOrderBy })
  const selection = new Selection(metadata, resolved, order)
  const plan: CompactionPlan = {
    ...planHead('compact', state),
    branch: resolved.branch,
    snapshotId: head === null ? null : head['snapshot-id'].toString(),
    strategy: resolved.strategy,
    sortBy,
    zOrderBy,
    settings: {
      targetFileSizeBytes: resolved.targetFileSizeBytes,
      minFileSizeBytes: resolved.minFileSizeBytes,
      maxConcurrentFileGroupRewrites: resolved.maxConcurrentFileGroupRewrites,
      partialProgressEnabled: resolved.partialProgressEnabled,
      partialProgressMaxCommits: resolved.partialProgressMaxCommits,
      useStartingSequenceNumber: resolved.useStartingSequenceNumber,
      removeDanglingDeletes: resolved.removeDanglingDeletes,
      snapshotProperties: resolved.snapshotProperties,
    },
    groups: inJobOrder(selection.groupsOf(tasks), resolved.rewriteJobOrder),
    removedDeletes: [],
  }
  const isWhole = filter.op === 'true'
  const prepared = { head, tasks: isWhole ? tasks : null, kept }
  if (head === null || !resolved.removeDanglingDeletes) return { plan, ...prepared }
  const deletes = await liveDeletes(context, head)
  if (deletes.length === 0) return { plan, ...prepared }
  const all = isWhole ? tasks : await liveTasks(context, head)
  const leaving = new Set(plan.groups.flatMap(({ files }) => files.map(({ location }) => location)))
  const removedDeletes = new DeleteFileUse(deletes, all)
    .unusedWithout(leaving)
    .map(({ location, fileSizeInBytes }) => ({ location, bytes: fileSizeInBytes }))
  return { plan: { ...plan, removedDeletes }, head, tasks: all, kept }
}

function boundFilter(metadata: TableMetadata, { where, caseSensitive }: CompactionChoices) {
  if (where === undefined) return { op: 'true' } as const
  const expression = typeof where === 'string' ? parseExpression(where) : where
  return bindExpression(currentSchema(metadata), expression, { caseSensitive: caseSensitive ?? true })
}

function plannedSort(
  metadata: TableMetadata,
  { strategy }: ResolvedChoices,
  { sortBy, caseSensitive }: CompactionChoices,
): readonly PlannedSortField[] {
  if (strategy !== 'sort') {
    if (sortBy === undefined) return []
    throw new InvalidArgumentError("'sortBy' is an option of the strategy 'sort'")
  }
  const schema = currentSchema(metadata)
  if (sortBy !== undefined && sortBy.length > 0) {
    const lookup = { caseSensitive: caseSensitive ?? true }
    return sortFields(schema, createSortOrder(schema, sortBy, lookup))
  }
  const order = defaultSortOrder(metadata)
  if (sortBy === undefined && order.fields.length > 0) return sortFields(schema, order)
  throw new InvalidArgumentError('The table has no sort order of its own', {
    hint: 'Say what to sort by (sortBy, `--sort-by`), or give the table a sort order first (replaceSortOrder, `floeberg sort-order`).',
  })
}

function sortFields(schema: Schema, order: SortOrder): readonly PlannedSortField[] {
  return order.fields.map((field) => ({
    source: fieldName(schema, field.sourceId) ?? '',
    transform: transformToString(field.transform),
    direction: field.direction,
    nullOrder: field.nullOrder,
  }))
}

function plannedZOrder(
  metadata: TableMetadata,
  { strategy }: ResolvedChoices,
  { zOrderBy, caseSensitive }: CompactionChoices,
): readonly string[] {
  if (strategy !== 'z_order') {
    if (zOrderBy === undefined) return []
    throw new InvalidArgumentError("'zOrderBy' is an option of the strategy 'z_order'")
  }
  const schema = currentSchema(metadata)
  const ids = (zOrderBy ?? []).map((name) => {
    const field = findFieldByName(schema, name, { caseSensitive: caseSensitive ?? true })
    if (field === undefined) throw new InvalidArgumentError(`zOrderBy: the table has no column '${name}'`)
    if (isPrimitive(field.type) && isOneValue(schema, field.id)) return field.id
    throw new InvalidArgumentError(`zOrderBy: column '${name}' is not a single value of a primitive type`)
  })
  if (new Set(ids).size !== ids.length || ids.length < 2 || ids.length > MAX_Z_ORDER_COLUMNS) {
    throw new InvalidArgumentError(`zOrderBy takes 2 to ${MAX_Z_ORDER_COLUMNS} columns, each of them once`)
  }
  return ids.map((id) => fieldName(schema, id) ?? '')
}

/** With more columns than that the bits of each say next to nothing. */
const MAX_Z_ORDER_COLUMNS = 8

/** Not inside a list or a map. */
function isOneValue(schema: Schema, fieldId: number): boolean {
  return fieldPath(schema, fieldId)
    .slice(0, -1)
    .every(({ type }) => type.kind === 'struct')
}

function inJobOrder(
  groups: readonly CompactionGroup[],
  order: ResolvedChoices['rewriteJobOrder'],
): readonly CompactionGroup[] {
  switch (order) {
    case 'none':
      return groups
    case 'bytes-asc':
      return groups.toSorted((a, b) => a.bytes - b.bytes)
    case 'bytes-desc':
      return groups.toSorted((a, b) => b.bytes - a.bytes)
    case 'files-asc':
      return groups.toSorted((a, b) => a.files.length - b.files.length)
    case 'files-desc':
      return groups.toSorted((a, b) => b.files.length - a.files.length)
  }
}

/** Why a file is chosen, and whether that alone makes its group worth it. */
interface Choice {
  readonly reason: string
  readonly isEnough: boolean
}

interface ChosenFile {
  readonly task: FileScanTask
  readonly choice: Choice
}

/** Chooses files and puts them into groups. */
class Selection {
  readonly #metadata: TableMetadata
  readonly #choices: ResolvedChoices
  /** Id of the order that files should have; null: of no matter. */
  readonly #orderId: number | null

  constructor(metadata: TableMetadata, choices: ResolvedChoices, order: SortOrder) {
    this.#metadata = metadata
    this.#choices = choices
    this.#orderId = choices.strategy === 'sort' && order.orderId !== 0 ? order.orderId : null
  }

  groupsOf(tasks: readonly FileScanTask[]): readonly CompactionGroup[] {
    const chosen = tasks.flatMap((task): ChosenFile[] => {
      const choice = this.#choose(task)
      return choice === null ? [] : [{ task, choice }]
    })
    const together = Map.groupBy(chosen, ({ task }) => this.#groupKey(task))
    return [...together.values()]
      .flatMap((files) => packed(files, this.#choices.maxFileGroupSizeBytes))
      .filter((files) => this.#isWorthIt(files))
      .map((files) => this.#group(files))
  }

  /** A file that changes its spec may fall into several partitions of the new one. */
  #groupKey({ entry: { file } }: FileScanTask): string {
    return this.#leavesSpec(file.specId) ? `${file.specId}` : partitionKey(file.specId, file.partition)
  }

  #leavesSpec(specId: number): boolean {
    const { outputSpecId } = this.#choices
    return outputSpecId !== null && outputSpecId !== specId
  }

  #choose({ entry: { file }, deletes }: FileScanTask): Choice | null {
    const choices = this.#choices
    if (choices.rewriteAll) return { reason: 'every file is rewritten', isEnough: true }
    if (this.#leavesSpec(file.specId)) return { reason: 'it has another partition spec', isEnough: true }
    const { deleteFileThreshold } = choices
    if (deleteFileThreshold !== undefined && deletes.length >= deleteFileThreshold) {
      return { reason: `it has ${deletes.length} delete files`, isEnough: true }
    }
    const share = deletedShare(file.recordCount, deletes)
    if (share >= choices.deleteRatioThreshold) {
      return { reason: `${Math.round(100 * share)} % of its rows are deleted`, isEnough: true }
    }
    if (this.#orderId !== null && (file.sortOrderId ?? 0) !== this.#orderId) {
      return { reason: 'it is not in this order', isEnough: true }
    }
    if (file.fileSizeInBytes < choices.minFileSizeBytes) return { reason: 'it is small', isEnough: false }
    if (file.fileSizeInBytes > choices.maxFileSizeBytes) return { reason: 'it is large', isEnough: false }
    return null
  }

  /** Rewriting that would leave as many files as there were is never worth it: it would go on for ever. */
  #isWorthIt(files: readonly ChosenFile[]): boolean {
    if (files.some(({ choice }) => choice.isEnough)) return true
    const { minInputFiles, targetFileSizeBytes, maxFileSizeBytes } = this.#choices
    const bytes = bytesOf(files)
    const expected = expectedFiles(bytes, this.#choices)
    if (expected < files.length) return files.length >= minInputFiles || bytes > targetFileSizeBytes
    return expected > files.length && bytes > maxFileSizeBytes
  }

  #group(files: readonly ChosenFile[]): CompactionGroup {
    const [first] = files
    const specId = first?.task.spec.specId ?? 0
    const isMoved = this.#leavesSpec(specId)
    const schema = currentSchema(this.#metadata)
    const bytes = bytesOf(files)
    return {
      specId,
      outputSpecId: isMoved ? (this.#choices.outputSpecId ?? specId) : specId,
      partition: isMoved
        ? ''
        : partitionPath(specById(this.#metadata, specId), schema, first?.task.entry.file.partition ?? []),
      files: files.map(plannedFile),
      bytes,
      rows: files.reduce((rows, { task }) => rows + task.entry.file.recordCount, 0),
      expectedFiles: expectedFiles(bytes, this.#choices),
    }
  }
}

function plannedFile({ task: { entry, deletes }, choice }: ChosenFile): CompactionFile {
  const { location, fileSizeInBytes, recordCount } = entry.file
  return {
    location,
    bytes: fileSizeInBytes,
    rows: recordCount,
    deleteFiles: deletes.length,
    reason: choice.reason,
  }
}

function bytesOf(files: readonly ChosenFile[]): number {
  return files.reduce((bytes, { task }) => bytes + task.entry.file.fileSizeInBytes, 0)
}

/** Of the deletes that name this file alone: how many rows others are about nobody knows. */
function deletedShare(rows: number, deletes: FileScanTask['deletes']): number {
  if (rows === 0) return 0
  const known = deletes.filter(({ file }) => onlyTarget(file) !== null)
  return Math.min(known.reduce((deleted, { file }) => deleted + file.recordCount, 0) / rows, 1)
}

/** Files in their order, as many as a group may hold. */
function packed(files: readonly ChosenFile[], maxBytes: number): readonly (readonly ChosenFile[])[] {
  const groups: ChosenFile[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const file of files) {
    const size = file.task.entry.file.fileSizeInBytes
    const group = groups.at(-1)
    if (group === undefined || bytes + size > maxBytes) {
      groups.push([file])
      bytes = size
    } else {
      group.push(file)
      bytes += size
    }
  }
  return groups
}

/** A remainder that would be a small file is spread over the others, if it makes them little larger. */
const SPREAD = 1.1

/** How many files of about the target size so many bytes make. */
export function expectedFiles(
  bytes: number,
  sizes: { readonly targetFileSizeBytes: number; readonly minFileSizeBytes: number },
): number {
  const { targetFileSizeBytes: target, minFileSizeBytes: min } = sizes
  if (bytes < target) return 1
  const whole = Math.floor(bytes / target)
  const remainder = bytes - whole * target
  if (remainder === 0) return whole
  if (remainder > min) return whole + 1
  return bytes / whole < SPREAD * target ? whole : whole + 1
}
