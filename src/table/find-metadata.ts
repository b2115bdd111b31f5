/**
 * The newest metadata file of a table's folder, where no catalog says which it is (Iceberg spec,
 * "File System Tables"): by `version-hint.text`, else by the names of the files.
 */
import type { LoadedTable } from '../catalog/catalog.ts'
import { MissingFileError, ObjectNotFoundError } from '../errors.ts'
import { fileNameOf, joinLocation } from '../storage/location.ts'
import type { CallOptions, ObjectInfo, ObjectStore } from '../storage/object-store.ts'

/** How `openTable` came to the metadata file that it read. */
export interface TableOpening {
  readonly metadataLocation: string
  /** `given`: the caller named the file; `version-hint`: the folder's own word; `listing`: the highest version there. */
  readonly chosenBy: 'given' | 'version-hint' | 'listing'
  /**
   * Other files of the same version: what a writer left that lost a race, or the other way round. The
   * catalog that the table belongs to knows which; here the one modified last was chosen.
   */
  readonly rivals: readonly string[]
}

const HINT = 'version-hint.text'

/** Looks at a metadata file, a table's folder, or its `metadata` folder. MissingFileError. */
export async function findMetadata(
  store: ObjectStore,
  location: string,
  options: CallOptions = {},
): Promise<TableOpening> {
  if (/\.json(\.gz)?$/.test(location)) {
    return { metadataLocation: location, chosenBy: 'given', rivals: [] }
  }
  const below = await versionsIn(store, joinLocation(location, 'metadata'), options)
  if (below !== null) return choose(store, below, options)
  const within = /\/metadata\/?$/.test(location) ? await versionsIn(store, location, options) : null
  if (within !== null) return choose(store, within, options)
  throw new MissingFileError('No metadata of a table is there', {
    file: location,
    hint: 'Name the folder that holds the table’s `metadata` folder, or a .metadata.json file.',
  })
}

interface Version {
  readonly number: number
  readonly file: ObjectInfo
}

interface Versions {
  readonly folder: string
  readonly all: readonly Version[]
}

/** Spec names (`v3.metadata.json`), catalogs' names (`00003-….metadata.json`), either gzipped. */
const NAME = /^(?:v(\d{1,9})|(\d{1,9})-[^/]*?)(?:\.gz)?\.metadata\.json(?:\.gz)?$/

async function versionsIn(
  store: ObjectStore,
  folder: string,
  { signal }: CallOptions,
): Promise<Versions | null> {
  const all: Version[] = []
  for await (const file of store.list(`${folder.replace(/\/+$/, '')}/`, { signal })) {
    const [, plain, padded] = NAME.exec(fileNameOf(file.location)) ?? []
    const digits = plain ?? padded
    if (digits !== undefined) all.push({ number: Number(digits), file })
  }
  return all.length === 0 ? null : { folder, all }
}

async function choose(store: ObjectStore, versions: Versions, options: CallOptions): Promise<TableOpening> {
  const hint = await readHint(store, versions.folder, options)
  if (hint === null) return chosen(versions, Math.max(...versions.all.map(({ number }) => number)), 'listing')
  const named = versions.all.find(({ file }) => fileNameOf(file.location).startsWith(`${hint}.`))
  if (named !== undefined) {
    return { metadataLocation: named.file.location, chosenBy: 'version-hint', rivals: [] }
  }
  let number = Number(/^v?(\d{1,9})$/.exec(hint)?.[1] ?? -1)
  const has = (wanted: number): boolean => versions.all.some((version) => version.number === wanted)
  if (!has(number)) throw withoutHinted(versions.folder)
  // The hint is written after the version: a writer may have come no further.
  while (has(number + 1)) number += 1
  return chosen(versions, number, 'version-hint')
}

async function readHint(store: ObjectStore, folder: string, { signal }: CallOptions): Promise<string | null> {
  try {
    const bytes = await store.get(joinLocation(folder, HINT), { range: { start: 0, end: 256 }, signal })
    return new TextDecoder().decode(bytes).trim()
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return null
    throw error
  }
}

function chosen(versions: Versions, number: number, chosenBy: TableOpening['chosenBy']): TableOpening {
  const files = versions.all.filter((version) => version.number === number).map(({ file }) => file)
  const newestFirst = files.sort(
    (a, b) => b.lastModified.getTime() - a.lastModified.getTime() || (a.location < b.location ? 1 : -1),
  )
  const [newest, ...rivals] = newestFirst
  return {
    metadataLocation: newest?.location ?? '',
    chosenBy,
    rivals: rivals.map((file) => file.location),
  }
}

function withoutHinted(folder: string): MissingFileError {
  return new MissingFileError('The version that the table’s version hint names is not there', {
    file: joinLocation(folder, HINT),
    hint: 'Name a .metadata.json file of that folder instead.',
  })
}

const openings = new WeakMap<LoadedTable, TableOpening>()

/** Keeps how a table was found, as long as the table is. */
export function noteOpening(loaded: LoadedTable, opening: TableOpening): void {
  openings.set(loaded, opening)
}

/** null for a table that a catalog answered. */
export function openingOf(loaded: LoadedTable): TableOpening | null {
  return openings.get(loaded) ?? null
}
