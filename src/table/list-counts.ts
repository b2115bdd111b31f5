/**
 * What a manifest list counts, held against the totals of its snapshot.
 *
 * Manifests have no checksum: a file whose status was damaged is lost without a trace, or comes back. The
 * list's counts would tell, but there are writers that get them wrong, and a table must not become
 * unreadable for that. So they are only believed against a manifest where the snapshot's summary, which
 * is counted in another way, comes to the same.
 */
import {
  liveFilesOf,
  liveRowsOf,
  type ListedManifest,
  type ManifestFile,
  type VouchedCounts,
} from '../format/manifest/list.ts'
import type { Snapshot } from '../format/snapshot.ts'

type Content = ManifestFile['content']

/** How a list's sum compares to the snapshot's total; null where it is more, or one of them does not say. */
type Comparison = 'same' | 'fewer' | null

/** The counts of a list's manifests, added up. */
export class ListCounts {
  readonly #files: Record<Content, number | null> = { data: 0, deletes: 0 }
  /** Of data files: totals have the rows of delete files in two parts, which not everybody writes. */
  #rows: number | null = 0

  add(manifest: ListedManifest): void {
    const { content } = manifest
    this.#files[content] = plus(this.#files[content], liveFilesOf(manifest))
    if (content === 'data') this.#rows = plus(this.#rows, liveRowsOf(manifest))
  }

  /** Whether list and snapshot agree on each number. */
  against({ summary }: Snapshot): ListAgreement {
    return new ListAgreement({
      data: compare(this.#files.data, summary?.['total-data-files']),
      deletes: compare(this.#files.deletes, summary?.['total-delete-files']),
      rows: compare(this.#rows, summary?.['total-records']),
    })
  }
}

function plus(sum: number | null, more: number | null): number | null {
  return sum === null || more === null ? null : sum + more
}

function compare(sum: number | null, total: string | undefined): Comparison {
  if (sum === null || total === undefined) return null
  if (String(sum) === total) return 'same'
  return sum < Number(total) ? 'fewer' : null
}

/** Where a list and its snapshot count the same. */
export class ListAgreement {
  readonly #comparisons: Readonly<Record<Content | 'rows', Comparison>>

  constructor(comparisons: Readonly<Record<Content | 'rows', Comparison>>) {
    this.#comparisons = comparisons
  }

  /** The manifest with the numbers that it must have, as far as both vouch for them. */
  vouch<T extends ListedManifest>(manifest: T): T {
    const { content } = manifest
    const areFilesSure = this.#comparisons[content] === 'same'
    const areRowsSure = content === 'data' && this.#comparisons.rows === 'same'
    if (!areFilesSure && !areRowsSure) return manifest
    const vouched: VouchedCounts = {
      liveFiles: areFilesSure ? liveFilesOf(manifest) : null,
      liveRows: areRowsSure ? liveRowsOf(manifest) : null,
    }
    return { ...manifest, vouched }
  }

  /** The list has too few files: one of its manifests that has none by its word may have some. */
  isShortOf(content: Content): boolean {
    return this.#comparisons[content] === 'fewer'
  }
}

/** The manifests of a snapshot with all that list and snapshot vouch for, and without counts that hide files. */
export function vouchedManifests(
  snapshot: Snapshot,
  manifests: readonly ManifestFile[],
): readonly ManifestFile[] {
  const counts = new ListCounts()
  for (const manifest of manifests) counts.add(manifest)
  const agreement = counts.against(snapshot)
  return manifests.map((manifest) => {
    const isDoubtful = liveFilesOf(manifest) === 0 && agreement.isShortOf(manifest.content)
    if (isDoubtful) return { ...manifest, addedFilesCount: null, existingFilesCount: null }
    return agreement.vouch(manifest)
  })
}
