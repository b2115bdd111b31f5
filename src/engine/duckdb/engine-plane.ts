/** What of the data plane is done by DuckDB: nearly all. */
import type { DataPlane, WriteRequest, WriteResult } from '../data-plane.ts'
import { adopt } from './adopt.ts'
import { DuckDbEngine, type EngineOptions } from './connection.ts'
import { inferSchema } from './infer.ts'
import { countRows, PhysicalSchemas, readArrow, readRows, readToFile, type Reader } from './read.ts'
import type { RowBlocks } from './row-blocks.ts'
import { rowChanges } from './row-changes.ts'
import { createView } from './scan-view.ts'
import { prepareSql } from './sql-query.ts'
import { writeRows } from './write.ts'

/** The plane of an open engine. */
export interface EnginePlane extends DataPlane {
  /** `begun`: blocks of the rows of the source that were asked for already. */
  write(request: WriteRequest, begun?: RowBlocks): Promise<WriteResult>
  createView: NonNullable<DataPlane['createView']>
}

/** Opens the engine. EngineError when DuckDB cannot be opened; close it to free what it holds. */
export async function openEnginePlane(options: EngineOptions): Promise<EnginePlane> {
  const engine = await DuckDbEngine.open(options)
  const reader: Reader = { engine, layouts: new PhysicalSchemas() }
  return {
    name: 'duckdb',
    write: (request, begun) => writeRows(reader, request, begun),
    readRows: (request) => readRows(reader, request),
    readArrow: (request) => readArrow(reader, request),
    readToFile: (request, file) => readToFile(reader, request, file),
    countRows: (request) => countRows(reader, request),
    inferSchema: (source, runOptions) => inferSchema(engine, source, runOptions),
    ...rowChanges(reader),
    adopt: (request) => adopt(reader, request),
    prepareSql: (request) => prepareSql(reader, request),
    createView: (request, target) => createView(reader, request, target),
    close: () => engine.close(),
  }
}
