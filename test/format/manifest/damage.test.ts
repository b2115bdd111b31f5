import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptFileError, UnsupportedFeatureError } from '../../../src/errors.ts'
import { packedBlocks, readAvroHeader } from '../../../src/format/manifest/avro.ts'
import { Sink } from '../../../src/format/manifest/avro-sink.ts'
import {
  extendManifestList,
  readManifestList,
  type ExtendManifestListRequest,
} from '../../../src/format/manifest/list.ts'
import type { ManifestEntry } from '../../../src/format/manifest/entry.ts'
import { readManifest, visitManifestFiles } from '../../../src/format/manifest/manifest.ts'
import {
  addedEntry,
  codecs,
  fixture,
  manifestFile,
  readRegions,
  REGION_SCHEMA,
  SNAPSHOT,
  writeRegions,
} from './fixtures.ts'
import { GOLDEN_V2 } from './golden.ts'

const FILE = 'file:///t/metadata/m0.avro'
const MANIFESTS = [
  'foreign-v1-bare',
  'foreign-deflate',
  'foreign-snappy',
  'foreign-zstandard',
  'foreign-nullable-no-ids',
  'foreign-v3',
  'foreign-v3-deletes',
]
/** Each of one block. */
const LISTS = [
  'pyiceberg-v1-list',
  'pyiceberg-v2-list',
  'pyiceberg-v2-plain-list',
  'foreign-list-no-ids',
  'foreign-v3-list',
]

const readList = (bytes: Uint8Array) => readManifestList(bytes, { file: FILE, codecs })
const readGolden = (bytes: Uint8Array) => {
  const { spec, schema } = GOLDEN_V2
  const manifest = manifestFile({ location: FILE, specId: spec.specId, length: fixture('ours-v2').length })
  return readManifest(bytes, { manifest, specs: new Map([[spec.specId, spec]]), schema, codecs })
}
/** Without the table's specs: what the header says is needed, and has to be checked. */
const readAlone = (bytes: Uint8Array) => {
  const { length } = fixture('foreign-object-spec')
  const manifest = manifestFile({ location: FILE, specId: 7, length })
  return readManifest(bytes, { manifest, specs: new Map(), schema: REGION_SCHEMA, codecs })
}
const readers = [
  ['foreign-object-spec', readAlone] as const,
  ...MANIFESTS.map(
    (name) =>
      [
        name,
        (bytes: Uint8Array) =>
          readRegions(bytes, {
            sequenceNumber: 0,
            length: fixture(name).length,
            content: name.endsWith('-deletes') ? 'deletes' : 'data',
          }),
      ] as const,
  ),
  ...LISTS.map((name) => [name, readList] as const),
]

/** The outcome of reading: what came out, or the typed error. Anything else is thrown on. */
function attempt(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    if (error instanceof CorruptFileError || error instanceof UnsupportedFeatureError) return error
    throw error
  }
}

describe.each(readers)('%s', (name, read) => {
  const whole = Uint8Array.from(fixture(name))

  test('is read when whole', () => {
    expect(read(whole)).not.toHaveLength(0)
  })

  test('cut off anywhere: a typed error naming the file', () => {
    // Of a list by another writer nobody knows the length: cut after its header, it looks empty.
    const looksWhole = LISTS.includes(name) ? readAvroHeader(whole, FILE).length : -1
    for (let length = 0; length < whole.length; length += 1) {
      const outcome = attempt(() => read(whole.slice(0, length)))
      if (length === looksWhole) expect(outcome).toEqual([])
      else expect(outcome).toMatchObject({ code: 'FLOEBERG_CORRUPT_FILE', file: FILE })
    }
  })

  test('one bit flipped: a typed error, or data of the right form; never a hang or another error', () => {
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        const bytes = whole.slice()
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
        attempt(() => read(bytes))
      }),
      { numRuns: 600 },
    )
  })

  test('bytes overwritten with the largest numbers: no count or length is believed', () => {
    for (let at = 4; at < whole.length; at += 3) {
      const bytes = whole.slice()
      bytes.fill(0xff, at, at + 6)
      expect(() => attempt(() => read(bytes))).not.toThrow()
    }
  })
})

