/** Of candidates, however many, those that nothing reaches: in a few bytes for each, by passes over their hashes. */
import { throwIfAborted } from '../abort.ts'
import { visitStaying, type Candidate, type FileKind, type Staying } from './expire-candidates.ts'
import { hashOf, LocationHashes, type LocationHash } from './location-hashes.ts'

/** Candidates that can be gone through more than once. */
export interface CandidateSource {
  batches(): AsyncIterable<readonly Candidate[]>
}

/** So many candidates take some 5 MB. */
const HELD_AT_A_TIME = 350_000

export interface UnreachedOptions {
  /** How many candidates are held at a time; with more, what stays is read once for each so many. */
  readonly maxHeld?: number | undefined
  /** What has come to stay since it was last asked; asked right before candidates are given out. */
  readonly later?: (() => Promise<readonly Staying[]>) | undefined
  readonly signal?: AbortSignal | undefined
}

const REACHED = 1
const TAKEN = 2
const TWO_TO_32 = 2 ** 32

/** Each of them once, some at a time. MissingFileError and CorruptFileError as in `visitStaying`. */
export async function* unreachedFiles(
  source: CandidateSource,
  staying: readonly Staying[],
  { maxHeld = HELD_AT_A_TIME, later = async () => [], signal }: UnreachedOptions = {},
): AsyncGenerator<readonly Candidate[]> {
  const held = new LocationHashes(maxHeld)
  const all = [...staying]
  // Hashes are cut into so many ranges of equal width, the fewest of which each fits.
  let ranges = 1
  for (let range = 0; range < ranges; range += 1) {
    let kinds = await fill(held, source, { range, ranges }, signal)
    while (kinds === null) {
      ranges *= 2
      range *= 2
      kinds = await fill(held, source, { range, ranges }, signal)
    }
    if (held.size === 0) continue
    const seen = new Set<string>()
    await markReached(held, all, { kinds, seen })
    const joined = await later()
    await markReached(held, joined, { kinds, seen })
    all.push(...joined)
    for await (const batch of source.batches()) {
      throwIfAborted(signal)
      const unreached = batch.filter((candidate) => take(held, hashOf(candidate.location)))
      if (unreached.length > 0) yield unreached
    }
  }
}

interface HashRange {
  readonly range: number
  readonly ranges: number
}

/** The kinds that are there; null when they are too many. */
async function fill(
  held: LocationHashes,
  source: CandidateSource,
  within: HashRange,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<FileKind> | null> {
  const kinds = new Set<FileKind>()
  held.clear()
  for await (const batch of source.batches()) {
    throwIfAborted(signal)
    for (const { kind, location } of batch) {
      const hash = hashOf(location)
      if (!isWithin(hash, within)) continue
      if (held.add(hash) === 'full') return null
      kinds.add(kind)
    }
  }
  return kinds
}

function isWithin({ high }: LocationHash, { range, ranges }: HashRange): boolean {
  return Math.floor((high / TWO_TO_32) * ranges) === range
}

async function markReached(
  held: LocationHashes,
  staying: readonly Staying[],
  { kinds, seen }: { readonly kinds: ReadonlySet<FileKind>; readonly seen: Set<string> },
): Promise<void> {
  let left = held.size
  const asked = {
    files: kinds.has('dataFiles') || kinds.has('positionDeleteFiles') || kinds.has('equalityDeleteFiles'),
    manifests: kinds.has('manifests'),
  }
  const reached = (location: string): boolean => {
    const hash = hashOf(location)
    if (held.markOf(hash) === 0) {
      held.mark(hash, REACHED)
      left -= 1
    }
    return left > 0
  }
  await visitStaying(staying, asked, reached, seen)
}

/** True for the first of those that nothing reached. */
function take(held: LocationHashes, hash: LocationHash): boolean {
  return held.markOf(hash) === 0 && held.mark(hash, TAKEN)
}
