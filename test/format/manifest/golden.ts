/** Manifests and lists whose bytes are kept in test/fixtures/manifest/ours-*.avro. */
import type { ManifestEntry } from '../../../src/format/manifest/entry.ts'
import type { WriteManifestListRequest } from '../../../src/format/manifest/list.ts'
import type { WriteManifestRequest } from '../../../src/format/manifest/manifest.ts'
import type { PartitionSpec } from '../../../src/format/partition-spec.ts'
import { addedEntry, codecs, identitySpec, manifestFile, schemaOf, SNAPSHOT } from './fixtures.ts'
import { contentFile } from '../../support/content-file.ts'

const SCHEMA = schemaOf({
  flag: { kind: 'boolean' },
  small: { kind: 'int' },
  big: { kind: 'long' },
  ratio: { kind: 'float' },
  exact: { kind: 'double' },
  price: { kind: 'decimal', precision: 9, scale: 2 },
  huge: { kind: 'decimal', precision: 38, scale: 10 },
  day: { kind: 'date' },
  clock: { kind: 'time' },
  local: { kind: 'timestamp' },
  instant: { kind: 'timestamptz' },
  'odd name/é': { kind: 'string' },
  key: { kind: 'uuid' },
  code: { kind: 'fixed', length: 3 },
  blob: { kind: 'binary' },
  cost: { kind: 'decimal', precision: 9, scale: 2 },
})

const SPEC: PartitionSpec = {
  specId: 3,
  fields: [
    ...identitySpec(SCHEMA).fields,
    { sourceId: 13, fieldId: 1016, name: 'key_bucket', transform: { kind: 'bucket', buckets: 4 } },
    { sourceId: 10, fieldId: 1017, name: 'local_month', transform: { kind: 'month' } },
  ],
}

const FILE = contentFile({
  specId: 3,
  partition: [
    true,
    -7,
    9007199254740993n,
    1.5,
    -0.25,
    -128n,
    123456789012345678900123456789n,
    -1,
    86399999999n,
    -1n,
    1700000000000000n,
    'naïve / 😀',
    'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    Uint8Array.of(0, 1, 255),
    Uint8Array.of(),
    -1n,
    3,
    -2,
  ],
  columnSizes: new Map([
    [1, 100],
    [2, 2 ** 40],
  ]),
  valueCounts: new Map([[2, 10]]),
  nullValueCounts: new Map([[2, 0]]),
  nanValueCounts: new Map(),
  lowerBounds: new Map([[2, Uint8Array.of(0xf9, 0xff, 0xff, 0xff)]]),
  upperBounds: new Map([[2, Uint8Array.of(5, 0, 0, 0)]]),
  splitOffsets: [4, 512],
  sortOrderId: 0,
})

const EMPTY = contentFile({
  specId: 3,
  location: 's3://bucket/t/data/2.parquet',
  partition: FILE.partition.map(() => null),
})

const ENTRIES: readonly ManifestEntry[] = [
  addedEntry(FILE),
  { status: 'existing', snapshotId: 42n, sequenceNumber: 5, fileSequenceNumber: 4, file: EMPTY },
  { status: 'deleted', snapshotId: SNAPSHOT, sequenceNumber: 3, fileSequenceNumber: null, file: FILE },
]

// Not packed: the bytes of a packed block change with the version of zlib.
const properties = { 'write.avro.compression-codec': 'uncompressed' }

const COMMON = {
  schema: SCHEMA,
  spec: SPEC,
  content: 'data',
  snapshotId: SNAPSHOT,
  codecs,
  properties,
} as const

export const GOLDEN_V1: WriteManifestRequest = { ...COMMON, formatVersion: 1, entries: ENTRIES }
export const GOLDEN_V2: WriteManifestRequest = { ...COMMON, formatVersion: 2, entries: ENTRIES }

const MANIFESTS = [
  manifestFile({ length: 1000, sequenceNumber: -1, minSequenceNumber: -1 }),
  manifestFile({
    location: 'file:///t/metadata/m1.avro',
    length: 1000,
    sequenceNumber: 3,
    addedSnapshotId: 42n,
    partitions: [
      { containsNull: true, containsNaN: null, lowerBound: Uint8Array.of(1), upperBound: Uint8Array.of(2) },
      { containsNull: false, containsNaN: true, lowerBound: null, upperBound: null },
    ],
  }),
]

const LIST = { snapshotId: SNAPSHOT, parentSnapshotId: 42n, sequenceNumber: 7, codecs, properties } as const

export const GOLDEN_LIST_V1: WriteManifestListRequest = { ...LIST, formatVersion: 1, manifests: MANIFESTS }
export const GOLDEN_LIST_V2: WriteManifestListRequest = { ...LIST, formatVersion: 2, manifests: MANIFESTS }
