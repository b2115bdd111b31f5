/** For tests of writing: a plane over a folder, requests with defaults, and files read by others. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetMetadata, parquetReadObjects, type FileMetaData } from 'hyparquet'
import type { DataPlane, WriteRequest, WriteResult } from '../../src/engine/data-plane.ts'
import type { FileAccess } from '../../src/engine/file-access.ts'
import { openDuckDbPlane, type DuckDbPlaneOptions } from '../../src/engine/duckdb/duckdb-plane.ts'
import { openEnginePlane } from '../../src/engine/duckdb/engine-plane.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import type { Schema } from '../../src/format/schema.ts'
import { createFileAccess } from '../../src/storage/staging.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { defaults } from './requests.ts'

export { fieldsOf, schemaOf } from './requests.ts'

export interface Workshop {
  readonly folder: string
  readonly plane: DataPlane
  readonly files: FileAccess
  write(source: WriteRequest['source'], schema: Schema, more?: Partial<WriteRequest>): Promise<WriteResult>
  /** Runs SQL in a DuckDB that is not the one under test. */
  sql(statement: string): Promise<readonly Record<string, unknown>[]>
  /** Every file below the data folder, hidden ones and hidden folders too. */
  leftovers(): Promise<readonly string[]>
  close(): Promise<void>
}

/** Who writes: the plane as everybody has it, which does without the engine where it can, or the engine alone. */
export const WRITERS = [
  { writer: 'the plane', open: openDuckDbPlane },
  { writer: 'the engine', open: openEnginePlane },
] as const

export async function openWorkshop(
  options: { readonly memoryLimitBytes?: number } = {},
  open: (options: DuckDbPlaneOptions) => Promise<DataPlane> = openDuckDbPlane,
): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'floeberg-write-'))
  const plane = await open({ scratchDir: join(folder, 'scratch'), threads: 2, ...options })
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  const files = createFileAccess(new LocalObjectStore(), { scratchDir: join(folder, 'scratch') })
  return {
    folder,
    plane,
    files,
    write: (source, schema, more = {}) =>
      plane.write({ ...defaults(folder, schema, more), source, schema, files, ...more }),
    sql: async (statement) => (await connection.runAndReadAll(statement)).getRowObjects(),
    leftovers: async () => {
      const found = await readdir(join(folder, 'data'), { recursive: true, withFileTypes: true }).catch(
        () => [],
      )
      const staged = await readdir(join(folder, 'scratch')).catch(() => [])
      return [
        ...found.filter((entry) => entry.isFile() || entry.name.startsWith('.')).map(({ name }) => name),
        // The engine's own folder stays as long as the engine.
        ...staged.filter((name) => !name.startsWith('duckdb-')),
      ]
    },
    close: async () => {
      await plane.close()
      connection.closeSync()
      instance.closeSync()
      await rm(folder, { recursive: true })
    },
  }
}

export function pathOf(file: ContentFile): string {
  return file.location.replace('file://', '')
}

/** The footer of a data file, by a reader that is not DuckDB. */
export async function footerOf(file: ContentFile): Promise<FileMetaData> {
  return parquetMetadata(await bytesOf(file))
}

/** The rows of a data file, by a reader that is not DuckDB. */
export async function rowsOf(file: ContentFile): Promise<readonly Record<string, unknown>[]> {
  const rows = await parquetReadObjects({
    file: await bytesOf(file),
    compressors: { ZSTD: (input) => zstdDecompressSync(input), GZIP: (input) => gunzipSync(input) },
    utf8: false,
  })
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, nulled(value)])),
  )
}

/** That reader leaves some nulls inside of columns undefined. */
function nulled(value: unknown): unknown {
  if (value === undefined) return null
  if (Array.isArray(value)) return value.map(nulled)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, nulled(member)]))
}

export async function bytesOf(file: ContentFile): Promise<ArrayBuffer> {
  const bytes = await readFile(pathOf(file))
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
}
