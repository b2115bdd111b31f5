/** Scan planning: which files can hold matching rows, and what is left to check on each. */
import { throwIfAborted } from '../abort.ts'
import type { FileScanTask } from '../engine/data-plane.ts'
import { CorruptFileError } from '../errors.ts'
import { evaluatePartition } from '../format/expressions/evaluate-partition.ts'
import type { BoundExpression, PartitionExpression } from '../format/expressions/expression.ts'
import { boundToString } from '../format/expressions/format.ts'
import { mightMatch } from '../format/expressions/metrics.ts'
import { projectInclusive, unprojectable } from '../format/expressions/project.ts'
import { residualFor } from '../format/expressions/residual.ts'
import { manifestMightMatch } from '../format/expressions/summaries.ts'
import type { ManifestEntry } from '../format/manifest/entry.ts'
import { liveFilesOf, type ManifestFile } from '../format/manifest/list.ts'
import { specsById } from '../format/metadata/views.ts'
import type { PartitionSpec } from '../format/partition-spec.ts'
import type { Schema } from '../format/schema.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { mapConcurrently } from './concurrency.ts'
import { DELETE_FILE_PATH_ID, DeleteIndex } from './delete-index.ts'
import { entriesOf, hasLiveFiles, manifestsOf, type ManifestContext } from './manifest-reader.ts'

/** What a plan looked at and what it could leave out. */
export interface ScanReport {
  readonly manifestsTotal: number
  /** Manifests that were opened; the others cannot match by their partition summaries. */
  readonly manifestsScanned: number
  /** Live data files of the snapshot; null when a manifest that was skipped does not say. */
  readonly filesTotal: number | null
  /** Data files that will be read. */
  readonly filesScanned: number
  /** Bytes of those files. */
  readonly bytesScanned: number
  /**
   * Parts of the filter that no partition field of some spec in use could prune by, as text
   * without literals; empty when every part could.
   */
  readonly notPruned: readonly string[]
}

/** The files that a scan would read, and why not the others. */
export interface ScanPlan {
  readonly tasks: readonly FileScanTask[]
  readonly report: ScanReport
}

export interface PlanRequest {
  readonly context: ManifestContext
  /** null: an empty table. */
  readonly snapshot: Snapshot | null
  /** The schema that the filter is bound to. */
  readonly schema: Schema
  readonly filter: BoundExpression
}

const EMPTY_PLAN: ScanPlan = {
  tasks: [],
  report: {
    manifestsTotal: 0,
    manifestsScanned: 0,
    filesTotal: 0,
    filesScanned: 0,
    bytesScanned: 0,
    notPruned: [],
  },
}

/** Plans a scan of one snapshot. MissingFileError, CorruptFileError, InvalidLocationError. */
export async function planScan(request: PlanRequest): Promise<ScanPlan> {
  if (request.snapshot === null) return EMPTY_PLAN
  const { context } = request
  const manifests = (await manifestsOf(context, request.snapshot)).filter(hasLiveFiles)
  const pruning = new SpecPruning(request)
  const wanted = manifests.filter((manifest) => pruning.manifestMightMatch(manifest))
  const entries = await mapConcurrently(wanted, async (manifest) => {
    throwIfAborted(context.signal)
    const live = await entriesOf(context, manifest, { liveOnly: true, metrics: pruning.metrics })
    return live.filter((entry) => pruning.fileMightMatch(entry))
  })
  const deletes = new DeleteIndex(flatten(wanted, entries, 'deletes'), pruning.specs)
  const tasks = flatten(wanted, entries, 'data').map((entry) => pruning.task(entry, deletes))
  checkLocations(context, tasks)
  return { tasks, report: scanReport(manifests, wanted, tasks, pruning) }
}

/** A projection of the filter for every partition spec, made when first met. */
export class SpecPruning {
  readonly specs: ReadonlyMap<number, PartitionSpec>
  /** Columns whose metrics the plan looks at; all others need not be decoded. */
  readonly metrics: ReadonlySet<number>
  readonly #request: Omit<PlanRequest, 'snapshot'>
  readonly #projections = new Map<number, PartitionExpression>()

