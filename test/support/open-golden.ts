/** Golden tables, opened where they lie: under the locations that they were written with. */
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { parseTableMetadata } from '../../src/format/metadata/parse.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { createFileAccess } from '../../src/storage/staging.ts'
import { TableHandle } from '../../src/table/table.ts'
import { goldenPath, type GoldenTable } from './golden.ts'
import { memoryWorld } from './memory-runtime.ts'

/** The fixtures' folder under the locations that the tables were written with. */
function goldenStore(): ObjectStore {
  const local = new LocalObjectStore()
  // Percent signs in locations are taken as they stand.
  const there = (location: string): string => `file://${goldenPath(location)}`
  return {
    schemes: ['file'],
    head: (location, options) => local.head(there(location), options),
    get: (location, options) => local.get(there(location), options),
    put: () => Promise.reject(new Error('golden tables are not written to')),
    delete: () => Promise.reject(new Error('golden tables are not written to')),
    list: () => {
      throw new Error('reading lists nothing')
    },
    localPath: goldenPath,
  }
}

/** The table, to be read by a data plane. */
export async function openGolden(
  { name, metadataPath, metadataLocation }: GoldenTable,
  { plane, scratchDir }: { readonly plane: DataPlane; readonly scratchDir: string },
): Promise<TableHandle> {
  const store = goldenStore()
  const files = createFileAccess(store, { scratchDir })
  const runtime = {
    ...memoryWorld().runtime,
    dataPlane: async () => plane,
    openStorage: async () => ({ store, files }),
  }
  const bytes = await readFile(metadataPath)
  const document = metadataPath.includes('.gz') ? gunzipSync(bytes) : bytes
  const metadata = parseTableMetadata(document, metadataLocation)
  const loaded = { metadata, metadataLocation, snapshotsComplete: true, config: {} }
  return TableHandle.open(runtime, { namespace: ['ns'], name }, loaded)
}
