/**
 * Objects that are put into a table's folders for as long as they are listed. They tell the store's
 * time, which may be hours off ours, and by which names the folders are reachable: under a link, or
 * another spelling, every file of the table would look like nobody's.
 */
import { InvalidLocationError } from '../errors.ts'
import { canonicalLocation, fileNameOf, isWithin, joinLocation } from '../storage/location.ts'
import type { CallOptions, ObjectStore } from '../storage/object-store.ts'

export class StoreProbe {
  readonly #store: ObjectStore
  /** Where the probes are, by their file names. */
  readonly #places: ReadonlyMap<string, string>
  readonly #seen = new Set<string>()

  constructor(store: ObjectStore, folders: readonly string[], uuid: () => string) {
    this.#store = store
    this.#places = new Map(
      folders.map((folder) => {
        const name = `floeberg-probe-${uuid()}`
        return [name, joinLocation(folder, name)]
      }),
    )
  }

  /** Puts the probes; answers the store's time, in milliseconds since 1970. */
  async put({ signal }: CallOptions): Promise<number> {
    let now = 0
    for (const place of this.#places.values()) {
      await this.#store.put(place, new Uint8Array(), { ifAbsent: true, signal })
      now = Math.max(now, (await this.#store.head(place, { signal })).lastModified.getTime())
    }
    return now
  }

  /** True for a probe. InvalidLocationError for one that is listed under another name than it was put. */
  isProbe(location: string): boolean {
    const place = this.#places.get(fileNameOf(location))
    if (place === undefined) return false
    if (canonicalLocation(location) !== canonicalLocation(place)) throw twoNames(place)
    this.#seen.add(place)
    return true
  }

  /** InvalidLocationError when a listing of these folders did not show what was put into them. */
  checkSeen(folders: readonly string[]): void {
    for (const place of this.#places.values()) {
      if (!this.#seen.has(place) && folders.some((folder) => isWithin(place, folder))) throw twoNames(place)
    }
  }

  /** Takes them away, also after a put that failed: its answer may have been lost. */
  async remove(): Promise<void> {
    await this.#store.delete([...this.#places.values()])
  }
}

function twoNames(file: string): InvalidLocationError {
  return new InvalidLocationError('The table’s folder is listed under another name than the table has', {
    file,
    hint: 'It may be reachable by a link: name it as the table’s location does, or nothing can be told of its files.',
  })
}
