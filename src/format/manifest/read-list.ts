/** Reads manifest lists of every format version and writer. */
import type { ByteCodecs } from '../../compression.ts'
import { UnsupportedFeatureError } from '../../errors.ts'
import { avroBlocks, readAvroHeader } from './avro.ts'
import type { Read, Wanted } from './avro-plan.ts'
import {
  planArray,
  planBigLong,
  planBoolean,
  planBytes,
  planInt,
  planLong,
  planNullable,
  planPresent,
  planRecord,
  planString,
  runSteps,
} from './avro-plan.ts'
import type { AvroType } from './avro-schema.ts'
import { unexpectedType } from './avro-schema.ts'
import type { ManifestFile, PartitionFieldSummary } from './manifest-file.ts'

export interface ReadManifestListRequest {
  /** Location of the list, for errors. */
  readonly file: string
  readonly codecs: ByteCodecs
}

type Draft = { -readonly [K in keyof ManifestFile]: ManifestFile[K] }
type SummaryDraft = { -readonly [K in keyof PartitionFieldSummary]: PartitionFieldSummary[K] }

/** The manifests of a list, in its order. Throws CorruptFileError, UnsupportedFeatureError. */
export function readManifestList(
  bytes: Uint8Array,
  request: ReadManifestListRequest,
): readonly ManifestFile[] {
  const { file } = request
  const header = readAvroHeader(bytes, file)
  const version = header.metadata.get('format-version') ?? '1'
  if (version !== '1' && version !== '2' && version !== '3') {
    throw new UnsupportedFeatureError('the manifest list is of a format version that is not known', { file })
  }
  const steps = planRecord(header.schema, listFields(file), file)
  const manifests: ManifestFile[] = []
  for (const { count, cursor } of avroBlocks(bytes, header, request)) {
    for (let index = 0; index < count; index += 1) {
      const draft = newDraft()
      runSteps(steps, cursor, draft)
      manifests.push(draft)
    }
  }
  return manifests
}

/** What a field means that an older writer left out. */
function newDraft(): Draft {
  return {
    location: '',
    length: 0,
    specId: 0,
    content: 'data',
    sequenceNumber: 0,
    minSequenceNumber: 0,
    addedSnapshotId: 0n,
    addedFilesCount: null,
    existingFilesCount: null,
    deletedFilesCount: null,
    addedRowsCount: null,
    existingRowsCount: null,
    deletedRowsCount: null,
    partitions: null,
    keyMetadata: null,
    firstRowId: null,
  }
}

function listFields(file: string): readonly Wanted<Draft>[] {
  return [
    required(500, 'manifest_path', planString, file, (draft, value) => (draft.location = value)),
    required(501, 'manifest_length', planNatural, file, (draft, value) => (draft.length = value)),
    required(502, 'partition_spec_id', planInt, file, (draft, value) => (draft.specId = value)),
    optional(517, 'content', planContent, file, (draft, value) => (draft.content = value ?? 'data')),
    optional(
      515,
      'sequence_number',
      planNatural,
      file,
      (draft, value) => (draft.sequenceNumber = value ?? 0),
    ),
    optional(
      516,
      'min_sequence_number',
      planNatural,
      file,
      (draft, value) => (draft.minSequenceNumber = value ?? 0),
    ),
    required(503, 'added_snapshot_id', planBigLong, file, (draft, value) => (draft.addedSnapshotId = value)),
    count(504, 'added', file, (draft, value) => (draft.addedFilesCount = value)),
    count(505, 'existing', file, (draft, value) => (draft.existingFilesCount = value)),
    count(506, 'deleted', file, (draft, value) => (draft.deletedFilesCount = value)),
    optional(512, 'added_rows_count', planNatural, file, (draft, value) => (draft.addedRowsCount = value)),
    optional(
      513,
      'existing_rows_count',
      planNatural,
      file,
      (draft, value) => (draft.existingRowsCount = value),
    ),
    optional(
      514,
      'deleted_rows_count',
      planNatural,
      file,
      (draft, value) => (draft.deletedRowsCount = value),
    ),
    optional(507, 'partitions', planSummaries, file, (draft, value) => (draft.partitions = value)),
    optional(519, 'key_metadata', planBytes, file, (draft, value) => (draft.keyMetadata = value)),
    optional(520, 'first_row_id', planBigLong, file, (draft, value) => (draft.firstRowId = value)),
  ]
}

/** Older writers have `added_data_files_count` where the spec now has `added_files_count`. */
function count(
  id: number,
  which: string,
  file: string,
  assign: (draft: Draft, value: number | null) => void,
): Wanted<Draft> {
  const field = optional(id, `${which}_files_count`, planNatural, file, assign)
  return { ...field, aliases: [`${which}_data_files_count`] }
}

type PlanRead<T> = (type: AvroType, field: string, file: string) => Read<T>

function required<T, Target>(
  id: number,
  name: string,
  plan: PlanRead<T>,
  file: string,
  assign: (draft: Target, value: T) => void,
): Wanted<Target> {
  return {
    id,
    name,
    required: true,
    plan(type, field) {
      const read = planPresent(type, field, (inner) => plan(inner, field, file))
      return (cursor, draft) => assign(draft, read(cursor))
    },
  }
}

function optional<T, Target>(
  id: number,
  name: string,
  plan: PlanRead<T>,
  file: string,
  assign: (draft: Target, value: T | null) => void,
): Wanted<Target> {
  return {
    id,
    name,
    plan(type, field) {
      const read = planNullable(type, (inner) => plan(inner, field, file))
      return (cursor, draft) => assign(draft, read(cursor))
    },
  }
}

function planNatural(type: AvroType, field: string, file: string): Read<number> {
  const read = planLong(type, field, file)
  return (cursor) => {
    const value = read(cursor)
    return value >= 0 ? value : cursor.fail(`the field ${field} is negative`)
  }
}

const CONTENTS = ['data', 'deletes'] as const

function planContent(type: AvroType, field: string, file: string): Read<'data' | 'deletes'> {
  const read = planInt(type, field, file)
  return (cursor) => CONTENTS[read(cursor)] ?? cursor.fail('a manifest holds neither data nor deletes')
}

function planSummaries(type: AvroType, field: string, file: string): Read<readonly PartitionFieldSummary[]> {
  return planArray(type, field, file, (record) => {
    if (record.kind !== 'record') throw unexpectedType(file, field, record)
    const steps = planRecord(record, summaryFields(file), file)
    return (cursor) => {
      const draft: SummaryDraft = {
        containsNull: true,
        containsNaN: null,
        lowerBound: null,
        upperBound: null,
      }
      runSteps(steps, cursor, draft)
      return draft
    }
  })
}

function summaryFields(file: string): readonly Wanted<SummaryDraft>[] {
  return [
    // Unknown is taken as "may contain null": the side on which nothing is lost.
    optional(509, 'contains_null', planBoolean, file, (draft, value) => (draft.containsNull = value ?? true)),
    optional(518, 'contains_nan', planBoolean, file, (draft, value) => (draft.containsNaN = value)),
    optional(510, 'lower_bound', planBytes, file, (draft, value) => (draft.lowerBound = value)),
    optional(511, 'upper_bound', planBytes, file, (draft, value) => (draft.upperBound = value)),
  ]
}
