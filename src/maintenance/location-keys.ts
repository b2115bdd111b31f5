/** Locations of a listing, however many. */
import type { LocationForm } from './location-forms.ts'

export class LocationKeys {
  readonly #keys = new Set<string>()
  readonly #prefixes = new Set<string>()

  /** Scheme and authority of everything that was added. */
  get prefixes(): ReadonlySet<string> {
    return this.#prefixes
  }

  add(form: LocationForm): void {
    this.#prefixes.add(form.prefix)
    this.#keys.add(keyOf(form))
  }

  has(form: LocationForm): boolean {
    return this.#keys.has(keyOf(form))
  }

  delete(form: LocationForm): void {
    this.#keys.delete(keyOf(form))
  }
}

function keyOf({ prefix, path }: LocationForm): string {
  return `${prefix}${path}`
}
