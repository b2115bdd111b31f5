/** An entry while it is being decoded: one draft is filled again and again. */
import type { Datum } from '../types.ts'
import type { ContentFile, EntryStatus, FileContent, FileFormat, ManifestEntry } from './entry.ts'

export interface EntryDraft {
  status: EntryStatus
  snapshotId: bigint | null
  sequenceNumber: number | null
  fileSequenceNumber: number | null
  content: FileContent
  location: string
  format: FileFormat
  readonly specId: number
  partition: (Datum | null)[]
  /** A tuple of nulls, to start from. */
  readonly emptyPartition: readonly null[]
  recordCount: number
  fileSizeInBytes: number
  columnSizes: ReadonlyMap<number, number> | null
  valueCounts: ReadonlyMap<number, number> | null
  nullValueCounts: ReadonlyMap<number, number> | null
  nanValueCounts: ReadonlyMap<number, number> | null
  lowerBounds: ReadonlyMap<number, Uint8Array> | null
  upperBounds: ReadonlyMap<number, Uint8Array> | null
  keyMetadata: Uint8Array | null
  splitOffsets: readonly number[] | null
  equalityIds: readonly number[] | null
  sortOrderId: number | null
  firstRowId: bigint | null
  referencedDataFile: string | null
  contentOffset: number | null
  contentSizeInBytes: number | null
}

export function newDraft(specId: number, partitionSize: number): EntryDraft {
  return {
    status: 'existing',
    snapshotId: null,
    sequenceNumber: null,
    fileSequenceNumber: null,
    content: 'data',
    location: '',
    format: 'parquet',
    specId,
    partition: [],
    emptyPartition: Array.from({ length: partitionSize }, () => null),
    recordCount: 0,
    fileSizeInBytes: 0,
    columnSizes: null,
    valueCounts: null,
    nullValueCounts: null,
    nanValueCounts: null,
    lowerBounds: null,
    upperBounds: null,
    keyMetadata: null,
    splitOffsets: null,
    equalityIds: null,
    sortOrderId: null,
    firstRowId: null,
    referencedDataFile: null,
    contentOffset: null,
    contentSizeInBytes: null,
  }
}

/** Fields that a writer may have left out go back to what their absence means. */
export function resetDraft(draft: EntryDraft): void {
  draft.snapshotId = null
  draft.sequenceNumber = null
  draft.fileSequenceNumber = null
  draft.content = 'data'
  draft.partition = draft.emptyPartition.slice()
}

export function finishEntry(draft: EntryDraft): ManifestEntry {
  return {
    status: draft.status,
    snapshotId: draft.snapshotId,
    sequenceNumber: draft.sequenceNumber,
    fileSequenceNumber: draft.fileSequenceNumber,
    file: finishFile(draft),
  }
}

function finishFile(draft: EntryDraft): ContentFile {
  return {
    content: draft.content,
    location: draft.location,
    format: draft.format,
    specId: draft.specId,
    partition: draft.partition,
    recordCount: draft.recordCount,
    fileSizeInBytes: draft.fileSizeInBytes,
    columnSizes: draft.columnSizes,
    valueCounts: draft.valueCounts,
    nullValueCounts: draft.nullValueCounts,
    nanValueCounts: draft.nanValueCounts,
    lowerBounds: draft.lowerBounds,
    upperBounds: draft.upperBounds,
    keyMetadata: draft.keyMetadata,
    splitOffsets: draft.splitOffsets,
    equalityIds: draft.equalityIds,
    sortOrderId: draft.sortOrderId,
    firstRowId: draft.firstRowId,
    referencedDataFile: draft.referencedDataFile,
    contentOffset: draft.contentOffset,
    contentSizeInBytes: draft.contentSizeInBytes,
  }
}
