/**
 * The durable list of an expiry's candidates: written before the snapshots leave the metadata, since
 * nobody could find their files afterwards, and removed when all is done. An execution that was
 * interrupted is taken up from it.
 *
 * One gzipped object of JSON lines, with a head in its first line and, where there are very many,
 * others beside it that the head names. The first exists only once all of the others do.
 */
import { z } from 'zod'
import type { ByteCodecs } from '../compression.ts'
import { CorruptFileError, ObjectExistsError, ObjectNotFoundError } from '../errors.ts'
import { joinLocation } from '../storage/location.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { Candidate, FileKind } from './expire-candidates.ts'
import { planId } from './plan.ts'
import { inSlices } from './reachability.ts'
import type { CandidateSource } from './unreached-files.ts'

/** Data goes first and what names it after it, as far as that goes. */
const ORDER: readonly FileKind[] = [
  'dataFiles',
  'positionDeleteFiles',
  'equalityDeleteFiles',
  'statisticsFiles',
  'manifests',
  'manifestLists',
]

const LINES_IN_A_PART = 4000
/** Few enough to be forgotten again before they cost anything. */
const LINES_AT_A_TIME = 500
const MAX_PART_BYTES = 256 * 1024 * 1024

const headSchema = z.object({
  version: z.literal(1),
  tableUuid: z.string(),
  /** Snapshots whose files are listed. */
  snapshotIds: z.array(planId),
  parts: z.array(z.object({ kind: z.enum(ORDER), location: z.string() })),
})
type Head = z.output<typeof headSchema>

/** Where the list goes, and with what. */
export interface ListPlace {
  readonly store: ObjectStore
  readonly codecs: ByteCodecs
  /** Of the first object. */
  readonly location: string
  readonly tableUuid: string
  readonly signal?: AbortSignal | undefined
}

/** What is listed. */
export interface ListContents {
  readonly snapshotIds: readonly bigint[]
  readonly candidates: AsyncIterable<readonly Candidate[]>
  /** In the names of further objects: each execution has its own. */
  readonly uuid: string
}

/** The name of a list's first object, for a plan. */
export function listLocation(folder: string, uuid: string): string {
  return joinLocation(folder, `${uuid}-expired.jsonl.gz`)
}

/** A list that is there whole. */
export class ExpiryList implements CandidateSource {
  readonly #place: ListPlace
  readonly #head: Head
  /** Lines of the first object, by kind. */
  readonly #firstLines: ReadonlyMap<FileKind, readonly string[]>

  private constructor(place: ListPlace, bytes: Uint8Array) {
    const [head = '', ...lines] = linesOf(place, place.location, bytes)
    this.#place = place
    this.#head = parseHead(head, place.location)
    this.#firstLines = Map.groupBy(lines, (line) => parseLine(line, place.location).kind)
  }

  /** null when there is none: the snapshots are still there, or the expiry was brought to its end. */
  static async find(place: ListPlace): Promise<ExpiryList | null> {
    try {
      const { store, location, signal } = place
      return new ExpiryList(place, await store.get(location, { signal }))
    } catch (error) {
      if (error instanceof ObjectNotFoundError) return null
      throw error
    }
  }

  /** Writes what comes. When it fails, what was written is removed again. */
  static async write(place: ListPlace, { snapshotIds, candidates, uuid }: ListContents): Promise<ExpiryList> {
    const writer = new ListWriter(place, uuid)
    try {
      for await (const batch of candidates) await writer.add(batch)
      return new ExpiryList(place, await writer.finish(snapshotIds))
    } catch (error) {
      const isTheirs = error instanceof ObjectExistsError
      await writer.discard(isTheirs)
      if (!isTheirs) throw error
      // Another execution of the same plan was faster: there is one list for all of them.
      const theirs = await ExpiryList.find(place)
      if (theirs === null) throw error
      return theirs
    }
  }

