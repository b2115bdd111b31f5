/** What a manifest list says about a manifest, gathered while its entries are written. */
import type { Datum } from '../types.ts'
import { encodeBinary } from '../values/binary.ts'
import { compareDatum } from '../values/literal.ts'
import { boundsInEitherOrder } from '../values/uuid-bounds.ts'
import type { ManifestEntry } from './entry.ts'
import type { ManifestFile, PartitionFieldSummary } from './manifest-file.ts'
import { UNASSIGNED_SEQUENCE_NUMBER } from './manifest-file.ts'
import type { PartitionFieldType } from './partition-fields.ts'

/** Counts, smallest sequence number and partition summaries of the entries added so far. */
export class ManifestSummary {
  private readonly fields: readonly FieldSummary[]
  private readonly files = { existing: 0, added: 0, deleted: 0 }
  private readonly rows = { existing: 0, added: 0, deleted: 0 }
  private minSequenceNumber = Number.POSITIVE_INFINITY

  constructor(partition: readonly PartitionFieldType[]) {
    this.fields = partition.map((field) => new FieldSummary(field))
  }

  add(entry: ManifestEntry): void {
    this.files[entry.status] += 1
    this.rows[entry.status] += entry.file.recordCount
    if (entry.status !== 'deleted' && entry.sequenceNumber !== null) {
      this.minSequenceNumber = Math.min(this.minSequenceNumber, entry.sequenceNumber)
    }
    // Deleted files count too: readers of the deletes of a snapshot look for them by partition.
    this.fields.forEach((field, index) => field.add(entry.file.partition[index] ?? null))
  }

  result(manifest: {
    readonly specId: number
    readonly content: 'data' | 'deletes'
    readonly snapshotId: bigint
  }): Omit<ManifestFile, 'location' | 'length'> {
    return {
      specId: manifest.specId,
      content: manifest.content,
      sequenceNumber: UNASSIGNED_SEQUENCE_NUMBER,
      // No file with a number of its own: all of them inherit the one that the commit will get.
      minSequenceNumber: Number.isFinite(this.minSequenceNumber)
        ? this.minSequenceNumber
        : UNASSIGNED_SEQUENCE_NUMBER,
      addedSnapshotId: manifest.snapshotId,
      addedFilesCount: this.files.added,
      existingFilesCount: this.files.existing,
      deletedFilesCount: this.files.deleted,
      addedRowsCount: this.rows.added,
      existingRowsCount: this.rows.existing,
      deletedRowsCount: this.rows.deleted,
      partitions: this.partitions(),
      keyMetadata: null,
      firstRowId: null,
    }
  }

  /** null when a field has values and no bounds: readers take missing bounds for "only nulls". */
  private partitions(): readonly PartitionFieldSummary[] | null {
    return this.fields.every((field) => field.hasHonestBounds())
      ? this.fields.map((field) => field.result())
      : null
  }
}

/**
 * A manifest's entry in a list with the counts that an old writer left out, taken from its own
 * entries (all of them, deleted ones too). Lists of v2 require them.
 */
export function withCounts(manifest: ManifestFile, entries: readonly ManifestEntry[]): ManifestFile {
  const counted = new ManifestSummary([])
  for (const entry of entries) counted.add(entry)
  const { specId, content, addedSnapshotId: snapshotId } = manifest
  const known = counted.result({ specId, content, snapshotId })
  return {
    ...manifest,
    addedFilesCount: known.addedFilesCount,
    existingFilesCount: known.existingFilesCount,
    deletedFilesCount: known.deletedFilesCount,
    addedRowsCount: known.addedRowsCount,
    existingRowsCount: known.existingRowsCount,
    deletedRowsCount: known.deletedRowsCount,
  }
}

/** One field of the spec. NaN is counted apart: it is in no order that bounds could use. */
class FieldSummary {
  private readonly field: PartitionFieldType
  private containsNull = false
  private containsNaN = false
  private lower: Datum | null = null
  private upper: Datum | null = null

  constructor(field: PartitionFieldType) {
    this.field = field
  }

  add(value: Datum | null): void {
    if (value === null) {
      this.containsNull = true
      return
    }
    if (typeof value === 'number' && Number.isNaN(value)) {
      this.containsNaN = true
      return
    }
    const { type } = this.field
    if (this.lower === null || compareDatum(type, value, this.lower) < 0) this.lower = value
    if (this.upper === null || compareDatum(type, value, this.upper) > 0) this.upper = value
  }

  result(): PartitionFieldSummary {
    const { type } = this.field
    const { lower, upper } = this.bounds()
    return {
      containsNull: this.containsNull,
      containsNaN: this.containsNaN,
      lowerBound: lower === null ? null : encodeBinary(type, lower),
      upperBound: upper === null ? null : encodeBinary(type, upper),
    }
  }

  hasHonestBounds(): boolean {
    const { lower, upper } = this.bounds()
    return this.lower === null || (lower !== null && upper !== null)
  }

  private bounds(): { readonly lower: Datum | null; readonly upper: Datum | null } {
    const { lower, upper } = this
    const isUuid = this.field.type.kind === 'uuid'
    if (!isUuid || typeof lower !== 'string' || typeof upper !== 'string') return { lower, upper }
    return boundsInEitherOrder(lower, upper)
  }
}
