/** A data file as a manifest tells of it, without metrics: tests say what matters to them. */
import type { ContentFile } from '../../src/format/manifest/entry.ts'

export function contentFile(changes: Partial<ContentFile> = {}): ContentFile {
  return {
    content: 'data',
    location: 's3://bucket/t/data/1.parquet',
    format: 'parquet',
    specId: 0,
    partition: [],
    recordCount: 10,
    fileSizeInBytes: 1000,
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
    ...changes,
  }
}
