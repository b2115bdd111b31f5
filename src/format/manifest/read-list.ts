/** Reads manifest lists of every format version and writer. */
import type { ByteCodecs } from '../../compression.ts'
import { UnsupportedFeatureError } from '../../errors.ts'
import { avroBlocks, readAvroHeader } from './avro.ts'
import { optionalField, planCount, requiredField } from './avro-fields.ts'
import type { Read, Wanted } from './avro-plan.ts'
import {
  planArray,
  planBigLong,
  planBoolean,
  planBytes,
  planInt,
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
  const manifests: ManifestFile[] = []
  readEach(bytes, request, listFields(request.file), newDraft, (draft) => manifests.push(draft))
  return manifests
}

/** What a manifest is, where, and how much is in it: all that matters of manifests that may have to go. */
export type ListedManifest = Pick<
  ManifestFile,
  | 'location'
  | 'length'
  | 'specId'
  | 'content'
  | 'addedFilesCount'
  | 'existingFilesCount'
  | 'addedRowsCount'
  | 'existingRowsCount'
  | 'vouched'
>

/**
 * Shows the manifests of a list, one after another, without keeping any; the object that is shown is
 * used again for the next. Answers how many there are. CorruptFileError, UnsupportedFeatureError.
 */
export function visitManifestList(
  bytes: Uint8Array,
  request: ReadManifestListRequest,
  visit: (manifest: ListedManifest) => void,
): number {
  // Every record assigns all fields of the file's schema: nothing of the one before is left.
  const draft = newDraft()
  return readEach(bytes, request, placeFields(request.file), () => draft, visit)
}

function readEach(
  bytes: Uint8Array,
  request: ReadManifestListRequest,
  fields: readonly Wanted<Draft>[],
  draftFor: () => Draft,
  take: (draft: Draft) => void,
): number {
  const { file } = request
  const header = readAvroHeader(bytes, file)
  const version = header.metadata.get('format-version') ?? '1'
  if (version !== '1' && version !== '2' && version !== '3') {
    throw new UnsupportedFeatureError('the manifest list is of a format version that is not known', { file })
  }
  const steps = planRecord(header.schema, fields, file)
  let read = 0
  for (const { count, cursor } of avroBlocks(bytes, header, request)) {
    for (let index = 0; index < count; index += 1) {
      const draft = draftFor()
      runSteps(steps, cursor, draft)
      take(draft)
      read += 1
    }
  }
  return read
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

function placeFields(file: string): readonly Wanted<Draft>[] {
  return [
    requiredField(500, 'manifest_path', file, planString, (draft, value) => (draft.location = value)),
    requiredField(501, 'manifest_length', file, planCount, (draft, value) => (draft.length = value)),
    requiredField(502, 'partition_spec_id', file, planInt, (draft, value) => (draft.specId = value)),
    optionalField(517, 'content', file, planContent, (draft, value) => (draft.content = value ?? 'data')),
    fileCount(504, 'added', file, (draft, value) => (draft.addedFilesCount = value)),
    fileCount(505, 'existing', file, (draft, value) => (draft.existingFilesCount = value)),
    rowCount(512, 'added', file, (draft, value) => (draft.addedRowsCount = value)),
    rowCount(513, 'existing', file, (draft, value) => (draft.existingRowsCount = value)),
  ]
}

function listFields(file: string): readonly Wanted<Draft>[] {
  return [
    ...placeFields(file),
    optionalField(
      515,
      'sequence_number',
      file,
      planCount,
      (draft, value) => (draft.sequenceNumber = value ?? 0),
    ),
    optionalField(
      516,
      'min_sequence_number',
      file,
      planCount,
      (draft, value) => (draft.minSequenceNumber = value ?? 0),
    ),
    requiredField(
      503,
      'added_snapshot_id',
      file,
      planBigLong,
      (draft, value) => (draft.addedSnapshotId = value),
    ),
    fileCount(506, 'deleted', file, (draft, value) => (draft.deletedFilesCount = value)),
    rowCount(514, 'deleted', file, (draft, value) => (draft.deletedRowsCount = value)),
    optionalField(507, 'partitions', file, planSummaries, (draft, value) => (draft.partitions = value)),
    optionalField(519, 'key_metadata', file, planBytes, (draft, value) => (draft.keyMetadata = value)),
    optionalField(520, 'first_row_id', file, planBigLong, (draft, value) => (draft.firstRowId = value)),
  ]
}

/** Older writers have `added_data_files_count` where the spec now has `added_files_count`. */
function fileCount(
  id: number,
  which: string,
  file: string,
  assign: (draft: Draft, value: number | null) => void,
): Wanted<Draft> {
  const field = optionalField(id, `${which}_files_count`, file, planCount, assign)
  return { ...field, aliases: [`${which}_data_files_count`] }
}

function rowCount(
  id: number,
  which: string,
  file: string,
  assign: (draft: Draft, value: number | null) => void,
): Wanted<Draft> {
  return optionalField(id, `${which}_rows_count`, file, planCount, assign)
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
    optionalField(
      509,
      'contains_null',
      file,
      planBoolean,
      (draft, value) => (draft.containsNull = value ?? true),
    ),
    optionalField(518, 'contains_nan', file, planBoolean, (draft, value) => (draft.containsNaN = value)),
    optionalField(510, 'lower_bound', file, planBytes, (draft, value) => (draft.lowerBound = value)),
    optionalField(511, 'upper_bound', file, planBytes, (draft, value) => (draft.upperBound = value)),
  ]
}
