/**
 * Manifests in place of others that list the same files: one `replace` snapshot that adds and removes
 * no file. Every entry keeps its snapshot id and its sequence numbers.
 */
import type { ManifestEntry } from '../../format/manifest/entry.ts'
import type { ManifestFile } from '../../format/manifest/list.ts'
import { currentSchema, specById } from '../../format/metadata/views.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { partitionType, type PartitionColumn } from '../../format/partition-spec.ts'
import { intProperty } from '../../format/properties.ts'
import { compareDatum } from '../../format/values/literal.ts'
import { decodeBound } from '../../format/values/bounds.ts'
import type { Datum } from '../../format/types.ts'
import type { CommitAttempt, CommitChange } from '../commit.ts'
import { mapConcurrently } from '../concurrency.ts'
import { entriesOf, writableManifests, type ManifestContext } from '../manifest-reader.ts'
import { SnapshotProducer, type SnapshotTarget } from '../snapshot-producer.ts'

/** Manifests of one spec and kind of content. */
export interface ManifestGroup {
  readonly specId: number
  readonly content: 'data' | 'deletes'
  /** Names of partition fields that entries are ordered by. */
  readonly clusterBy: readonly string[]
  /** Rewrite them even where there are as many as there should be. */
  readonly isForced: boolean
  /** Locations of the manifests that may be replaced. */
  readonly locations: ReadonlySet<string>
}

/** What the last attempt did. */
export interface ManifestCounts {
  readonly replaced: number
  readonly created: number
  readonly kept: number
  readonly entries: number
}

const NOTHING: ManifestCounts = { replaced: 0, created: 0, kept: 0, entries: 0 }

/** Entries of so many bytes of manifests are in memory at a time, and in order among themselves. */
export const BYTES_IN_ORDER = 128 * 1024 ** 2

interface Written {
  /** What it was written from: while that is listed, it need not be written again. */
  readonly from: string
  readonly manifests: readonly ManifestFile[]
  readonly entries: number
}

export class RewriteManifestsChange implements CommitChange {
  readonly operation = 'rewriting of manifests'
  readonly snapshotId: bigint
  readonly #producer: SnapshotProducer
  readonly #groups: readonly ManifestGroup[]
  readonly #written = new Map<ManifestGroup, Written>()
  #counts = NOTHING

  constructor(target: SnapshotTarget, groups: readonly ManifestGroup[]) {
    this.#producer = new SnapshotProducer(target)
    this.#groups = groups
    this.snapshotId = this.#producer.snapshotId
  }

  get counts(): ManifestCounts {
    return this.#counts
  }

