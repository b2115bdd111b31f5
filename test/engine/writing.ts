/** For tests of writing: a plane over a folder, requests with defaults, and files read by others. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetMetadata, parquetReadObjects, type FileMetaData } from 'hyparquet'
import type { DataPlane, WriteRequest, WriteResult } from '../../src/engine/data-plane.ts'
import type { FileAccess } from '../../src/engine/file-access.ts'
import { openDuckDbPlane } from '../../src/engine/duckdb/duckdb-plane.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { metricsConfig } from '../../src/format/metrics-config.ts'
import { UNPARTITIONED } from '../../src/format/partition-spec.ts'
import { createSchema, type NestedField, type Schema } from '../../src/format/schema.ts'
import { UNSORTED } from '../../src/format/sort-order.ts'
import type { Type } from '../../src/format/types.ts'
import { createFileAccess } from '../../src/storage/staging.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'

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

let operations = 0

export async function openWorkshop(options: { readonly memoryLimitBytes?: number } = {}): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'floeberg-write-'))
  const plane = await openDuckDbPlane({ scratchDir: join(folder, 'scratch'), threads: 2, ...options })
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

function defaults(
  folder: string,
  schema: Schema,
  more: Partial<WriteRequest>,
): Omit<WriteRequest, 'source' | 'schema' | 'files'> {
  operations += 1
  const sortOrder = more.sortOrder ?? UNSORTED
  return {
    spec: UNPARTITIONED,
    sortOrder,
    targetFileSizeBytes: 512 * 1024 * 1024,
    parquet: {
      compression: 'zstd',
      compressionLevel: null,
      rowGroupSizeBytes: 128 * 1024 * 1024,
      rowGroupRowLimit: 1_048_576,
      dictionarySizeBytes: 2 * 1024 * 1024,
      bloomFilterColumns: [],
    },
    metrics: metricsConfig(schema, sortOrder, {}),
    operationId: `op${operations}`,
    locate: (path, name) => `file://${join(folder, 'data', path, name)}`,
    dataFolder: `file://${join(folder, 'data')}`,
  }
}

/** A schema of optional columns with ids from 1, in order. */
export function schemaOf(columns: Readonly<Record<string, Type>>): Schema {
  return fieldsOf(
    Object.entries(columns).map(([name, type], at) => ({ id: at + 1, name, required: false, type })),
  )
}

export function fieldsOf(fields: readonly NestedField[]): Schema {
  return createSchema({ schemaId: 0, fields })
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

async function bytesOf(file: ContentFile): Promise<ArrayBuffer> {
  const bytes = await readFile(pathOf(file))
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
}
