/** Manifests that one operation reads several times: as they are in their files, up to a number of bytes. */
const MAX_BYTES = 64 * 1024 ** 2

export class ManifestBytes {
  readonly #manifests = new Map<string, Uint8Array>()
  #room = MAX_BYTES

  get(location: string): Uint8Array | undefined {
    return this.#manifests.get(location)
  }

  /** Kept while there is room. */
  set(location: string, bytes: Uint8Array): void {
    if (bytes.length > this.#room || this.#manifests.has(location)) return
    this.#room -= bytes.length
    this.#manifests.set(location, bytes)
  }
}
