/** Adding files that are there already: found, looked at, and committed in one snapshot. */
import { resolve } from 'node:path'
import type { Progress } from '../engine/data-plane.ts'
import {
  InvalidArgumentError,
  InvalidLocationError,
  MissingFileError,
  ObjectNotFoundError,
} from '../errors.ts'
import { metricsConfig } from '../format/metrics-config.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import {
  createNameMapping,
  NAME_MAPPING_KEY,
  nameMappingToJson,
  type MappedField,
  type NameMapping,
} from '../format/name-mapping.ts'
import { childFields } from '../format/nested-fields.ts'
import { maskedPath } from '../format/partition-path.ts'
import { schemaFromJson } from '../format/schema.ts'
import type { NestedField } from '../format/types.ts'
import { canonicalLocation, fileNameOf, newLocation, toFileUri } from '../storage/location.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { commitTable } from '../table/commit-table.ts'
import { mapConcurrently } from '../table/concurrency.ts'
import { nameMappingOf } from '../table/default-name-mapping.ts'
import { AddFilesChange } from '../table/operations/add-files.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import type { TableHandle } from '../table/table.ts'
import { AllowedRoots } from '../table/table-locations.ts'
import { snapshotTarget } from './snapshot-target.ts'
import { appendCounts } from './written-rows.ts'

/** How files are added. */
export interface AddFilesOptions {
  /**
   * What becomes of a file that is in the branch already, or is given twice: `error` (default) refuses
   * all, `skip` leaves it out. Only files that are live count: one that was removed may come back.
   */
  readonly onDuplicate?: 'error' | 'skip' | undefined
  /** Default: true. False saves reading the branch's manifests, and rows may be doubled. */
  readonly checkDuplicates?: boolean | undefined
  /** How new manifests join the old. Default: the manager's, else `fast_append`. */
  readonly commitStrategy?: CommitStrategy | undefined
  /** Entries for the snapshot's summary; names of the format's own counts are refused. */
  readonly snapshotProperties?: Readonly<Record<string, string>> | undefined
  /** Branch to add to. NoSuchRefError when it is not there. Default: main. */
  readonly branch?: string | undefined
  /** Overrides of the table's `commit.retry.*` for this call. */
  readonly retry?: CommitRetryOptions | undefined
  /** Honoured until the commit is sent, and between attempts. */
  readonly signal?: AbortSignal | undefined
  /** Rows of files that were looked at. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What adding files came to. */
export interface AddFilesResult {
  /** null when every file was left out. */
  readonly snapshotId: bigint | null
  /** Files added, their rows and bytes. */
  readonly files: number
  readonly rows: number
  readonly bytes: number
  /** Locations that were left out: in the table already, or given twice. */
  readonly skipped: readonly string[]
  /**
   * Locations that had been removed from the table and are in it again: older snapshots have them too,
   * and other clients may delete them when they expire those.
   */
  readonly readded: readonly string[]
  /** Whether the property `schema.name-mapping.default` was set, for files without field ids. */
  readonly nameMappingCreated: boolean
  /** How often the commit was sent. */
  readonly attempts: number
}

/** Carries `addFiles` out. */
export async function addDataFiles<In, Out>(
  table: TableHandle<In, Out>,
  paths: readonly string[],
  options: AddFilesOptions & { readonly commitStrategy: CommitStrategy },
): Promise<AddFilesResult> {
  const { runtime, storage, metadata } = table.state
  const { onDuplicate = 'error', checkDuplicates = true, signal, onProgress } = options
  if (onDuplicate !== 'error' && onDuplicate !== 'skip') {
    throw new InvalidArgumentError("onDuplicate is one of 'error', 'skip'")
  }
  const given = await locationsOf(storage.store, paths, signal)
  const roots = new AllowedRoots(metadata, runtime.extraRoots)
  for (const location of given) checkPlace(roots, location)
  const locations = distinct(given, onDuplicate)
  const candidates = await mapConcurrently(locations, (location) => sized(storage.store, location, signal))
  const before = metadata.properties[NAME_MAPPING_KEY] ?? null
  const mapping = nameMappingOf(metadata) ?? createNameMapping(table.schema)
  const plane = await runtime.dataPlane()
  const adopted = await plane.adopt({
    candidates,
    schema: table.schema,
    spec: table.partitionSpec,
    metrics: metricsConfig(table.schema, table.sortOrder, metadata.properties),
    nameMapping: mapping,
    fieldNames: fieldNames(metadata, mapping),
    files: storage.files,
    signal,
    onProgress,
  })
  const usesMapping = adopted.some((each) => each.usesNameMapping)
  const change: AddFilesChange = new AddFilesChange(
    snapshotTarget(table, options, () => appendCounts(change.added)),
    adopted.map(({ file }) => file),
    {
      strategy: options.commitStrategy,
      schema: table.schema,
      onDuplicate,
      checkDuplicates,
      mapping: usesMapping ? { text: before ?? nameMappingToJson(mapping), before } : null,
    },
  )
  return commitTable(table, change, { ...options.retry, signal }, ({ attempts }) =>
    resultOf(change, given, { attempts, nameMappingCreated: usesMapping && before === null }),
  )
}

function resultOf(
  change: AddFilesChange,
  given: readonly string[],
  more: Pick<AddFilesResult, 'attempts' | 'nameMappingCreated'>,
): AddFilesResult {
  const { added } = change
  const left = new Set(added.map((file) => file.location))
  const isAdded = added.length > 0
  return {
    snapshotId: isAdded ? change.snapshotId : null,
    files: added.length,
    rows: appendCounts(added).rowsInserted,
    bytes: added.reduce((bytes, file) => bytes + file.fileSizeInBytes, 0),
    // Each stands for one file: a second mention of an added one is left out too.
    skipped: given.filter((location) => !left.delete(location)),
    readded: change.readded,
    attempts: more.attempts,
    nameMappingCreated: isAdded && more.nameMappingCreated,
  }
}

/** Full locations of all files meant; a path that ends in `/` means the Parquet files below it. */
async function locationsOf(
  store: ObjectStore,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  if (paths.length === 0 || paths.some((path) => typeof path !== 'string' || path === '')) {
    throw new InvalidArgumentError('addFiles takes a list of paths, none of them empty')
  }
  const locations: string[] = []
  for (const path of paths) {
    const location = newLocation(/^[a-z][a-z0-9+.-]+:/i.test(path) ? path : toFileUri(resolve(path)))
    if (!path.endsWith('/')) {
      locations.push(location)
      continue
    }
    const found = await parquetFilesBelow(store, `${location}/`, signal)
    if (found.length === 0) {
      throw new MissingFileError('A folder holds no Parquet files', { file: maskedPath(location) })
    }
    locations.push(...found)
  }
  return locations
}

async function parquetFilesBelow(
  store: ObjectStore,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { location } of store.list(folder, { signal })) {
    const name = fileNameOf(location)
    // By such names other tools hide what is not finished, or no data.
    if (/\.parquet$/i.test(name) && !/^[._]/.test(name)) found.push(location)
  }
  return found.sort()
}

