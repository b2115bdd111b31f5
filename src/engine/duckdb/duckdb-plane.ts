/** The embedded data plane: everything that touches rows, done by DuckDB. */
import type { DataPlane } from '../data-plane.ts'
import { adopt } from './adopt.ts'
import { DuckDbEngine, type EngineOptions } from './connection.ts'
import { inferSchema } from './infer.ts'
import { countRows, PhysicalSchemas, readArrow, readRows, readToFile, type Reader } from './read.ts'
import { rowChanges } from './row-changes.ts'
import { createView } from './scan-view.ts'
import { prepareSql } from './sql-query.ts'
import { writeRows } from './write.ts'

export type DuckDbPlaneOptions = EngineOptions

/** Opens the plane. EngineError when DuckDB cannot be opened; close it to free what it holds. */
export async function openDuckDbPlane(options: DuckDbPlaneOptions): Promise<DataPlane> {
  const engine = await DuckDbEngine.open(options)
  const reader: Reader = { engine, layouts: new PhysicalSchemas() }
  return {
    name: 'duckdb',
    write: (request) => writeRows(reader, request),
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
