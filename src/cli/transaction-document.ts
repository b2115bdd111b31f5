/** The steps of a transaction in a file: YAML or JSON, each step a method of the library's transaction. */
import { readFile } from 'node:fs/promises'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { Progress } from '../engine/data-plane.ts'
import { pathToString } from '../manager/models.ts'
import type { PartitionChange, SortField } from '../manager/layout-changes.ts'
import type { SchemaChange } from '../manager/schema-changes.ts'
import type { WriteOptions } from '../manager/row-change-options.ts'
import type { StepOptions, Transaction } from '../manager/transaction.ts'
import type { Value } from '../format/values/value.ts'
import { UsageError } from './failure.ts'
import { INPUT_FORMATS, inputFiles, inputFormat } from './input-files.ts'

const name = z.string().min(1)
const filter = z.string().min(1)
const branch = z.string().min(1).optional()
const files = z
  .union([name, z.array(name).min(1)])
  .transform((paths) => (typeof paths === 'string' ? [paths] : paths))
const target = { name, snapshotId: z.string().optional(), ref: z.string().optional() }
/** What the library checks itself, naming the change and the part of it that is wrong. */
const listOf = <T>() => z.array(z.custom<T>((value) => typeof value === 'object' && value !== null)).min(1)

const source = { from: files, format: z.enum(INPUT_FORMATS).optional(), where: filter.optional(), branch }
const writeShape = z.preprocess(
  (value) => (isRecord(value) && value['mode'] === undefined ? { ...value, mode: 'append' } : value),
  z.discriminatedUnion('mode', [
    z.strictObject({
      mode: z.literal('append'),
      schemaMode: z.enum(['strict', 'merge']).optional(),
      ...source,
    }),
    z.strictObject({
      mode: z.literal('overwrite'),
      overwriteFilter: filter.optional(),
      overwriteScope: z.enum(['table', 'partitions']).optional(),
      validate: z.boolean().optional(),
      ...source,
    }),
    z.strictObject({
      mode: z.literal('upsert'),
      joinColumns: z.array(name).optional(),
      deleteWhen: filter.optional(),
      ...source,
    }),
  ]),
)

const stepShapes = {
  evolveSchema: listOf<SchemaChange>(),
  evolvePartitionSpec: listOf<PartitionChange>(),
  replaceSortOrder: z.array(z.custom<SortField>((value) => typeof value === 'object' && value !== null)),
  updateProperties: z.strictObject({
    set: z.record(z.string(), z.string()).optional(),
    remove: z.array(name).optional(),
  }),
  writeData: writeShape,
  deleteRows: z.union([filter, z.strictObject({ where: filter, branch })]),
  updateRows: z.strictObject({ set: z.record(z.string(), z.custom<Value>()), where: filter, branch }),
  createTag: z.strictObject(target),
  createBranch: z.strictObject(target),
  fastForward: z.strictObject({ branch: name, to: name }),
  removeBranch: z.strictObject({ name }),
  removeTag: z.strictObject({ name }),
} as const

/** A step has one key, its method; so that each shape is told from the others by it. */
const documentShape = z
  .array(
    z
      .strictObject(stepShapes)
      .partial()
      .refine((step) => Object.keys(step).length === 1, {
        error: 'a step has one key, the method that it calls',
      }),
  )
  .min(1)

/** Steps that a document asks for, checked. */
export type TransactionDocument = z.output<typeof documentShape>
type Step = TransactionDocument[number]

/** UsageError naming the step, and the part of it, that cannot be read. */
export async function readTransactionDocument(path: string): Promise<TransactionDocument> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
    throw new UsageError(`the file of steps ${path} cannot be read`, code)
  })
  const document = parseDocument(text, { intAsBigInt: true })
  const [problem] = document.errors
  if (problem !== undefined) throw new UsageError(`${path} is no YAML: ${problem.message}`)
  const parsed = documentShape.safeParse(plain(document.toJS()))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = pathToString(issue?.path ?? [])
  throw new UsageError(
    `${path}: ${where === '' ? 'the whole' : where}: ${issue?.message ?? 'cannot be read'}`,
    `Steps are ${Object.keys(stepShapes).join(', ')}; see docs/transactions.md.`,
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Numbers that fit are numbers; greater ones stay whole. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}

/** Calls the methods that the document names, in its order. */
export async function runSteps(
  transaction: Transaction,
  steps: TransactionDocument,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  for (const step of steps) await runStep(transaction, step, onProgress)
}

async function runStep(
  transaction: Transaction,
  step: Step,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  if (step.evolveSchema !== undefined) await transaction.evolveSchema(step.evolveSchema)
  if (step.evolvePartitionSpec !== undefined) await transaction.evolvePartitionSpec(step.evolvePartitionSpec)
  if (step.replaceSortOrder !== undefined) await transaction.replaceSortOrder(step.replaceSortOrder)
  if (step.updateProperties !== undefined) {
    const { set = {}, remove = [] } = step.updateProperties
    await transaction.updateProperties({ set, remove })
  }
  if (step.writeData !== undefined) await write(transaction, step.writeData, onProgress)
  if (step.deleteRows !== undefined) {
    const wanted = typeof step.deleteRows === 'string' ? { where: step.deleteRows } : step.deleteRows
    await transaction.deleteRows(wanted.where, { branch: 'branch' in wanted ? wanted.branch : undefined })
  }
  if (step.updateRows !== undefined) {
    const { set, where, branch: to } = step.updateRows
    await transaction.updateRows(set, where, { branch: to })
  }
  await changeRefs(transaction, step)
}

async function write(
  transaction: Transaction,
  options: z.output<typeof writeShape>,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { from, format, where } = options
  const data = { ...inputFiles(inputFormat(from, format), from), filter: where }
  await transaction.writeData(data, { ...writeOptions(options), onProgress })
}

function writeOptions(options: z.output<typeof writeShape>): StepOptions<WriteOptions> {
  const { branch: to } = options
  switch (options.mode) {
    case 'append':
      return { mode: 'append', schemaMode: options.schemaMode, branch: to }
    case 'overwrite': {
      const { overwriteFilter, overwriteScope, validate } = options
      // An absent filter is another thing than one that came out undefined.
      const slice = overwriteFilter === undefined ? {} : { overwriteFilter }
      return { mode: 'overwrite', ...slice, overwriteScope, validate, branch: to }
    }
    case 'upsert': {
      const { joinColumns, deleteWhen } = options
      return { mode: 'upsert', joinColumns, deleteWhen, branch: to }
    }
  }
}

async function changeRefs(transaction: Transaction, step: Step): Promise<void> {
  const changes = transaction.manageSnapshots()
  if (step.createTag !== undefined)
    await changes.createTag(step.createTag.name, refOf(step.createTag)).commit()
  if (step.createBranch !== undefined)
    await changes.createBranch(step.createBranch.name, refOf(step.createBranch)).commit()
  if (step.fastForward !== undefined)
    await changes.fastForward(step.fastForward.branch, step.fastForward.to).commit()
  if (step.removeBranch !== undefined) await changes.removeBranch(step.removeBranch.name).commit()
  if (step.removeTag !== undefined) await changes.removeTag(step.removeTag.name).commit()
}

function refOf({
  snapshotId,
  ref,
}: {
  readonly snapshotId?: string | undefined
  readonly ref?: string | undefined
}) {
  return { snapshotId, ref }
}