/** What lies elsewhere no reader of the table would open. */
function checkPlace(roots: AllowedRoots, location: string): void {
  if (roots.allows(location)) return
  throw new InvalidLocationError("A file to add lies outside of the table's own locations", {
    file: maskedPath(location),
    hint: "Move it below the table's location, or allow its folder with the extraRoots setting.",
  })
}

function distinct(locations: readonly string[], onDuplicate: 'error' | 'skip'): readonly string[] {
  const byPlace = new Map<string, string>()
  for (const location of locations) {
    const place = canonicalLocation(location)
    if (!byPlace.has(place)) byPlace.set(place, location)
    else if (onDuplicate === 'error') {
      throw new InvalidArgumentError('A file is given twice', { file: maskedPath(location) })
    }
  }
  return [...byPlace.values()]
}

async function sized(
  store: ObjectStore,
  location: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly location: string; readonly size: number }> {
  try {
    const { size } = await store.head(location, { signal })
    return { location, size }
  } catch (cause) {
    if (!(cause instanceof ObjectNotFoundError)) throw cause
    throw new MissingFileError('A file to add is not there', {
      file: maskedPath(location),
      hint: 'Nothing was added.',
      cause,
    })
  }
}

/** Every name of every field, at every depth, in every schema that the table keeps and in its mapping. */
function fieldNames(metadata: TableMetadata, mapping: NameMapping): ReadonlyMap<number, ReadonlySet<string>> {
  const names = new Map<number, Set<string>>()
  const note = (id: number, name: string): void => {
    const known = names.get(id)
    if (known === undefined) names.set(id, new Set([name]))
    else known.add(name)
  }
  const visit = (fields: readonly NestedField[]): void => {
    for (const field of fields) {
      note(field.id, field.name)
      visit(childFields(field.type))
    }
  }
  const visitMapping = (fields: readonly MappedField[]): void => {
    for (const field of fields) {
      const id = field['field-id']
      if (id !== undefined) for (const name of field.names) note(id, name)
      visitMapping(field.fields ?? [])
    }
  }
  for (const json of metadata.schemas) visit(schemaFromJson(json).fields)
  visitMapping(mapping)
  return names
}
