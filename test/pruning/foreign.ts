/** A snapshot as another writer might have made it: our entries, changed, in manifests of its own. */
import { nodeCodecs } from '../../src/compression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { readManifestList, writeManifestList } from '../../src/format/manifest/list.ts'
import { readManifest, writeManifest } from '../../src/format/manifest/manifest.ts'
import { specById, specsById } from '../../src/format/metadata/views.ts'
import type { IcebergTableManager, Table } from '../../src/index.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'

const SNAPSHOT_ID = 3051729675574597004n

/** Replaces the table's snapshot by one whose data files are changed in their manifest entries. */
export async function rewriteAsForeign(
  manager: IcebergTableManager,
  table: Table,
  change: (file: ContentFile) => ContentFile,
): Promise<void> {
  const store = new LocalObjectStore()
  const { metadata, schema, formatVersion } = table
  const current = table.currentSnapshot
  const file = current?.['manifest-list']
  if (current === null || file === undefined) throw new Error('the table has no snapshot to change')
  const codecs = nodeCodecs
  const specs = specsById(metadata)
  const sequenceNumber = metadata['last-sequence-number'] + 1
  const manifests = await Promise.all(
    readManifestList(await store.get(file), { file, codecs }).map(async (manifest, i) => {
      const entries = readManifest(await store.get(manifest.location), { manifest, specs, schema, codecs })
      const { bytes, ...written } = writeManifest({
        formatVersion,
        schema,
        spec: specById(metadata, manifest.specId),
        content: 'data',
        snapshotId: SNAPSHOT_ID,
        entries: entries.map((entry) => ({ ...entry, status: 'existing', file: change(entry.file) })),
        codecs,
      })
      const location = `${table.location}/metadata/foreign-${i}.avro`
      await store.put(location, bytes)
      return { ...written, location, length: bytes.length }
    }),
  )
  const list = `${table.location}/metadata/foreign-list.avro`
  const parentSnapshotId = current['snapshot-id']
  const bytes = writeManifestList({
    formatVersion,
    snapshotId: SNAPSHOT_ID,
    parentSnapshotId,
    sequenceNumber,
    manifests,
    codecs,
  })
  await store.put(list, bytes)
  await manager.catalog.commitTable(table.identifier, {
    requirements: [],
    updates: [
      {
        action: 'add-snapshot',
        snapshot: {
          'snapshot-id': SNAPSHOT_ID,
          'parent-snapshot-id': parentSnapshotId,
          ...(formatVersion === 1 ? {} : { 'sequence-number': sequenceNumber }),
          'timestamp-ms': current['timestamp-ms'] + 1,
          'manifest-list': list,
          summary: { operation: 'replace' },
          'schema-id': schema.schemaId,
        },
      },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': SNAPSHOT_ID },
    ],
  })
  await table.refresh()
}
