/** A manager on the local disk that tells which manifests and data files it opened. */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { catalogPlugin, duckDbEngine, IcebergTableManager } from '../../src/compose.ts'
import type { FileAccess } from '../../src/engine/file-access.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { createFileAccess } from '../../src/storage/staging.ts'
import { faultStore } from '../support/fault-store.ts'
import { FaultController } from '../support/faults.ts'
import { localPath } from '../support/reachable.ts'

/** Locations that were read since the last time somebody asked, sorted. */
export interface Opened {
  /** Objects got from the store: metadata files, manifest lists, manifests. */
  readonly objects: readonly string[]
  /** Data files that the data plane asked for. */
  readonly files: readonly string[]
}

export interface PruningWorld {
  readonly folder: string
  readonly manager: IcebergTableManager
  /** What was opened, once; forgets it. */
  opened(): Opened
  /** Rows of a data file, by SQL of a DuckDB that is not the one under test: `select` goes before FROM. */
  readRaw(location: string, select: string): Promise<readonly Record<string, unknown>[]>
  close(): Promise<void>
}

export async function openPruningWorld(): Promise<PruningWorld> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'floeberg-pruning-')))
  const controller = new FaultController()
  const store = faultStore(new LocalObjectStore(), controller)
  const inputs: string[] = []
  const scratchDir = join(folder, 'scratch')
  const warehouse = toFileUri(join(folder, 'warehouse'))
  const manager = await IcebergTableManager.connect({
    catalogPlugin: catalogPlugin({ name: 'test', properties: { type: 'memory', warehouse } }),
    storagePlugin: {
      name: 'recording',
      getObjectStore: () => store,
      getWarehouseUri: () => null,
      getFileAccess: (seen) => recordingAccess(createFileAccess(seen, { scratchDir }), inputs),
    },
    enginePlugin: duckDbEngine({ scratchDir, threads: 2, folders: [join(folder, 'warehouse')] }),
    scratchDir,
  })
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  return {
    folder,
    manager,
    opened() {
      const gets = controller.calls.filter(({ method }) => method === 'get').flatMap(({ about }) => about)
      const opened = { objects: [...new Set(gets)].sort(), files: [...new Set(inputs)].sort() }
      controller.reset()
      inputs.length = 0
      return opened
    },
    async readRaw(location, select) {
      const path = localPath(location).replaceAll("'", "''")
      // Partition values must come from the file, never from its folder's name.
      const from = `read_parquet('${path}', hive_partitioning = false)`
      return (await connection.runAndReadAll(`SELECT ${select} FROM ${from}`)).getRowObjects()
    },
    async close() {
      await manager.close()
      connection.closeSync()
      instance.closeSync()
      await rm(folder, { recursive: true })
    },
  }
}

function recordingAccess(access: FileAccess, inputs: string[]): FileAccess {
  return {
    output: (location, options) => access.output(location, options),
    input(file, options) {
      inputs.push(file.location)
      return access.input(file, options)
    },
    scratch: () => access.scratch(),
  }
}

/** Rows of a data file by hyparquet; times as their exact counts. */
export async function readByHyparquet(location: string): Promise<readonly Record<string, unknown>[]> {
  return parquetReadObjects({
    file: await asyncBufferFromFile(localPath(location)),
    compressors: { ZSTD: (input) => zstdDecompressSync(input) },
    utf8: false,
    parsers: {
      timestampFromMicroseconds: (micros: bigint) => micros,
      dateFromDays: (days: number) => days,
    },
  })
}