  constructor(request: Omit<PlanRequest, 'snapshot'>) {
    this.#request = request
    this.specs = specsById(request.context.metadata)
    this.metrics = new Set([...filteredFieldIds(request.filter), DELETE_FILE_PATH_ID])
  }

  manifestMightMatch(manifest: ManifestFile): boolean {
    return manifestMightMatch(
      this.#spec(manifest.specId),
      this.#request.schema,
      this.#projection(manifest.specId),
      manifest,
    )
  }

  /** Delete files are kept or dropped by partition alone: their metrics are of other columns. */
  fileMightMatch({ file }: ManifestEntry): boolean {
    if (!evaluatePartition(this.#projection(file.specId), file.partition)) return false
    return file.content !== 'data' || mightMatch(this.#request.filter, file)
  }

  /** Without `deletes` none applies. */
  task(entry: ManifestEntry, deletes?: DeleteIndex): FileScanTask {
    const spec = this.#spec(entry.file.specId)
    const residual = residualFor(spec, this.#request.schema, this.#request.filter, entry.file.partition)
    return { entry, spec, deletes: deletes?.deletesFor(entry) ?? [], residual }
  }

  notPruned(specIds: Iterable<number>): readonly string[] {
    const { schema, filter } = this.#request
    const parts = [...new Set(specIds)].flatMap((specId) => unprojectable(this.#spec(specId), schema, filter))
    return [...new Set(parts.map(boundToString))]
  }

  #projection(specId: number): PartitionExpression {
    const known = this.#projections.get(specId)
    if (known !== undefined) return known
    const projection = projectInclusive(this.#spec(specId), this.#request.schema, this.#request.filter)
    this.#projections.set(specId, projection)
    return projection
  }

  #spec(specId: number): PartitionSpec {
    const spec = this.specs.get(specId)
    if (spec !== undefined) return spec
    throw new CorruptFileError(
      `A manifest uses partition spec ${specId}, which the table metadata does not have`,
    )
  }
}

function filteredFieldIds(filter: BoundExpression): readonly number[] {
  switch (filter.op) {
    case 'true':
    case 'false':
      return []
    case 'and':
    case 'or':
      return [...filteredFieldIds(filter.left), ...filteredFieldIds(filter.right)]
    default:
      return [filter.ref.fieldId]
  }
}

/** Delete files are other people's input as much as data files are. Many tasks may share one. */
export function checkLocations({ roots }: ManifestContext, tasks: readonly FileScanTask[]): void {
  const entries = new Set(tasks.flatMap((task) => [task.entry, ...task.deletes]))
  for (const { file } of entries) roots.check(file.location)
}

function flatten(
  manifests: readonly ManifestFile[],
  entries: readonly (readonly ManifestEntry[])[],
  content: ManifestFile['content'],
): ManifestEntry[] {
  return entries.filter((_, index) => manifests[index]?.content === content).flat()
}

/** What a plan looked at: the manifests in question, those that were opened, and the files to read. */
export function scanReport(
  manifests: readonly ManifestFile[],
  scanned: readonly ManifestFile[],
  tasks: readonly FileScanTask[],
  pruning: SpecPruning,
): ScanReport {
  const data = manifests.filter((manifest) => manifest.content === 'data')
  return {
    manifestsTotal: manifests.length,
    manifestsScanned: scanned.length,
    filesTotal: sumOrNull(data.map(liveFilesOf)),
    filesScanned: tasks.length,
    bytesScanned: tasks.reduce((bytes, task) => bytes + task.entry.file.fileSizeInBytes, 0),
    notPruned: pruning.notPruned(data.map((manifest) => manifest.specId)),
  }
}

function sumOrNull(counts: readonly (number | null)[]): number | null {
  return counts.reduce<number | null>(
    (sum, count) => (sum === null || count === null ? null : sum + count),
    0,
  )
}
