/** Replaces rows by new ones in one snapshot: of the table, of a filter, or of partitions. */
import type { FileScanTask } from '../../engine/data-plane.ts'
import type { RowSource } from '../../engine/data-plane.ts'
import type { FileMatch } from '../../engine/row-changes.ts'
import { InvalidDataError } from '../../errors.ts'
import type { BoundExpression } from '../../format/expressions/expression.ts'
import { allMatch } from '../../format/expressions/metrics.ts'
import type { ContentFile, ManifestEntry } from '../../format/manifest/entry.ts'
import { currentSchema, defaultSpec } from '../../format/metadata/views.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { REPLACE_PARTITIONS } from '../../format/refs/wap.ts'
import type { Snapshot } from '../../format/snapshot.ts'
import type { ManifestContext } from '../manifest-reader.ts'
import { nameMappingOf } from '../default-name-mapping.ts'
import { partitionKey } from '../partition-key.ts'
import { planScan } from '../plan.ts'
import { mightTouch } from './conflict-scope.ts'
import { writeStrategy, type FileDecision } from './file-action.ts'
import {
  deadDeletesOf,
  decideAll,
  deletesOnlyOf,
  dropWhole,
  planRemoval,
  referencedFiles,
  removedFiles,
  type Removal,
} from './remove-matching.ts'
import type { Isolation, RowChange, RowComputation } from './row-change.ts'
import type { RowWriter } from './row-writer.ts'

/** Which rows leave. */
export type OverwriteScope =
  | { readonly kind: 'filter'; readonly filterOn: (base: TableMetadata) => BoundExpression }
  /** Those in the partitions, by the current spec, that the new rows fall in. */
  | { readonly kind: 'partitions' }

export interface OverwriteOptions {
  readonly isolation: Isolation
  readonly scope: OverwriteScope
  readonly source: RowSource
  /** Which rows of the source are meant. */
  readonly rowFilter: BoundExpression | undefined
  /** Refuse new rows that the filter would not have removed. */
  readonly validate: boolean
  readonly contextOf: (base: TableMetadata) => ManifestContext
}

const ALL: BoundExpression = { op: 'true' }

export class Overwrite implements RowComputation {
  readonly operation = 'overwrite'
  readonly isolation: Isolation
  readonly onConflict = 'fail'
  readonly #writer: RowWriter
  readonly #options: OverwriteOptions
  #decisions: readonly FileDecision[] = []
  #newFiles: readonly ContentFile[] = []

  constructor(writer: RowWriter, options: OverwriteOptions) {
    this.isolation = options.isolation
    this.#writer = writer
    this.#options = options
  }

  get decisions(): readonly FileDecision[] {
    return this.#decisions
  }

  /** Files of new rows; rewritten ones are not among them. */
  get newFiles(): readonly ContentFile[] {
    return this.#newFiles
  }

  async compute(base: TableMetadata, head: Snapshot | null): Promise<RowChange> {
    this.#newFiles = await this.#writer.writeRows(base, this.#options.source, this.#options.rowFilter)
    await this.#validate(base)
    const removal = await this.#removal(base, head)
    this.#decisions = removal.decisions
    const rewritten = await this.#writer.rewrite(base, removal.decided)
    const deletes = await this.#writer.writeDeletes(base, removal.decided)
    return {
      added: [...this.#newFiles, ...rewritten, ...deletes],
      removed: removedFiles(removal),
      removedDeletes: removal.deadDeletes,
      referenced: referencedFiles(removal),
      summary: this.#replacesPartitions(removal) ? { [REPLACE_PARTITIONS]: 'true' } : {},
    }
  }

  /** Whether whole partitions went and nothing else did, so that it can be cherry-picked as such. */
  #replacesPartitions(removal: Removal): boolean {
    return this.#options.scope.kind === 'partitions' && removal.decided.length === 0
  }

