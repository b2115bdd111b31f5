/** How each field of `manifest_entry` and `data_file` is decoded, whichever version wrote it. */
import { UnsupportedFeatureError } from '../../errors.ts'
import type { Cursor } from './avro-cursor.ts'
import { optionalField, planCount, requiredField } from './avro-fields.ts'
import { avroName } from './avro-names.ts'
import type { Read, Step, Wanted } from './avro-plan.ts'
import {
  planArray,
  planBigLong,
  planBytes,
  planInt,
  planLong,
  planNullable,
  planPresent,
  planRecord,
  planString,
  runSteps,
} from './avro-plan.ts'
import type { AvroRecord, AvroType } from './avro-schema.ts'
import { unexpectedType } from './avro-schema.ts'
import type { EntryDraft } from './entry-draft.ts'
import type { EntryStatus, FileContent, FileFormat } from './entry.ts'
import { planMetricsMap } from './metrics-plan.ts'
import type { PartitionFieldType } from './partition-fields.ts'
import { planPartitionValue } from './partition-values.ts'

export interface EntryPlanOptions {
  readonly file: string
  /** Fields of the manifest's spec. */
  readonly partition: readonly PartitionFieldType[]
  readonly metrics: 'all' | 'none' | ReadonlySet<number>
}

type WantedField = Wanted<EntryDraft>
type EntryStep = Step<EntryDraft>

const MAX_PLANS = 64
const plans = new WeakMap<AvroRecord, Map<string, readonly EntryStep[]>>()

/** The steps that decode one entry into a draft. Made once for files that are alike. */
export function planEntry(schema: AvroRecord, options: EntryPlanOptions): readonly EntryStep[] {
  const known = plans.get(schema) ?? new Map<string, readonly EntryStep[]>()
  plans.set(schema, known)
  const key = planKey(options)
  const steps = known.get(key) ?? planRecord(schema, entryFields(options), options.file)
  // Every filter asks for other metrics: a long-lived process must not collect them all.
  if (known.size >= MAX_PLANS) known.clear()
  known.set(key, steps)
  return steps
}

/** All that a plan depends on but the schema; the file only stands in errors of planning. */
function planKey({ partition, metrics }: EntryPlanOptions): string {
  const ids = typeof metrics === 'string' ? metrics : [...metrics].join()
  return `${ids}|${JSON.stringify(partition)}`
}

function entryFields(options: EntryPlanOptions): readonly WantedField[] {
  const { file } = options
  return [
    { id: 0, name: 'status', required: true, plan: planStatus(file) },
    optionalField(1, 'snapshot_id', file, planBigLong, (draft, value) => (draft.snapshotId = value)),
    optionalField(3, 'sequence_number', file, planLong, (draft, value) => (draft.sequenceNumber = value)),
    optionalField(
      4,
      'file_sequence_number',
      file,
      planLong,
      (draft, value) => (draft.fileSequenceNumber = value),
    ),
    { id: 2, name: 'data_file', required: true, plan: (type, field) => planDataFile(type, field, options) },
  ]
}

function planDataFile(type: AvroType, field: string, options: EntryPlanOptions): EntryStep {
  const { file } = options
  const plan = (record: AvroType): EntryStep => {
    if (record.kind !== 'record') throw unexpectedType(file, field, record)
    const steps = planRecord(record, dataFileFields(options), file)
    return (cursor, draft) => runSteps(steps, cursor, draft)
  }
  return planStep(type, field, plan)
}

/** A record that some writers make optional although it must be there. */
function planStep(type: AvroType, field: string, plan: (type: AvroType) => EntryStep): EntryStep {
  if (type.kind !== 'union') return plan(type)
  const branches = type.branches.map((branch) => (branch.kind === 'null' ? null : plan(branch)))
  return (cursor, draft) => {
    const branch = branches[cursor.int()]
    if (branch === undefined || branch === null) return cursor.fail(`the field ${field} has no value`)
    branch(cursor, draft)
  }
}

function dataFileFields(options: EntryPlanOptions): readonly WantedField[] {
  const { file } = options
  return [
    { id: 134, name: 'content', plan: planContent(file) },
    requiredField(100, 'file_path', file, planString, (draft, value) => (draft.location = value)),
    requiredField(101, 'file_format', file, planFormat, (draft, value) => (draft.format = value)),
    { id: 102, name: 'partition', plan: (type, field) => planPartition(type, field, options) },
    requiredField(103, 'record_count', file, planCount, (draft, value) => (draft.recordCount = value)),
    requiredField(
      104,
      'file_size_in_bytes',
      file,
      planCount,
      (draft, value) => (draft.fileSizeInBytes = value),
    ),
    ...metricsFields(options),
    optionalField(131, 'key_metadata', file, planBytes, (draft, value) => (draft.keyMetadata = value)),
    optionalField(132, 'split_offsets', file, planLongs, (draft, value) => (draft.splitOffsets = value)),
    optionalField(135, 'equality_ids', file, planInts, (draft, value) => (draft.equalityIds = value)),
    optionalField(140, 'sort_order_id', file, planInt, (draft, value) => (draft.sortOrderId = value)),
    optionalField(142, 'first_row_id', file, planBigLong, (draft, value) => (draft.firstRowId = value)),
    optionalField(
      143,
      'referenced_data_file',
      file,
      planString,
      (draft, value) => (draft.referencedDataFile = value),
    ),
    optionalField(144, 'content_offset', file, planCount, (draft, value) => (draft.contentOffset = value)),
    optionalField(
      145,
      'content_size_in_bytes',
      file,
      planCount,
      (draft, value) => (draft.contentSizeInBytes = value),
    ),
  ]
}