  /** CorruptFileError for a list of another table. */
  checkTable(uuid: string): void {
    if (this.#head.tableUuid === uuid) return
    throw new CorruptFileError('The list of files of an expiry is of another table', {
      file: this.#place.location,
    })
  }

  /** Snapshots whose files it lists. */
  get snapshotIds(): ReadonlySet<bigint> {
    return new Set(this.#head.snapshotIds.map(BigInt))
  }

  get locations(): readonly string[] {
    // The first goes last: as long as it is there, the others can be found.
    return [...this.#head.parts.map((part) => part.location), this.#place.location]
  }

  async *batches(): AsyncGenerator<readonly Candidate[]> {
    for (const kind of ORDER) {
      for (const part of this.#head.parts)
        if (part.kind === kind) yield* candidatesIn(await this.#part(part.location), part.location)
      yield* candidatesIn(this.#firstLines.get(kind) ?? [], this.#place.location)
    }
  }

  /** Best effort: a list that stays behind is a file that nothing reaches. */
  async remove(): Promise<void> {
    await removeAll(this.#place.store, this.locations)
  }

  async #part(location: string): Promise<readonly string[]> {
    const { store, signal } = this.#place
    return linesOf(this.#place, location, await store.get(location, { signal }))
  }
}

function* candidatesIn(lines: readonly string[], file: string): Generator<readonly Candidate[]> {
  for (const some of inSlices(lines, LINES_AT_A_TIME)) yield some.map((line) => parseLine(line, file))
}

/** Lines wait by kind, and go out by the part. */
class ListWriter {
  readonly #place: ListPlace
  readonly #uuid: string
  readonly #waiting = new Map<FileKind, string[]>(ORDER.map((kind) => [kind, []]))
  readonly #parts: Head['parts'] = []

  constructor(place: ListPlace, uuid: string) {
    this.#place = place
    this.#uuid = uuid
  }

  async add(candidates: readonly Candidate[]): Promise<void> {
    for (const { kind, location, bytes } of candidates)
      this.#waiting.get(kind)?.push(JSON.stringify([kind, location, bytes]))
    for (const [kind, lines] of this.#waiting) {
      while (lines.length >= LINES_IN_A_PART) await this.#putPart(kind, lines.splice(0, LINES_IN_A_PART))
    }
  }

  /** The bytes of the first object. */
  async finish(snapshotIds: readonly bigint[]): Promise<Uint8Array> {
    const { location, tableUuid } = this.#place
    const head: Head = { version: 1, tableUuid, snapshotIds: snapshotIds.map(String), parts: this.#parts }
    const lines = [JSON.stringify(head), ...[...this.#waiting.values()].flat()]
    return this.#put(location, lines)
  }

  /** The first object may be there although its put failed; unless somebody else's is. */
  async discard(isTheirs: boolean): Promise<void> {
    const parts = this.#parts.map((part) => part.location)
    await removeAll(this.#place.store, isTheirs ? parts : [...parts, this.#place.location])
  }

  async #putPart(kind: FileKind, lines: readonly string[]): Promise<void> {
    const folder = this.#place.location.slice(0, this.#place.location.lastIndexOf('/'))
    const number = String(this.#parts.length + 1).padStart(5, '0')
    const location = joinLocation(folder, `${this.#uuid}-expired-${number}.jsonl.gz`)
    // Known before it is there: a put whose answer is lost may have taken effect.
    this.#parts.push({ kind, location })
    await this.#put(location, lines)
  }

  async #put(location: string, lines: readonly string[]): Promise<Uint8Array> {
    const { store, codecs, signal } = this.#place
    const bytes = codecs.gzip(new TextEncoder().encode(lines.join('\n')))
    await store.put(location, bytes, { ifAbsent: true, signal })
    return bytes
  }
}

async function removeAll(store: ObjectStore, locations: readonly string[]): Promise<void> {
  if (locations.length === 0) return
  try {
    await store.delete(locations)
  } catch {
    // The names tell what they were; the outcome that led here is what the caller must hear.
  }
}

function linesOf({ codecs }: ListPlace, file: string, bytes: Uint8Array): readonly string[] {
  const text = new TextDecoder().decode(codecs.gunzip(bytes, { maxBytes: MAX_PART_BYTES, file }))
  return text === '' ? [] : text.split('\n')
}

function parseHead(line: string, file: string): Head {
  const parsed = headSchema.safeParse(parseJson(line))
  if (parsed.success) return parsed.data
  throw damaged(file)
}

/** By hand: there may be millions. */
function parseLine(line: string, file: string): Candidate {
  const value = parseJson(line)
  if (!Array.isArray(value)) throw damaged(file)
  const [name, location, bytes]: readonly unknown[] = value
  const kind = ORDER.find((each) => each === name)
  if (kind === undefined || typeof location !== 'string' || typeof bytes !== 'number') throw damaged(file)
  return { kind, location, bytes }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // Not JSON, so no line of ours either: whoever asked refuses it.
    return undefined
  }
}

function damaged(file: string): CorruptFileError {
  return new CorruptFileError('The list of files of an expiry is damaged', {
    file,
    hint: 'Delete it: its files are found by the removal of orphan files.',
  })
}