  /**
   * Which files would be hit. The partitions that new rows fall in are known only by writing them:
   * their files are removed again.
   */
  async plan(base: TableMetadata, head: Snapshot | null): Promise<readonly FileDecision[]> {
    if (this.#options.scope.kind === 'filter') return (await this.#removal(base, head)).decisions
    try {
      this.#newFiles = await this.#writer.writeRows(base, this.#options.source, this.#options.rowFilter)
      return (await this.#removal(base, head)).decisions
    } finally {
      await this.discard()
    }
  }

  touches(base: TableMetadata, entry: ManifestEntry): boolean {
    const { scope } = this.#options
    if (scope.kind === 'filter') return mightTouch(base, scope.filterOn(base), entry)
    const [first] = this.#newFiles
    // Another spec's partitions cannot be compared with ours.
    if (first === undefined || entry.file.specId !== first.specId) return true
    return this.#newPartitions().has(partitionKey(entry.file.specId, entry.file.partition))
  }

  written(): readonly string[] {
    return this.#writer.written()
  }

  discard(): Promise<void> {
    return this.#writer.discard()
  }

  /** Which old rows would leave, for new rows in the given files; writes nothing. */
  async #removal(base: TableMetadata, head: Snapshot | null): Promise<Removal> {
    const { scope, contextOf } = this.#options
    const strategy = writeStrategy(base['format-version'], base.properties, 'write.delete.mode')
    if (scope.kind === 'filter') {
      return planRemoval(this.#writer, base, head, contextOf(base), scope.filterOn(base), strategy)
    }
    const { tasks } = await planScan({
      context: contextOf(base),
      snapshot: head,
      schema: currentSchema(base),
      filter: ALL,
    })
    const partitions = this.#newPartitions()
    const specId = defaultSpec(base).specId
    const own = tasks.filter(({ entry }) => entry.file.specId === specId)
    const whole = own.filter(({ entry }) => partitions.has(partitionKey(specId, entry.file.partition)))
    const others = tasks.filter(({ entry }) => entry.file.specId !== specId)
    const decided = decideAll(await this.#matchPartitions(base, others), strategy)
    return {
      decisions: [
        ...(await dropWhole(this.#writer, base, whole, 'its partition is replaced')),
        ...decided.map(({ decision }) => decision),
      ],
      decided,
      deadDeletes: [...deletesOnlyOf(whole), ...deadDeletesOf(decided)],
    }
  }

  async #matchPartitions(base: TableMetadata, tasks: readonly FileScanTask[]): Promise<readonly FileMatch[]> {
    if (tasks.length === 0 || this.#newFiles.length === 0) return []
    const plane = await this.#writer.plane()
    return plane.matchPartitions({
      ...this.#writer.matchRequest(base, tasks),
      spec: defaultSpec(base),
      partitions: this.#newFiles.map((file) => file.partition),
    })
  }

  #newPartitions(): ReadonlySet<string> {
    return new Set(this.#newFiles.map((file) => partitionKey(file.specId, file.partition)))
  }

  async #validate(base: TableMetadata): Promise<void> {
    const { scope, validate } = this.#options
    if (!validate || scope.kind !== 'filter') return
    const filter = scope.filterOn(base)
    const unproven = this.#newFiles.filter((file) => !allMatch(filter, file))
    if (unproven.length === 0) return
    const spec = defaultSpec(base)
    const tasks = unproven.map((file): FileScanTask => ({
      entry: newEntry(file),
      spec,
      deletes: [],
      residual: filter,
    }))
    const plane = await this.#writer.plane()
    const matching = await plane.countRows({
      ...this.#writer.matchRequest(base, tasks),
      projection: currentSchema(base),
      nameMapping: nameMappingOf(base),
    })
    const strangers = unproven.reduce((rows, file) => rows + file.recordCount, 0) - matching
    if (strangers === 0) return
    throw new InvalidDataError(
      `${strangers} of the new rows do not match the filter whose rows they replace`,
      {
        hint: 'Widen the filter, or leave these rows out. Nothing was changed.',
      },
    )
  }
}

function newEntry(file: ContentFile): ManifestEntry {
  return { status: 'added', snapshotId: 0n, sequenceNumber: 0, fileSequenceNumber: 0, file }
}
