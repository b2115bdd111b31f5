/** Locations of a listing, however many: a few bytes each. */
import type { LocationForm } from './location-forms.ts'
import { hashOf, LocationHashes, type LocationHash } from './location-hashes.ts'

const LISTED = 0
const TAKEN_OUT = 1

/**
 * A set from which locations can be taken out again. Two with the same hash are taken for one: taking
 * out one of them takes out both, which is the safe side where what stays in is deleted.
 */
export class LocationKeys {
  readonly #hashes = new LocationHashes()
  readonly #prefixes = new Set<string>()

  /** Scheme and authority of everything that was added. */
  get prefixes(): ReadonlySet<string> {
    return this.#prefixes
  }

  add(form: LocationForm): void {
    this.#prefixes.add(form.prefix)
    this.#hashes.add(keyOf(form))
  }

  has(form: LocationForm): boolean {
    return this.#hashes.markOf(keyOf(form)) === LISTED
  }

  delete(form: LocationForm): void {
    this.#hashes.mark(keyOf(form), TAKEN_OUT)
  }
}

function keyOf({ prefix, path }: LocationForm): LocationHash {
  return hashOf(`${prefix}${path}`)
}
