/** Tables with much to expire, made without writing a data file: deleting what is not there is success. */
import { writeFile } from 'node:fs/promises'
import { nodeCodecs } from '../src/compression.ts'
import type { ManifestEntry } from '../src/format/manifest/entry.ts'
import { writeManifestList, type ManifestFile } from '../src/format/manifest/list.ts'
import { writeManifest } from '../src/format/manifest/manifest.ts'
import { serializeTableMetadata } from '../src/format/metadata/serialize.ts'
import { currentSchema, defaultSpec } from '../src/format/metadata/views.ts'
import { t, table, type IcebergTableManager, type Snapshot, type TableMetadata } from '../src/index.ts'
import { localPathOf } from '../src/storage/location.ts'
import { contentFile } from '../test/support/content-file.ts'

/** What a made table holds. The last snapshot stays, and lists the manifests of the last ones. */
export interface ExpiryShape {
  readonly snapshots: number
  /** So many manifests of its own each. */
  readonly manifestsPerSnapshot: number
  readonly filesPerManifest: number
  /** A snapshot lists what so many before it have made, and has lost what is older. */
  readonly window: number
}

/** `bench.NAME`, as old as 2020. */
export async function makeExpiryTable(
  manager: IcebergTableManager,
  name: string,
  shape: ExpiryShape,
): Promise<void> {
  const created = await manager.createTable(
    { namespace: 'bench', name, schema: table({ id: t.long() }) },
    { createNamespace: true },
  )
  const { metadata } = created
  await manager.dropTable(`bench.${name}`)
  const maker = new Maker(metadata, shape)
  const made: Snapshot[] = []
  for (let number = 1; number <= shape.snapshots; number += 1) made.push(await maker.snapshot(number))
  const file = `${metadata.location}/metadata/00001-${crypto.randomUUID()}.metadata.json`
  await writeFile(localPathOf(file), serializeTableMetadata(withSnapshots(metadata, made)))
  await manager.registerTable(`bench.${name}`, file)
}

const START = Date.UTC(2020, 0, 1)

class Maker {
  readonly #metadata: TableMetadata
  readonly #shape: ExpiryShape
  #listed: readonly ManifestFile[] = []

  constructor(metadata: TableMetadata, shape: ExpiryShape) {
    this.#metadata = metadata
    this.#shape = shape
  }

  async snapshot(number: number): Promise<Snapshot> {
    const { manifestsPerSnapshot, window } = this.#shape
    const own: ManifestFile[] = []
    for (let index = 0; index < manifestsPerSnapshot; index += 1)
      own.push(await this.#manifest(number, index))
    this.#listed = [...own, ...this.#listed].slice(0, window * manifestsPerSnapshot)
    const list = `${this.#metadata.location}/metadata/snap-${number}-1-${crypto.randomUUID()}.avro`
    const bytes = writeManifestList({
      formatVersion: 2,
      snapshotId: BigInt(number),
      parentSnapshotId: number === 1 ? null : BigInt(number - 1),
      sequenceNumber: number,
      manifests: this.#listed,
      codecs: nodeCodecs,
    })
    await writeFile(localPathOf(list), bytes)
    return {
      'snapshot-id': BigInt(number),
      ...(number === 1 ? {} : { 'parent-snapshot-id': BigInt(number - 1) }),
      'sequence-number': number,
      'timestamp-ms': START + number * 1000,
      'manifest-list': list,
      summary: { operation: 'append' },
      'schema-id': 0,
    }
  }

  async #manifest(number: number, index: number): Promise<ManifestFile> {
    const { filesPerManifest } = this.#shape
    const { location } = this.#metadata
    const written = writeManifest({
      formatVersion: 2,
      schema: currentSchema(this.#metadata),
      spec: defaultSpec(this.#metadata),
      content: 'data',
      snapshotId: BigInt(number),
      entries: Array.from({ length: filesPerManifest }, (_, file) =>
        entry(`${location}/data/${String(file).padStart(5, '0')}-${crypto.randomUUID()}.parquet`, number),
      ),
      codecs: nodeCodecs,
    })
    const { bytes, ...manifest } = written
    const file = `${location}/metadata/${crypto.randomUUID()}-m${index}.avro`
    await writeFile(localPathOf(file), bytes)
    return {
      ...manifest,
      location: file,
      length: bytes.length,
      sequenceNumber: number,
      minSequenceNumber: number,
    }
  }
}

function entry(location: string, number: number): ManifestEntry {
  return {
    status: 'added',
    snapshotId: BigInt(number),
    sequenceNumber: null,
    fileSequenceNumber: null,
    file: contentFile({ location, recordCount: 1000, fileSizeInBytes: 100_000 }),
  }
}

function withSnapshots(metadata: TableMetadata, snapshots: readonly Snapshot[]): TableMetadata {
  const head = snapshots.at(-1)
  if (head === undefined) return metadata
  return {
    ...metadata,
    'last-sequence-number': snapshots.length,
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
