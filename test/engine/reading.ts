/** Tables for tests of reading: files written by DuckDB itself, tasks and file access by hand. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import type { FileScanTask, ReadRequest } from '../../src/engine/data-plane.ts'
import type { FileAccess } from '../../src/engine/file-access.ts'
import { DuckDbEngine } from '../../src/engine/duckdb/connection.ts'
import { PhysicalSchemas, readRows, type Reader } from '../../src/engine/duckdb/read.ts'
import { bindExpression } from '../../src/format/expressions/bind.ts'
import type { BoundExpression, Expression } from '../../src/format/expressions/expression.ts'
import type { ContentFile, ManifestEntry } from '../../src/format/manifest/entry.ts'
import { UNPARTITIONED } from '../../src/format/partition-spec.ts'
import { createSchema, type NestedField, type Schema } from '../../src/format/schema.ts'
import type { Type } from '../../src/format/types.ts'
import type { Row } from '../../src/format/values/value.ts'
import { contentFile as plainFile } from '../support/content-file.ts'

export interface Workshop {
  readonly folder: string
  readonly reader: Reader
  /** Runs SQL in a DuckDB that is not the one under test. */
  sql(statement: string): Promise<void>
  rows(statement: string): Promise<readonly Record<string, unknown>[]>
  /** Writes a query's rows as a Parquet file; `fieldIds` as DuckDB's COPY takes it, '' for none. */
  write(name: string, query: string, fieldIds: string): Promise<ContentFile>
  close(): Promise<void>
}

export async function openWorkshop(options: { readonly memoryLimitBytes?: number } = {}): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'floeberg-read-'))
  const engine = await DuckDbEngine.open({ scratchDir: join(folder, 'scratch'), threads: 2, ...options })
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  return {
    folder,
    reader: { engine, layouts: new PhysicalSchemas() },
    sql: async (statement) => void (await connection.run(statement)),
    rows: async (statement) => (await connection.runAndReadAll(statement)).getRowObjects(),
    write: (name, query, fieldIds) => write(connection, join(folder, name), query, fieldIds),
    close: async () => {
      await engine.close()
      connection.closeSync()
      instance.closeSync()
      await rm(folder, { recursive: true })
    },
  }
}

async function write(
  connection: DuckDBConnection,
  path: string,
  query: string,
  fieldIds: string,
): Promise<ContentFile> {
  const ids = fieldIds === '' ? '' : `, FIELD_IDS ${fieldIds}`
  await connection.run(`COPY (${query}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet${ids})`)
  const [row] = (
    await connection.runAndReadAll(`SELECT count(*) AS n FROM read_parquet('${path.replaceAll("'", "''")}')`)
  ).getRowObjects()
  return contentFile(path, Number(row?.['n']))
}

/** A file that is there, as a manifest would describe it. */
export async function contentFile(
  path: string,
  recordCount: number,
  changes: Partial<ContentFile> = {},
): Promise<ContentFile> {
  const fileSizeInBytes = (await stat(path)).size
  return plainFile({ location: `file://${path}`, recordCount, fileSizeInBytes, ...changes })
}

export function entryOf(file: ContentFile): ManifestEntry {
  return { status: 'added', snapshotId: 1n, sequenceNumber: 1, fileSequenceNumber: 1, file }
}

export function taskOf(file: ContentFile, changes: Partial<FileScanTask> = {}): FileScanTask {
  return { entry: entryOf(file), spec: UNPARTITIONED, deletes: [], residual: { op: 'true' }, ...changes }
}

/** A data file's deletes, as their entries. */
export function deletesOf(...files: readonly ContentFile[]): Pick<FileScanTask, 'deletes'> {
  return { deletes: files.map((file) => entryOf({ ...file, content: 'position-deletes' })) }
}

/** Optional columns, named and numbered in order from `firstId`. */
export function columns(types: Readonly<Record<string, Type>>, firstId = 1): readonly NestedField[] {
  return Object.entries(types).map(([name, type], at) => ({ id: firstId + at, name, required: false, type }))
}

export function schemaOf(fields: readonly NestedField[]): Schema {
  return createSchema({ fields, allowReservedIds: true })
}

/** The filter as the planner leaves it for a file that no metadata decides. */
export function residual(schema: Schema, filter: Expression): BoundExpression {
  return bindExpression(schema, filter)
}

export function requestOf(
  schema: Schema,
  tasks: readonly FileScanTask[],
  changes: Partial<ReadRequest> = {},
): ReadRequest {
  return {
    tasks,
    projection: schema,
    tableSchema: schema,
    nameMapping: null,
    files: localFiles(),
    ...changes,
  }
}

export interface CountedFiles extends FileAccess {
  /** Inputs opened and not yet released. */
  readonly held: () => number
  readonly opened: () => number
}

/** Files of this machine's disk, counted. */
export function localFiles(): CountedFiles {
  let held = 0
  let opened = 0
  return {
    held: () => held,
    opened: () => opened,
    output: () => Promise.reject(new Error('reading writes nothing')),
    scratch: () => Promise.reject(new Error('reading writes nothing')),
    input: async ({ location }) => {
      held += 1
      opened += 1
      return {
        localPath: location.replace('file://', ''),
        release: async () => void (held -= 1),
      }
    },
  }
}

/** All rows of a request. */
export async function allRows(reader: Reader, request: ReadRequest): Promise<readonly Row[]> {
  const rows: Row[] = []
  for await (const batch of readRows(reader, request)) rows.push(...batch)
  return rows
}