test('a bit flipped in a snappy block is always found: the block carries a checksum', () => {
  const whole = Uint8Array.from(fixture('foreign-snappy'))
  const header = readAvroHeader(whole, FILE)
  for (const { data } of packedBlocks(whole, header, FILE)) {
    for (let at = data.byteOffset; at < data.byteOffset + data.length; at += 1) {
      const bytes = whole.slice()
      bytes[at] = (bytes[at] ?? 0) ^ 4
      expect(() => readRegions(bytes)).toThrow(CorruptFileError)
    }
  }
})

describe.each([
  ['a manifest', 'ours-v2', (bytes: Uint8Array) => readGolden(bytes)],
  ['a list', 'ours-v2-list', readList],
] as const)('%s of our own', (_what, name, read) => {
  const whole = Uint8Array.from(fixture(name))

  test('any bit turned over, anywhere: found, by the checksum if nothing else', () => {
    const content = read(whole)
    // Without its name, nobody knows that there is a checksum; nothing else is damaged then.
    const said = new TextDecoder('latin1').decode(whole).indexOf('floeberg.sync-marker') - 1
    const sayings = 'floeberg.sync-marker'.length + 'crc-32'.length + 2
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const bytes = whole.slice()
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const isSaying = bit >> 3 >= said && bit >> 3 < said + sayings
      const outcome = attempt(() => read(bytes))
      if (outcome instanceof Error) expect(outcome).toMatchObject({ file: FILE })
      else expect([isSaying, outcome], `bit ${bit}`).toEqual([true, content])
    }
  })

  test('cut off anywhere', () => {
    for (let length = 0; length < whole.length; length += 1) {
      expect(attempt(() => read(whole.slice(0, length)))).toBeInstanceOf(CorruptFileError)
    }
  })
})

/** The list of a next snapshot that brings no manifest of its own. */
function extended(bytes: Uint8Array, changes: Partial<ExtendManifestListRequest> = {}): Uint8Array {
  return extendManifestList({
    formatVersion: 2,
    snapshotId: SNAPSHOT,
    parentSnapshotId: 42n,
    sequenceNumber: 8,
    codecs,
    manifests: [],
    parent: { bytes, file: FILE },
    ...changes,
  })
}

test('what is wrong in a list is not made right by a list that is written anew', () => {
  const bytes = Uint8Array.from(fixture('ours-v2-list'))
  const at = new TextDecoder('latin1').decode(bytes).lastIndexOf('floeberg.sync-marker')
  bytes[at + 60] = (bytes[at + 60] ?? 0) ^ 1
  // Decoded and written anew, or, in the codec that it has, copied as it is.
  for (const codec of ['gzip', 'uncompressed']) {
    const properties = { 'write.avro.compression-codec': codec }
    expect(() => extended(bytes, { properties }), codec).toThrow(/checksum/)
  }
})

describe('what others say of a manifest', () => {
  const entry = (status: ManifestEntry['status'], recordCount: number): ManifestEntry => ({
    ...addedEntry({ partition: ['north'], recordCount }),
    status,
    sequenceNumber: 3,
  })
  const entries = [entry('added', 10), entry('deleted', 40), entry('existing', 20)]
  const { bytes: whole } = writeRegions({ entries })

  test.each([
    ['as many files and rows', { liveFiles: 2, liveRows: 30 }, null],
    ['nothing', { liveFiles: null, liveRows: null }, null],
    ['a file more', { liveFiles: 3, liveRows: null }, /lists 2 live files, and .* count 3/],
    ['a file fewer', { liveFiles: 1, liveRows: 30 }, /lists 2 live files, and .* count 1/],
    ['a row more', { liveFiles: 2, liveRows: 31 }, /lists 30 live rows, and .* count 31/],
    ['no rows', { liveFiles: null, liveRows: 0 }, /lists 30 live rows, and .* count 0/],
  ])('%s', (_name, vouched, message) => {
    const visit = () =>
      visitManifestFiles(whole, { manifest: manifestFile({ vouched }), codecs }, () => undefined)
    for (const read of [() => readRegions(whole, { vouched }), visit]) {
      if (message === null) expect(read).not.toThrow()
      else expect(read).toThrow(message)
    }
  })

  test('that it is of deletes, when it lists data files', () => {
    expect(() => readRegions(whole, { content: 'deletes' })).toThrow(CorruptFileError)
  })
})

