/** Parsed metadata by location. Metadata files never change, so nothing here is ever stale. */
import type { TableMetadata } from '../format/metadata/table-metadata.ts'

export interface CachedMetadata {
  readonly metadata: TableMetadata
  /** Bytes of the file, as a measure of what keeping it costs. */
  readonly size: number
  /** null until the store has told. */
  readonly etag: string | null
}

const DEFAULT_ENTRIES = 16
const DEFAULT_BYTES = 32 * 1024 * 1024

/** Keeps the last few, within a total size; the very last one whatever its size. */
export class MetadataCache {
  readonly #entries = new Map<string, CachedMetadata>()
  readonly #maxEntries: number
  readonly #maxBytes: number
  #bytes = 0

  constructor(options: { readonly maxEntries?: number; readonly maxBytes?: number } = {}) {
    this.#maxEntries = options.maxEntries ?? DEFAULT_ENTRIES
    this.#maxBytes = options.maxBytes ?? DEFAULT_BYTES
  }

  get(location: string): CachedMetadata | undefined {
    const entry = this.#entries.get(location)
    if (entry !== undefined) {
      this.#entries.delete(location)
      this.#entries.set(location, entry)
    }
    return entry
  }

  set(location: string, entry: CachedMetadata): void {
    this.delete(location)
    this.#entries.set(location, entry)
    this.#bytes += entry.size
    for (const oldest of this.#entries.keys()) {
      const fits = this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes
      if (fits || this.#entries.size === 1) return
      this.delete(oldest)
    }
  }

  delete(location: string): void {
    this.#bytes -= this.#entries.get(location)?.size ?? 0
    this.#entries.delete(location)
  }
}
