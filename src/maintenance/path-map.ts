/** Where the files of a table that moves go. */
import { InvalidLocationError } from '../errors.ts'
import { maskedPath } from '../format/partition-path.ts'
import { canonicalLocation, isWithin } from '../storage/location.ts'

/** Everything below `from` goes to the same place below `to`; both without a trailing slash. */
export interface MovedRoot {
  readonly from: string
  readonly to: string
}

export class PathMap {
  readonly #roots: readonly MovedRoot[]

  constructor(roots: readonly MovedRoot[]) {
    // The innermost folder decides.
    this.#roots = roots.toSorted((a, b) => b.from.length - a.from.length)
  }

  /** The new place, in whichever form the old one is written; null for what is outside of all roots. */
  find(location: string): string | null {
    const root = this.#roots.find(({ from }) => isWithin(location, from))
    if (root === undefined) return null
    return `${root.to}${canonicalLocation(location).slice(canonicalLocation(root.from).length)}`
  }

  /** InvalidLocationError for what is outside of all roots. */
  of(location: string): string {
    const moved = this.find(location)
    if (moved !== null) return moved
    throw new InvalidLocationError('The table’s metadata names a file outside of the folders that move', {
      file: maskedPath(location),
      hint: 'If it is meant, allow its folder with the extraRoots setting, and plan again.',
    })
  }
}
