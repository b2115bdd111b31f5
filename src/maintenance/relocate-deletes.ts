/** Position delete files of a table that moves: they name data files, and are written anew. */
import { CorruptFileError, UnsupportedFeatureError } from '../errors.ts'
import type { FileMatch } from '../engine/row-changes.ts'
import { alwaysTrue } from '../format/expressions/expression.ts'
import { bindExpression } from '../format/expressions/bind.ts'
import type { ContentFile, ManifestEntry } from '../format/manifest/entry.ts'
import { currentSchema, specById } from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { NameMapping } from '../format/name-mapping.ts'
import { maskedPath } from '../format/partition-path.ts'
import { UNPARTITIONED } from '../format/partition-spec.ts'
import { PositionSet } from '../format/position-set.ts'
import { createSchema, type NestedField } from '../format/schema.ts'
import { parquetWriteOptions } from '../table/parquet-options.ts'
import type { Runtime, TableStorage } from '../table/runtime.ts'
import type { PathMap } from './path-map.ts'

/** Columns of position delete files, by their reserved ids (Iceberg spec, "Position Delete Files"). */
const FILE_PATH: NestedField = { id: 2147483546, name: 'file_path', required: true, type: { kind: 'string' } }
const POS: NestedField = { id: 2147483545, name: 'pos', required: true, type: { kind: 'long' } }
const SCHEMA = createSchema({ schemaId: 0, fields: [FILE_PATH, POS], allowReservedIds: true })
/** For writers that leave the ids out. */
const NAMES: NameMapping = [FILE_PATH, POS].map(({ id, name }) => ({ 'field-id': id, names: [name] }))

interface DeletesRequest {
  readonly runtime: Runtime
  readonly source: TableStorage
  readonly target: TableStorage
  readonly metadata: TableMetadata
  readonly paths: PathMap
  readonly signal?: AbortSignal | undefined
}

/**
 * Writes the same deletes of the moved data files; answers the new file. What stands under its
 * location, from an earlier try, is replaced.
 */
export async function relocatePositionDeletes(
  request: DeletesRequest,
  entry: ManifestEntry,
): Promise<ContentFile> {
  const { runtime, target, metadata, paths, signal } = request
  const { file } = entry
  if (file.format !== 'parquet') {
    throw new UnsupportedFeatureError(`Position delete files of format ${file.format} cannot be relocated`, {
      file: maskedPath(file.location),
      hint: 'Compact the table first, so that none is left.',
    })
  }
  const positions = await positionsOf(request, entry)
  const location = paths.of(file.location)
  await target.store.delete([location], { signal })
  const plane = await runtime.dataPlane()
  const [written] = await plane.writePositionDeletes({
    deletes: [...positions].map(([path, set]) => matchOf(entry, path, set)),
    spec: specById(metadata, file.specId),
    // All of them are of one partition, and so become one file.
    granularity: 'partition',
    parquet: parquetWriteOptions(metadata.properties),
    operationId: runtime.random.uuid(),
    locate: () => location,
    schema: currentSchema(metadata),
    files: target.files,
    signal,
  })
  if (written === undefined) {
    throw new UnsupportedFeatureError('A position delete file without positions cannot be relocated', {
      file: maskedPath(file.location),
    })
  }
  return { ...written, specId: file.specId, partition: file.partition }
}

/** Positions by the new locations of their data files. */
async function positionsOf(
  { runtime, source, paths, signal }: DeletesRequest,
  entry: ManifestEntry,
): Promise<ReadonlyMap<string, PositionSet>> {
  const found = new Map<string, PositionSet>()
  const plane = await runtime.dataPlane()
  // To the engine a delete file is a data file of two columns.
  const file: ContentFile = { ...entry.file, content: 'data', specId: UNPARTITIONED.specId, partition: [] }
  const batches = plane.readRows({
    tasks: [
      {
        entry: { ...entry, file },
        spec: UNPARTITIONED,
        deletes: [],
        residual: bindExpression(SCHEMA, alwaysTrue()),
      },
    ],
    projection: SCHEMA,
    tableSchema: SCHEMA,
    nameMapping: NAMES,
    files: source.files,
    signal,
  })
  for await (const rows of batches) {
    for (const row of rows) {
      const { file_path: path, pos } = row
      if (typeof path !== 'string' || typeof pos !== 'bigint') throw notDeletes(entry.file)
      // A file outside of what moves is none of this table's any more: its deletes hit nothing.
      const moved = paths.find(path) ?? path
      let set = found.get(moved)
      if (set === undefined) found.set(moved, (set = new PositionSet()))
      set.add(Number(pos))
    }
  }
  return found
}

function notDeletes({ location }: ContentFile): CorruptFileError {
  return new CorruptFileError('A position delete file lacks the columns that make it one', {
    file: maskedPath(location),
  })
}

function matchOf(entry: ManifestEntry, location: string, positions: PositionSet): FileMatch {
  const file: ContentFile = { ...entry.file, content: 'data', location }
  return {
    task: {
      entry: { ...entry, file },
      spec: UNPARTITIONED,
      deletes: [],
      residual: bindExpression(SCHEMA, alwaysTrue()),
    },
    positions,
    liveRows: 0,
  }
}