  async apply(base: TableMetadata, attempt: number): Promise<CommitAttempt | null> {
    this.#counts = NOTHING
    const head = this.#producer.parent(base)
    if (head === null) return null
    const context = this.#producer.manifestContext(base)
    const manifests = await writableManifests(context, head)
    const replaced = new Set<ManifestFile>()
    const created: ManifestFile[] = []
    let entries = 0
    for (const group of this.#groups) {
      const selected = manifests.filter((manifest) => isIn(group, manifest))
      // Others may have merged them meanwhile.
      if (selected.length === 0 || !(group.isForced || isWorthIt(base, selected))) continue
      const written = await this.#write(context, group, selected)
      for (const manifest of selected) replaced.add(manifest)
      created.push(...written.manifests)
      entries += written.entries
    }
    if (replaced.size === 0) return null
    const kept = manifests.filter((manifest) => !replaced.has(manifest))
    this.#counts = { replaced: replaced.size, created: created.length, kept: kept.length, entries }
    return this.#producer.finish(
      base,
      {
        operation: 'replace',
        manifests: [...created, ...kept],
        change: { added: [], removed: [] },
        // As Java calls them.
        summary: {
          'manifests-created': String(created.length),
          'manifests-kept': String(kept.length),
          'manifests-replaced': String(replaced.size),
          'entries-processed': String(entries),
        },
      },
      attempt,
    )
  }

  /** Where others had rewritten all of it meanwhile, nothing of what was written is listed anywhere. */
  tidy(): Promise<void> {
    return this.#counts.replaced === 0 ? this.#producer.discardAll() : this.#producer.tidy()
  }

  discardAttempt(): Promise<void> {
    return this.#producer.discardAttempt()
  }

  discardAll(): Promise<void> {
    return this.#producer.discardAll()
  }

  writtenFiles(): readonly string[] {
    return this.#producer.writtenFiles()
  }

  async #write(
    context: ManifestContext,
    group: ManifestGroup,
    selected: readonly ManifestFile[],
  ): Promise<Written> {
    const from = [context.metadata['format-version'], ...selected.map(({ location }) => location)].join('\n')
    const known = this.#written.get(group)
    if (known?.from === from) return known
    const written = { from, ...(await this.#rewrite(context, group, selected)) }
    this.#written.set(group, written)
    return written
  }

  async #rewrite(
    context: ManifestContext,
    group: ManifestGroup,
    selected: readonly ManifestFile[],
  ): Promise<Omit<Written, 'from'>> {
    const { metadata } = context
    const target = intProperty(metadata.properties, 'commit.manifest.target-size-bytes')
    const order = new ClusterOrder(metadata, group)
    const manifests: ManifestFile[] = []
    let total = 0
    for (const chunk of chunksOf(order.sortedManifests(selected), bytesAtATime(target))) {
      const read = await mapConcurrently(chunk, (manifest) =>
        entriesOf(context, manifest, { liveOnly: true }),
      )
      const entries = order.sortedEntries(read.flat())
      total += entries.length
      for (const part of evenParts(entries, Math.max(1, Math.round(bytesOf(chunk) / target)))) {
        const existing = part.map((entry) => ({ ...entry, status: 'existing' as const }))
        manifests.push(await this.#producer.writeSharedManifest(metadata, existing))
      }
    }
    return { manifests, entries: total }
  }
}

/**
 * Whether manifests are more than their size needs, or one is larger than any should be. What is
 * written chunk by chunk comes to about as many as are needed, and would else be written for ever.
 */
export function isWorthIt(
  base: Pick<TableMetadata, 'properties'>,
  manifests: readonly Pick<ManifestFile, 'length'>[],
): boolean {
  const target = intProperty(base.properties, 'commit.manifest.target-size-bytes')
  const bytes = bytesOf(manifests)
  const needed = Math.max(1, Math.round(bytes / target))
  const atATime = bytesAtATime(target)
  const slack = bytes <= atATime ? 0 : Math.ceil(bytes / atATime)
  return manifests.length > 0 && Math.abs(manifests.length - needed) > slack
}

function bytesAtATime(target: number): number {
  return Math.max(BYTES_IN_ORDER, target)
}

/** Items in their order, as many in each part as in the others, or one more. */
function* evenParts<T>(items: readonly T[], count: number): Generator<readonly T[], void, undefined> {
  for (let part = 0; part < count; part += 1) {
    const [from, to] = [part, part + 1].map((at) => Math.floor((at * items.length) / count))
    if (to !== from) yield items.slice(from, to)
  }
}

/** Whether manifests follow each other by their values of the first field to cluster by. */
export function isClustered(
  metadata: TableMetadata,
  group: Pick<ManifestGroup, 'specId' | 'clusterBy'>,
  manifests: readonly ManifestFile[],
): boolean {
  return new ClusterOrder(metadata, group).isKept(manifests)
}

function isIn(group: ManifestGroup, manifest: ManifestFile): boolean {
  return (
    manifest.specId === group.specId &&
    manifest.content === group.content &&
    group.locations.has(manifest.location)
  )
}

export function bytesOf(manifests: readonly Pick<ManifestFile, 'length'>[]): number {
  return manifests.reduce((bytes, { length }) => bytes + length, 0)
}

function chunksOf(
  manifests: readonly ManifestFile[],
  maxBytes: number,
): readonly (readonly ManifestFile[])[] {
  const chunks: ManifestFile[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const manifest of manifests) {
    if (bytes + manifest.length > maxBytes) {
      chunks.push([])
      bytes = 0
    }
    chunks.at(-1)?.push(manifest)
    bytes += manifest.length
  }
  return chunks
}

interface ClusterColumn {
  /** In the spec. */
  readonly at: number
  readonly column: PartitionColumn
}

/** Entries by their partition values, so that a manifest spans few partitions. */
class ClusterOrder {
  readonly #columns: readonly ClusterColumn[]

  constructor(metadata: TableMetadata, { specId, clusterBy }: Pick<ManifestGroup, 'specId' | 'clusterBy'>) {
    const columns = partitionType(specById(metadata, specId), currentSchema(metadata))
    this.#columns = clusterBy.flatMap((name) => {
      const at = columns.findIndex((each) => each.name === name)
      const column = columns[at]
      return column === undefined || column.type.kind === 'unknown' ? [] : [{ at, column }]
    })
  }

  /** By their least value of the first column; those of which nothing is known come first. */
  sortedManifests(manifests: readonly ManifestFile[]): readonly ManifestFile[] {
    const [first] = this.#columns
    if (first === undefined) return manifests
    const lower = new Map(manifests.map((manifest) => [manifest, bound(first, manifest, 'lowerBound')]))
    return manifests.toSorted((a, b) =>
      compareNullable(first.column, lower.get(a) ?? null, lower.get(b) ?? null),
    )
  }

  isKept(manifests: readonly ManifestFile[]): boolean {
    const [first] = this.#columns
    if (first === undefined) return true
    const sorted = this.sortedManifests(manifests)
    return sorted.slice(1).every((next, at) => {
      const before = sorted[at]
      const upper = before === undefined ? null : bound(first, before, 'upperBound')
      return upper === null || compareNullable(first.column, upper, bound(first, next, 'lowerBound')) <= 0
    })
  }

  sortedEntries(entries: readonly ManifestEntry[]): readonly ManifestEntry[] {
    if (this.#columns.length === 0) return entries
    return entries.toSorted((a, b) => {
      for (const { at, column } of this.#columns) {
        const order = compareNullable(column, a.file.partition[at] ?? null, b.file.partition[at] ?? null)
        if (order !== 0) return order
      }
      return 0
    })
  }
}

function bound(
  { at, column }: ClusterColumn,
  manifest: ManifestFile,
  which: 'lowerBound' | 'upperBound',
): Datum | null {
  return decodeBound(column.type, manifest.partitions?.[at]?.[which])
}

function compareNullable({ type }: PartitionColumn, a: Datum | null, b: Datum | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null)
  return compareDatum(type, a, b)
}
