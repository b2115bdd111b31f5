import { describe, expect, test } from 'vitest'
import { CorruptFileError, UnsupportedFeatureError } from '../../../src/errors.ts'
import type { ManifestFile } from '../../../src/format/manifest/list.ts'
import { readManifest, type ReadManifestOptions } from '../../../src/format/manifest/manifest.ts'
import type { PartitionSpec } from '../../../src/format/partition-spec.ts'
import { createSchema } from '../../../src/format/schema.ts'
import type { Datum } from '../../../src/format/types.ts'
import {
  codecs,
  fixture,
  identitySpec,
  manifestFile,
  readRegions,
  REGION_SCHEMA,
  REGION_SPEC,
  schemaOf,
  SNAPSHOT,
} from './fixtures.ts'

/** The schema and spec of make_pyiceberg.py. */
const ALL_TYPES = schemaOf({
  flag: { kind: 'boolean' },
  small: { kind: 'int' },
  big: { kind: 'long' },
  ratio: { kind: 'float' },
  'exact ratio': { kind: 'double' },
  price: { kind: 'decimal', precision: 9, scale: 2 },
  huge: { kind: 'decimal', precision: 38, scale: 10 },
  day: { kind: 'date' },
  clock: { kind: 'time' },
  local: { kind: 'timestamp' },
  instant: { kind: 'timestamptz' },
  text: { kind: 'string' },
  key: { kind: 'uuid' },
  code: { kind: 'fixed', length: 3 },
  blob: { kind: 'binary' },
})
const ALL_TYPES_SPEC: PartitionSpec = {
  specId: 3,
  fields: [
    ...identitySpec(ALL_TYPES).fields,
    { sourceId: 13, fieldId: 1015, name: 'key_bucket', transform: { kind: 'bucket', buckets: 4 } },
    { sourceId: 10, fieldId: 1016, name: 'local_month', transform: { kind: 'month' } },
  ],
}
const ALL_VALUES: readonly Datum[] = [
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
  3,
  -2,
]

function readAllTypes(name: string, changes: Partial<ManifestFile> = {}, options: ReadManifestOptions = {}) {
  const request = {
    manifest: manifestFile({ specId: 3, ...changes }),
    specs: new Map([[3, ALL_TYPES_SPEC]]),
    schema: ALL_TYPES,
    codecs,
  }
  return readManifest(fixture(name), request, options)
}

describe('manifests by PyIceberg', () => {
  test.each(['pyiceberg-v1', 'pyiceberg-v2', 'pyiceberg-v2-plain'])(
    '%s: partition values of every type, and nulls',
    (name) => {
      const entries = readAllTypes(name, name === 'pyiceberg-v1' ? { sequenceNumber: 0 } : {})
      expect(entries.map((entry) => entry.file.partition)).toEqual([
        ALL_VALUES,
        ALL_VALUES.map(() => null),
        ALL_VALUES,
      ])
    },
  )

  test('v2: status, ids, and sequence numbers inherited by added files only', () => {
    const entries = readAllTypes('pyiceberg-v2')
    expect(entries.map(({ file: _file, ...entry }) => entry)).toEqual([
      { status: 'added', snapshotId: SNAPSHOT, sequenceNumber: 7, fileSequenceNumber: 7 },
      { status: 'existing', snapshotId: SNAPSHOT, sequenceNumber: 5, fileSequenceNumber: 4 },
      { status: 'deleted', snapshotId: SNAPSHOT, sequenceNumber: 5, fileSequenceNumber: 4 },
    ])
  })

  test('v2: a file with its metrics', () => {
    const [first] = readAllTypes('pyiceberg-v2')
    expect(first?.file).toEqual({
      content: 'data',
      location: 's3://bucket/t/data/1.parquet',
      format: 'parquet',
      specId: 3,
      partition: ALL_VALUES,
      recordCount: 10,
      fileSizeInBytes: 1000,
      columnSizes: new Map([
        [1, 100],
        [2, 200],
      ]),
      valueCounts: new Map([
        [1, 10],
        [2, 10],
      ]),
      nullValueCounts: new Map([
        [1, 0],
        [2, 3],
      ]),
      nanValueCounts: new Map(),
      lowerBounds: new Map([[2, Uint8Array.of(0xf9, 0xff, 0xff, 0xff)]]),
      upperBounds: new Map([[2, Uint8Array.of(5, 0, 0, 0)]]),
      keyMetadata: null,
      splitOffsets: [4, 512],
      equalityIds: null,
      sortOrderId: 0,
      firstRowId: null,
      referencedDataFile: null,
      contentOffset: null,
      contentSizeInBytes: null,
    })
  })

  test('live entries only', () => {
    const statuses = readAllTypes('pyiceberg-v2', {}, { liveOnly: true }).map((entry) => entry.status)
    expect(statuses).toEqual(['added', 'existing'])
  })

  test('metrics of some columns, or of none', () => {
    const [some] = readAllTypes('pyiceberg-v2', {}, { metrics: new Set([2]) })
    expect(some?.file.valueCounts).toEqual(new Map([[2, 10]]))
    expect(some?.file.nullValueCounts).toEqual(new Map([[2, 3]]))
    expect(some?.file.lowerBounds).toEqual(new Map([[2, Uint8Array.of(0xf9, 0xff, 0xff, 0xff)]]))
    expect(some?.file.columnSizes).toBeNull()
    expect(some?.file.splitOffsets).toEqual([4, 512])
    const [none] = readAllTypes('pyiceberg-v2', {}, { metrics: 'none' })
    expect(none?.file).toMatchObject({ valueCounts: null, lowerBounds: null, upperBounds: null })
    expect(none?.file.partition).toEqual(ALL_VALUES)
  })

  test('values outlive the bytes that they were read from', () => {
    const bytes = Uint8Array.from(fixture('pyiceberg-v2-plain'))
    const request = {
      manifest: manifestFile({ specId: 3 }),
      specs: new Map([[3, ALL_TYPES_SPEC]]),
      schema: ALL_TYPES,
      codecs,
    }
    const [first] = readManifest(bytes, request)
    bytes.fill(0)
    expect(first?.file.lowerBounds?.get(2)).toEqual(Uint8Array.of(0xf9, 0xff, 0xff, 0xff))
    expect(first?.file.partition).toEqual(ALL_VALUES)
  })
})

