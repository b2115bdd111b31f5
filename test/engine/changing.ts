/** For tests of changing rows: tasks over data files, matches as plain values, rows as others read them. */
import type { DataPlane, FileScanTask, ReadRequest } from '../../src/engine/data-plane.ts'
import type { FileMatch, MatchRequest, PositionDeleteRequest } from '../../src/engine/row-changes.ts'
import { bindExpression } from '../../src/format/expressions/bind.ts'
import type { Expression } from '../../src/format/expressions/expression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { UNPARTITIONED } from '../../src/format/partition-spec.ts'
import { PositionSet } from '../../src/format/position-set.ts'
import type { Schema } from '../../src/format/schema.ts'
import type { Row } from '../../src/format/values/value.ts'
import { entryOf } from './reading.ts'
import type { Workshop } from './writing.ts'

/** A task of one data file, as the planner leaves it where no metadata decides. */
export function taskOf(
  file: ContentFile,
  schema: Schema,
  filter: Expression = { op: 'true' },
  more: Partial<FileScanTask> = {},
): FileScanTask {
  return {
    entry: entryOf(file),
    spec: UNPARTITIONED,
    deletes: [],
    residual: bindExpression(schema, filter),
    ...more,
  }
}

export function matchRequest(
  shop: Workshop,
  schema: Schema,
  tasks: readonly FileScanTask[],
  more: Partial<MatchRequest> = {},
): MatchRequest {
  return { tasks, tableSchema: schema, nameMapping: null, files: shop.files, ...more }
}

export function readRequest(shop: Workshop, schema: Schema, tasks: readonly FileScanTask[]): ReadRequest {
  return { ...matchRequest(shop, schema, tasks), projection: schema }
}

/** Positions by the order of the files. */
export function positionsOf(
  matches: readonly FileMatch[],
  files: readonly ContentFile[],
): readonly (readonly number[])[] {
  return files.map((file) => {
    const found = matches.filter(({ task }) => task.entry.file.location === file.location)
    return found.flatMap(({ positions }) => [...positions])
  })
}

export function matchOf(file: ContentFile, schema: Schema, positions: Iterable<number>): FileMatch {
  return {
    task: taskOf(file, schema),
    positions: PositionSet.of(positions),
    liveRows: file.recordCount,
  }
}

let operations = 0

export function deleteRequest(
  shop: Workshop,
  schema: Schema,
  deletes: readonly FileMatch[],
  more: Partial<PositionDeleteRequest> = {},
): PositionDeleteRequest {
  operations += 1
  return {
    deletes,
    spec: UNPARTITIONED,
    granularity: 'file',
    parquet: {
      compression: 'zstd',
      compressionLevel: null,
      rowGroupSizeBytes: 128 * 1024 * 1024,
      rowGroupRowLimit: 1_048_576,
      dictionarySizeBytes: 2 * 1024 * 1024,
      bloomFilterColumns: [],
    },
    operationId: `deletes${operations}`,
    locate: (path, name) =>
      `file://${[shop.folder, 'data', path, name].filter((part) => part !== '').join('/')}`,
    schema,
    files: shop.files,
    ...more,
  }
}

export async function rowsOfTasks(plane: DataPlane, request: ReadRequest): Promise<readonly Row[]> {
  const rows: Row[] = []
  for await (const batch of plane.readRows(request)) rows.push(...batch)
  return rows
}