describe('files that are something else', () => {
  test.each([
    ['empty', Uint8Array.of()],
    ['text', new TextEncoder().encode('<html>not found</html>')],
    ['Parquet', new TextEncoder().encode('PAR1PAR1')],
    ['the magic alone', Uint8Array.of(0x4f, 0x62, 0x6a, 1)],
  ])('%s', (_name, bytes) => {
    expect(() => readRegions(bytes)).toThrow(CorruptFileError)
    expect(() => readList(bytes)).toThrow(CorruptFileError)
  })

  test('a manifest in place of a list, and the reverse', () => {
    expect(() => readList(fixture('foreign-deflate'))).toThrow(CorruptFileError)
    expect(() => readRegions(fixture('pyiceberg-v2-list'))).toThrow(CorruptFileError)
  })

  test('a random header', () => {
    const magic = Uint8Array.of(0x4f, 0x62, 0x6a, 1)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        attempt(() => readList(Uint8Array.from([...magic, ...tail])))
      }),
    )
  })
})

const SYNC = new Uint8Array(16).fill(7)

/** An Avro file put together by hand: whatever schema, codec and blocks. */
function avroFile(
  schema: unknown,
  codec: string,
  blocks: readonly [count: number, size: number, data: Uint8Array][],
) {
  const sink = new Sink()
  sink.raw(Uint8Array.of(0x4f, 0x62, 0x6a, 1))
  sink.long(2)
  sink.string('avro.schema')
  sink.string(JSON.stringify(schema))
  sink.string('avro.codec')
  sink.string(codec)
  sink.long(0)
  sink.raw(SYNC)
  for (const [count, size, data] of blocks) {
    sink.long(count)
    sink.long(size)
    sink.raw(data)
    sink.raw(SYNC)
  }
  return sink.written().slice()
}

const record = (name: string, fields: readonly unknown[]) => ({ type: 'record', name, fields })
const LIST_SCHEMA = record('manifest_file', [
  { name: 'manifest_path', type: 'string' },
  { name: 'manifest_length', type: 'long' },
  { name: 'partition_spec_id', type: 'int' },
  { name: 'added_snapshot_id', type: 'long' },
])