describe('manifests of old and unusual writers', () => {
  test('v1 without format version, content or sequence numbers, listed by a v2 table', () => {
    const entries = readRegions(fixture('foreign-v1-bare'), { sequenceNumber: 0, minSequenceNumber: 0 })
    expect(entries).toMatchObject([
      { status: 'added', snapshotId: SNAPSHOT, sequenceNumber: 0, fileSequenceNumber: 0 },
      { status: 'existing', snapshotId: 1n, sequenceNumber: 0, fileSequenceNumber: 0 },
    ])
    expect(entries.map((entry) => entry.file.content)).toEqual(['data', 'data'])
    expect(entries.map((entry) => entry.file.partition)).toEqual([['north'], ['north']])
  })

  test('everything nullable, no field ids: fields by name, nulls left out of metrics', () => {
    const [entry] = readRegions(fixture('foreign-nullable-no-ids'))
    expect(entry).toMatchObject({ status: 'added', snapshotId: SNAPSHOT, sequenceNumber: 7 })
    expect(entry?.file).toMatchObject({ partition: ['north'], recordCount: 1, splitOffsets: [4, 9] })
    expect(entry?.file.valueCounts).toEqual(new Map([[1, 5]]))
  })

  test('unions in any order, longs for ints, unknown fields, other forms of values', () => {
    const schema = schemaOf({
      who: { kind: 'uuid' },
      when: { kind: 'timestamp' },
      amount: { kind: 'decimal', precision: 18, scale: 2 },
      nth: { kind: 'long' },
      since: { kind: 'timestamp' },
      part: { kind: 'double' },
    })
    const request = {
      manifest: manifestFile({ content: 'deletes' }),
      specs: new Map([[0, identitySpec(schema)]]),
      schema,
      codecs,
    }
    const entries = readManifest(fixture('foreign-odd'), request)
    expect(entries).toMatchObject([
      { status: 'existing', sequenceNumber: 3, fileSequenceNumber: null },
      { status: 'added', sequenceNumber: 7, fileSequenceNumber: 7 },
    ])
    expect(entries.map((entry) => entry.file.content)).toEqual(['position-deletes', 'position-deletes'])
    expect(entries.map((entry) => entry.file.partition)).toEqual([
      ['f79c3e09-677c-4bbd-a479-3f349cb785e7', -1000n, -128n, -5n, -86_400_000_000n, 0.5],
      [null, null, null, null, null, null],
    ])
  })

  test('a spec that the table does not know is taken from the header, also as a whole object', () => {
    const request = { manifest: manifestFile({ specId: 7 }), specs: new Map(), schema: REGION_SCHEMA, codecs }
    const [entry] = readManifest(fixture('foreign-object-spec'), request)
    expect(entry?.file).toMatchObject({ specId: 7, partition: ['north'] })
  })

  test('a spec that is nowhere to be found is an error that names it', () => {
    const request = { manifest: manifestFile({ specId: 8 }), specs: new Map(), schema: REGION_SCHEMA, codecs }
    expect(() => readManifest(fixture('foreign-object-spec'), request)).toThrow(CorruptFileError)
    expect(() => readManifest(fixture('foreign-object-spec'), request)).toThrow('partition spec 8')
  })

  test('a partition field whose source column is gone keeps its value, in the form it is written in', () => {
    const schema = createSchema({ schemaId: 1, fields: [] })
    const request = { manifest: manifestFile(), specs: new Map([[0, REGION_SPEC]]), schema, codecs }
    expect(readManifest(fixture('foreign-deflate'), request)[0]?.file.partition).toEqual(['north'])
    const dropped = {
      manifest: manifestFile({ specId: 3 }),
      specs: new Map([[3, ALL_TYPES_SPEC]]),
      schema,
      codecs,
    }
    const [entry] = readManifest(fixture('pyiceberg-v2'), dropped)
    expect(entry?.file.partition).toEqual(ALL_VALUES)
  })

  test('a tuple that lacks a field of its spec is an error, not a null', () => {
    const schema = schemaOf({ region: { kind: 'string' }, year: { kind: 'int' } })
    const request = { manifest: manifestFile(), specs: new Map([[0, identitySpec(schema)]]), schema, codecs }
    expect(() => readManifest(fixture('foreign-deflate'), request)).toThrow(/year \(1001\) is missing/)
  })

  test('a void field under its source column’s name, as v1 keeps a removed field', () => {
    const spec: PartitionSpec = {
      specId: 0,
      fields: [{ sourceId: 1, fieldId: 1000, name: 'region', transform: { kind: 'void' } }],
    }
    const request = { manifest: manifestFile(), specs: new Map([[0, spec]]), schema: REGION_SCHEMA, codecs }
    expect(readManifest(fixture('foreign-deflate'), request)).toHaveLength(8)
  })

  test.each(['deflate', 'snappy', 'zstandard'])('packed with %s', (codec) => {
    const entries = readRegions(fixture(`foreign-${codec}`))
    expect(entries.map((entry) => entry.file.recordCount)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test.each(['bzip2', 'xz'])('packed with %s, which is refused by name', (codec) => {
    expect(() => readRegions(fixture(`foreign-${codec}`))).toThrow(UnsupportedFeatureError)
    expect(() => readRegions(fixture(`foreign-${codec}`))).toThrow(codec)
  })
})

describe('inheritance', () => {
  test('an entry without a snapshot id takes that of its manifest', () => {
    const [entry] = readRegions(fixture('foreign-nullable-no-ids'), { addedSnapshotId: 42n })
    expect(entry?.snapshotId).toBe(42n)
  })

  test('a manifest that is not committed gives no sequence number', () => {
    const [entry] = readRegions(fixture('foreign-deflate'), { sequenceNumber: -1, minSequenceNumber: -1 })
    expect(entry).toMatchObject({ sequenceNumber: null, fileSequenceNumber: null })
  })

  test('an existing file without a sequence number is an error: which deletes apply cannot be told', () => {
    expect(() => readRegions(fixture('foreign-v1-bare'), { sequenceNumber: 7 })).toThrow(CorruptFileError)
  })

  test('v3: row ids go on from the manifest’s first, over live data files that have none', () => {
    const entries = readRegions(fixture('foreign-v3'), { firstRowId: 9223372036854775000n })
    expect(entries.map((entry) => entry.file.firstRowId)).toEqual([
      9223372036854775000n,
      40n,
      null,
      9223372036854775010n,
    ])
  })

  test('v3: a manifest without a first row id gives none', () => {
    const entries = readRegions(fixture('foreign-v3'))
    expect(entries.map((entry) => entry.file.firstRowId)).toEqual([null, null, null, null])
  })

  test('v3: deletion vectors keep their place in the Puffin file', () => {
    const entries = readRegions(fixture('foreign-v3-deletes'), { content: 'deletes' })
    expect(entries.map((entry) => entry.file)).toMatchObject([
      {
        content: 'position-deletes',
        format: 'puffin',
        referencedDataFile: 's3://bucket/t/data/10.parquet',
        contentOffset: 4,
        contentSizeInBytes: 40,
      },
      { contentOffset: 44, contentSizeInBytes: 38 },
    ])
  })
})
