/**
 * Sets of locations as 64-bit hashes, in a few bytes each: a table's files are too many to be held by
 * name. Two locations with the same hash are taken for one, so a set may only be asked questions
 * where that is the safe side: a file that seems to be needed stays.
 */
import { canonicalLocation } from '../storage/location.ts'
import { InvalidLocationError } from '../errors.ts'

/** High and low half; never both 0, which stands for an empty place. */
export interface LocationHash {
  readonly high: number
  readonly low: number
}

/** The same for all forms in which one place is written. */
export function hashOf(location: string): LocationHash {
  const text = comparable(location)
  let high = 0x9e3779b9
  let low = 0x85ebca6b
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    high = Math.imul(high ^ unit, 0x9e3779b1)
    low = Math.imul(low ^ unit, 0x5f356495)
  }
  high = mixed(high ^ Math.imul(low ^ (low >>> 15), 0x2c1b3c6d))
  low = mixed(low ^ Math.imul(high ^ (high >>> 13), 0x297a2d39))
  return { high, low: high === 0 && low === 0 ? 1 : low }
}

function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function comparable(location: string): string {
  try {
    return canonicalLocation(location)
  } catch (error) {
    // Others' metadata may name what is no location: it is the same as itself only.
    if (error instanceof InvalidLocationError) return location
    throw error
  }
}

const SMALLEST = 1024
/** Beyond this share of its places a table of open addressing gets slow. */
const FULLEST = 0.7

/** Hashes with a mark each, from 0 to 255. */
export class LocationHashes {
  readonly #maxSize: number
  #places = new Uint32Array(2 * SMALLEST)
  #marks = new Uint8Array(SMALLEST)
  #size = 0

  /** `maxSize`: how many are held at most. Default: no limit. */
  constructor(maxSize: number = Number.POSITIVE_INFINITY) {
    this.#maxSize = maxSize
  }

  get size(): number {
    return this.#size
  }

  /** Forgets all of them; the room is kept for the next. */
  clear(): void {
    this.#places.fill(0)
    this.#marks.fill(0)
    this.#size = 0
  }

  /** `new`, `known`, or `full` when there is no room for one more. */
  add(hash: LocationHash): 'new' | 'known' | 'full' {
    const found = this.#find(hash)
    if (this.#isTaken(found)) return 'known'
    if (this.#size >= this.#maxSize) return 'full'
    if (this.#size + 1 > this.#marks.length * FULLEST) {
      this.#grow()
      this.#put(this.#find(hash), hash)
    } else {
      this.#put(found, hash)
    }
    return 'new'
  }

  has(hash: LocationHash): boolean {
    return this.#isTaken(this.#find(hash))
  }

  /** null for what was not added. A new one has 0. */
  markOf(hash: LocationHash): number | null {
    const place = this.#find(hash)
    return this.#isTaken(place) ? (this.#marks[place] ?? 0) : null
  }

  /** False for what was not added. */
  mark(hash: LocationHash, mark: number): boolean {
    const place = this.#find(hash)
    if (!this.#isTaken(place)) return false
    this.#marks[place] = mark
    return true
  }

  #put(place: number, { high, low }: LocationHash): void {
    this.#places[2 * place] = high
    this.#places[2 * place + 1] = low
    this.#size += 1
  }

  /** Where the hash is, or would be. */
  #find({ high, low }: LocationHash): number {
    const mask = this.#marks.length - 1
    let place = low & mask
    while (this.#isTaken(place)) {
      if (this.#places[2 * place] === high && this.#places[2 * place + 1] === low) break
      place = (place + 1) & mask
    }
    return place
  }

  #isTaken(place: number): boolean {
    return this.#places[2 * place] !== 0 || this.#places[2 * place + 1] !== 0
  }

  #grow(): void {
    const [places, marks] = [this.#places, this.#marks]
    this.#places = new Uint32Array(2 * places.length)
    this.#marks = new Uint8Array(2 * marks.length)
    this.#size = 0
    marks.forEach((mark, place) => {
      const hash = { high: places[2 * place] ?? 0, low: places[2 * place + 1] ?? 0 }
      if (hash.high === 0 && hash.low === 0) return
      const target = this.#find(hash)
      this.#put(target, hash)
      this.#marks[target] = mark
    })
  }
}