describe('hostile files', () => {
  test.each([
    ['a count that is far too large', 2 ** 40, 4, Uint8Array.of(0, 0, 0, 0)],
    ['a negative count', -1, 4, Uint8Array.of(0, 0, 0, 0)],
    ['a size larger than the file', 1, 2 ** 50, Uint8Array.of(0, 0, 0, 0)],
    ['a negative size', 1, -4, Uint8Array.of(0, 0, 0, 0)],
    ['a block with less than it counts', 2, 4, Uint8Array.of(0, 0, 0, 0)],
    ['a block with more than it counts', 1, 8, new Uint8Array(8)],
    ['a string longer than the block', 1, 4, Uint8Array.of(200, 0, 0, 0)],
    ['a string that is not UTF-8', 1, 5, Uint8Array.of(2, 0xff, 0, 0, 0)],
    ['an integer of 65 bits', 1, 13, Uint8Array.of(0, 0, 0, ...Array.from({ length: 9 }, () => 0xff), 2)],
    ['an integer of 11 bytes', 1, 12, Uint8Array.of(0, ...Array.from({ length: 10 }, () => 0xff), 0)],
  ])('%s', (_name, count, size, data) => {
    expect(() => readList(avroFile(LIST_SCHEMA, 'null', [[count, size, data]]))).toThrow(CorruptFileError)
  })

  test('a codec that does not exist', () => {
    expect(() => readList(avroFile(LIST_SCHEMA, 'lzma9', [[1, 1, Uint8Array.of(0)]]))).toThrow(
      CorruptFileError,
    )
  })

  test('a block that unpacks to far more than any writer makes', () => {
    const bomb = codecs.deflateRaw(new Uint8Array(300 * 1024 * 1024))
    const file = avroFile(LIST_SCHEMA, 'deflate', [[1, bomb.length, bomb]])
    expect(() => readList(file)).toThrow(/unpacks to more than/)
  })

  const array = (items: unknown) => [...LIST_SCHEMA.fields, { name: 'more', type: { type: 'array', items } }]

  test.each([
    ['items without any bytes, counted in billions', record('m', array('null')), [2 ** 40]],
    ['items of a record without fields', record('m', array(record('e', []))), [2 ** 40]],
    ['a negative count and a block size that is not there', record('m', array('int')), [-5, 2 ** 30]],
    ['the smallest number of all as a count', record('m', array('int')), [-(2 ** 53)]],
  ])('an array of %s', (_name, schema, numbers) => {
    const sink = new Sink()
    for (const value of [0, 0, 0, 0, ...numbers]) sink.long(value)
    const data = sink.written().slice()
    expect(() => readList(avroFile(schema, 'null', [[1, data.length, data]]))).toThrow(CorruptFileError)
  })

  test('a schema that refers to itself, to nothing, or is nested without end', () => {
    const nested = Array.from({ length: 100 }).reduce<unknown>((items) => ({ type: 'array', items }), 'int')
    for (const type of ['manifest_file', 'nowhere', nested, { type: 'fixed', name: 'f', size: -1 }, [], 7]) {
      const schema = record('manifest_file', [...LIST_SCHEMA.fields, { name: 'more', type }])
      expect(() => readList(avroFile(schema, 'null', []))).toThrow(CorruptFileError)
    }
  })

  test('a schema whose types multiply: each of 24 records holds the one before it twice', () => {
    let type: unknown = 'int'
    for (let level = 0; level < 24; level += 1) {
      const name = `r${level}`
      type = record(name, [
        { name: 'a', type },
        { name: 'b', type: level === 0 ? 'int' : `r${level - 1}` },
      ])
    }
    const schema = record('manifest_file', [...LIST_SCHEMA.fields, { name: 'more', type }])
    expect(readList(avroFile(schema, 'null', []))).toEqual([])
  })

  test('a field of another type than the spec gives it', () => {
    const fields = LIST_SCHEMA.fields.map((field) => ({ name: Object(field).name, type: 'double' }))
    expect(() => readList(avroFile(record('m', fields), 'null', []))).toThrow(UnsupportedFeatureError)
  })

  test('a sync marker that is not the header’s', () => {
    const file = avroFile(LIST_SCHEMA, 'null', [[1, 4, Uint8Array.of(0, 0, 0, 0)]])
    file[file.length - 1] = 8
    expect(() => readList(file)).toThrow(/sync marker/)
  })

  test('no message shows what the file holds', () => {
    const bytes = Uint8Array.from(fixture('foreign-v1-bare'))
    const at = new TextDecoder('latin1').decode(bytes).indexOf('PARQUET')
    bytes.set(new TextEncoder().encode('SECRET!'), at)
    expect(() => readRegions(bytes, { sequenceNumber: 0 })).toThrow(CorruptFileError)
    expect(() => readRegions(bytes, { sequenceNumber: 0 })).not.toThrow(/SECRET/)
  })
})

test('a damaged parent’s list is not extended', () => {
  const bytes = fixture('pyiceberg-v2-list').slice(0, -10)
  expect(() => extended(bytes)).toThrow(CorruptFileError)
})
