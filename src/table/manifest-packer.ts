/**
 * Gathers entries into manifests of about `commit.manifest.target-size-bytes`, one partition spec and
 * one kind of content at a time. What is gathered is never more than one manifest's worth of each.
 */
import type { ManifestEntry } from '../format/manifest/entry.ts'
import type { ManifestFile } from '../format/manifest/list.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { intProperty } from '../format/properties.ts'
import type { SnapshotProducer } from './snapshot-producer.ts'

interface Gathered {
  entries: ManifestEntry[]
  /** About as many as the entries will take, by what they took where they came from. */
  bytes: number
}

export class ManifestPacker {
  readonly #producer: SnapshotProducer
  readonly #base: TableMetadata
  readonly #targetSize: number
  readonly #groups = new Map<string, Gathered>()
  readonly #written: ManifestFile[] = []

  constructor(producer: SnapshotProducer, base: TableMetadata) {
    this.#producer = producer
    this.#base = base
    this.#targetSize = intProperty(base.properties, 'commit.manifest.target-size-bytes')
  }

  /** Takes entries of one manifest. */
  async add(
    manifest: Pick<ManifestFile, 'specId' | 'content' | 'length'>,
    entries: readonly ManifestEntry[],
  ): Promise<void> {
    if (entries.length === 0) return
    const key = `${manifest.specId}|${manifest.content}`
    const group = this.#groups.get(key) ?? { entries: [], bytes: 0 }
    this.#groups.set(key, group)
    for (const entry of entries) group.entries.push(entry)
    group.bytes += manifest.length
    if (group.bytes >= this.#targetSize) await this.#flush(group)
  }

  /** All manifests, the last ones included. */
  async finish(): Promise<readonly ManifestFile[]> {
    for (const group of this.#groups.values()) await this.#flush(group)
    return this.#written
  }

  async #flush(group: Gathered): Promise<void> {
    if (group.entries.length === 0) return
    // Taken before anything is waited for: others may add meanwhile.
    const { entries } = group
    group.entries = []
    group.bytes = 0
    this.#written.push(await this.#producer.writeAttemptManifest(this.#base, entries))
  }
}
