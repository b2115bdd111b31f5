/** A table with a long history, made without writing it commit by commit. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { nodeCodecs } from '../src/compression.ts'
import { readManifestList, writeManifestList } from '../src/format/manifest/list.ts'
import { serializeTableMetadata } from '../src/format/metadata/serialize.ts'
import type { IcebergTableManager, Snapshot, TableMetadata } from '../src/index.ts'
import { LocalObjectStore } from '../src/storage/local.ts'
import { localPathOf } from '../src/storage/location.ts'
import { wide, wideRow } from './wide-table.ts'
import type { CatalogPlace } from './world.ts'

/**
 * `bench.history`, with so many snapshots of one append each. The first is real, and what the newest
 * one's list names can be listed, though not read: appending reads nothing of it.
 */
export async function makeHistory(
  manager: IcebergTableManager,
  place: CatalogPlace,
  snapshots: number,
): Promise<void> {
  const table = await manager.createTable(
    { namespace: 'bench', name: 'made', schema: wide },
    { createNamespace: true },
  )
  await manager.writeData(table, [wideRow(0)])
  const { metadata } = table
  await manager.dropTable('bench.made')
  const first = metadata.snapshots[0]
  if (first?.['manifest-list'] === undefined) throw new Error('The table has no snapshot')
  const longer = withSnapshots(metadata, first, snapshots)
  const head = longer.snapshots.at(-1)
  if (head !== undefined && head !== first) await writeHeadList(head, first, snapshots)
  const file = `${metadata.location}/metadata/${String(snapshots).padStart(5, '0')}-${crypto.randomUUID()}.metadata.json`
  mkdirSync(localPathOf(place.warehouse), { recursive: true })
  writeFileSync(localPathOf(file), serializeTableMetadata(longer))
  await manager.registerTable('bench.history', file)
}

function withSnapshots(metadata: TableMetadata, first: Snapshot, count: number): TableMetadata {
  const snapshots: Snapshot[] = [first]
  const list = first['manifest-list'] ?? ''
  for (let i = 2; i <= count; i += 1) {
    const id = first['snapshot-id'] ^ (BigInt(i) << 16n)
    const parent = snapshots.at(-1) ?? first
    snapshots.push({
      ...first,
      'snapshot-id': id,
      'parent-snapshot-id': parent['snapshot-id'],
      'sequence-number': i,
      'timestamp-ms': first['timestamp-ms'] + i,
      'manifest-list': list.replace(/snap-\d+-/, `snap-${id}-`),
      summary: {
        ...first.summary,
        operation: 'append',
        'total-data-files': String(i),
        'total-records': String(i),
      },
    })
  }
  const head = snapshots.at(-1) ?? first
  return {
    ...metadata,
    'last-sequence-number': count,
    'last-updated-ms': head['timestamp-ms'],
    'current-snapshot-id': head['snapshot-id'],
    snapshots,
    'snapshot-log': snapshots.map((snapshot) => ({
      'snapshot-id': snapshot['snapshot-id'],
      'timestamp-ms': snapshot['timestamp-ms'],
    })),
    refs: { main: { type: 'branch', 'snapshot-id': head['snapshot-id'] } },
  }
}

/** The list of the newest snapshot: a manifest for every append. */
async function writeHeadList(head: Snapshot, first: Snapshot, count: number): Promise<void> {
  const file = first['manifest-list'] ?? ''
  const bytes = await new LocalObjectStore().get(file)
  const [manifest] = readManifestList(bytes, { file, codecs: nodeCodecs })
  if (manifest === undefined) throw new Error('The list has no manifest')
  const manifests = Array.from({ length: count }, (_, i) => ({
    ...manifest,
    location: manifest.location.replace(/[^/]+$/, `${crypto.randomUUID()}-m0.avro`),
    sequenceNumber: count - i,
    minSequenceNumber: count - i,
    addedSnapshotId: manifest.addedSnapshotId ^ (BigInt(count - i) << 16n),
  }))
  const list = writeManifestList({
    formatVersion: 2,
    snapshotId: head['snapshot-id'],
    parentSnapshotId: head['parent-snapshot-id'] ?? null,
    sequenceNumber: count,
    manifests,
    codecs: nodeCodecs,
  })
  await new LocalObjectStore().put(head['manifest-list'] ?? '', list, { ifAbsent: true })
}