function metricsFields({ file, metrics }: EntryPlanOptions): readonly WantedField[] {
  if (metrics === 'none') return []
  const ids = metrics === 'all' ? null : metrics
  const counts = (type: AvroType, field: string) =>
    planMetricsMap(type, field, { file, ids, planValue: planLong })
  const bounds = (type: AvroType, field: string) =>
    planMetricsMap(type, field, { file, ids, planValue: planBytes })
  const sizes = optionalField(
    108,
    'column_sizes',
    file,
    counts,
    (draft: EntryDraft, value) => (draft.columnSizes = value),
  )
  return [
    ...(metrics === 'all' ? [sizes] : []),
    optionalField(109, 'value_counts', file, counts, (draft, value) => (draft.valueCounts = value)),
    optionalField(110, 'null_value_counts', file, counts, (draft, value) => (draft.nullValueCounts = value)),
    optionalField(137, 'nan_value_counts', file, counts, (draft, value) => (draft.nanValueCounts = value)),
    optionalField(125, 'lower_bounds', file, bounds, (draft, value) => (draft.lowerBounds = value)),
    optionalField(128, 'upper_bounds', file, bounds, (draft, value) => (draft.upperBounds = value)),
  ]
}

const STATUSES: readonly EntryStatus[] = ['existing', 'added', 'deleted']
const CONTENTS: readonly FileContent[] = ['data', 'position-deletes', 'equality-deletes']

function planStatus(file: string): WantedField['plan'] {
  return (type, field) => {
    const read = planPresent(type, field, (inner) => planInt(inner, field, file))
    return (cursor, draft) => {
      draft.status = STATUSES[read(cursor)] ?? cursor.fail('an entry is neither existing, added nor deleted')
    }
  }
}

function planContent(file: string): WantedField['plan'] {
  return (type, field) => {
    const read = planNullable(type, (inner) => planInt(inner, field, file))
    return (cursor, draft) => {
      draft.content = CONTENTS[read(cursor) ?? 0] ?? cursor.fail('a file holds neither data nor deletes')
    }
  }
}

const FORMATS: ReadonlyMap<string, FileFormat> = new Map([
  ['parquet', 'parquet'],
  ['avro', 'avro'],
  ['orc', 'orc'],
  ['puffin', 'puffin'],
])

/** Java writes names in upper case, the spec has them in lower case. */
function planFormat(type: AvroType, field: string, file: string): Read<FileFormat> {
  const read = planString(type, field, file)
  // Nearly every file of a manifest has the same format.
  let lastText = ''
  let last: FileFormat = 'parquet'
  return (cursor) => {
    const text = read(cursor)
    if (text === lastText) return last
    last = FORMATS.get(text.toLowerCase()) ?? refuseFormat(text, cursor)
    lastText = text
    return last
  }
}

function refuseFormat(text: string, cursor: Cursor): never {
  // Anything but a plain word is what damage looks like, and is not for a message.
  if (!/^[a-z0-9_-]{1,16}$/i.test(text)) return cursor.fail('a file has no valid format')
  throw new UnsupportedFeatureError(`the manifest lists files of format ${text}`, { file: cursor.file })
}

function planLongs(type: AvroType, field: string, file: string): Read<readonly number[]> {
  return planArray(type, field, file, (item) => planLong(item, field, file))
}

function planInts(type: AvroType, field: string, file: string): Read<readonly number[]> {
  return planArray(type, field, file, (item) => planInt(item, field, file))
}

/** Values are found by partition field id, else by name, and stand in the spec's order. */
function planPartition(type: AvroType, field: string, options: EntryPlanOptions): EntryStep {
  const { file, partition } = options
  const plan = (record: AvroType): EntryStep => {
    if (record.kind !== 'record') throw unexpectedType(file, field, record)
    const steps = planRecord(
      record,
      partition.map((one, index) => partitionField(one, index, file)),
      file,
    )
    return (cursor, draft) => runSteps(steps, cursor, draft)
  }
  if (type.kind === 'union') return planStep(type, field, (inner) => plan(inner))
  return plan(type)
}

function partitionField(field: PartitionFieldType, index: number, file: string): WantedField {
  return {
    id: field.fieldId,
    name: field.name,
    aliases: [avroName(field.name)],
    // A tuple with a value missing would prune wrongly; only an unknown type is never written.
    required: field.type.kind !== 'unknown',
    plan(type) {
      const read = planNullable(type, (inner) => planPartitionValue(inner, field.type, field.name, file))
      return (cursor, draft) => {
        draft.partition[index] = read(cursor)
      }
    },
  }
}
