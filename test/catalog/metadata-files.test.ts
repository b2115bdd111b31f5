import { setImmediate } from 'node:timers/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  deletableMetadataFiles,
  nextMetadataLocation,
  readMetadataFile,
  writeMetadataFile,
} from '../../src/catalog/metadata-files.ts'
import {
  CommitConflictError,
  CorruptFileError,
  InvalidConfigError,
  MissingFileError,
  StorageQuotaError,
  UnsupportedFeatureError,
} from '../../src/errors.ts'
import { parseTableMetadata } from '../../src/format/metadata/parse.ts'
import { parseLossless } from '../../src/format/metadata/lossless-json.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import type { ObjectInfo, ObjectStore, PutBody, PutOptions } from '../../src/storage/object-store.ts'
import { temporaryFolder } from '../support/folders.ts'
import {
  append,
  REQUEST,
  setProperty,
  snapshot,
  TABLE,
  withTable,
} from '../../src/testing/catalog-fixtures.ts'
import { commit, document, encode, fileNames, memorySetup } from './support.ts'

const LOCATION = 'memory://others/t/metadata/00000-x.metadata.json'

test('a store that does not heed what a file comes after is not called before', async () => {
  const inner = new MemoryObjectStore()
  const puts: unknown[] = []
  const store: ObjectStore = {
    schemes: inner.schemes,
    head: (...call) => inner.head(...call),
    get: (...call) => inner.get(...call),
    list: (...call) => inner.list(...call),
    delete: (...call) => inner.delete(...call),
    put: (...call) => {
      puts.push(call[0])
      return inner.put(...call)
    },
  }
  const metadata = parseTableMetadata(encode(document()), LOCATION)
  const { promise: after, resolve } = Promise.withResolvers<void>()
  const written = writeMetadataFile(store, LOCATION, metadata, { after })
  await setImmediate()
  expect(puts).toEqual([])
  resolve()
  await written
  expect(puts).toEqual([LOCATION])
  const reason = new StorageQuotaError('the disk is full')
  const failed = writeMetadataFile(store, `${LOCATION}2`, metadata, { after: Promise.reject<void>(reason) })
  await expect(failed).rejects.toBe(reason)
  expect(puts).toEqual([LOCATION])
})

/** What somebody wrote who knows of no `after`. */
class CountingStore extends MemoryObjectStore {
  puts = 0
  override put(location: string, body: PutBody, { ifAbsent }: PutOptions = {}): Promise<ObjectInfo> {
    this.puts += 1
    return super.put(location, body, { ifAbsent })
  }
}

class CountingFiles extends LocalObjectStore {
  puts = 0
  override put(location: string, body: PutBody, { ifAbsent }: PutOptions = {}): Promise<ObjectInfo> {
    this.puts += 1
    return super.put(location, body, { ifAbsent })
  }
}

test.each([
  ['memory', new CountingStore(), 'memory://others/t'],
  ['local', new CountingFiles(), null],
] as const)('nor is a %s store that puts in a way of its own', async (_, store, place) => {
  const folder = place ?? toFileUri(await temporaryFolder())
  const metadata = parseTableMetadata(encode(document()), LOCATION)
  const { promise: after, resolve } = Promise.withResolvers<void>()
  const written = writeMetadataFile(store, `${folder}/a.metadata.json`, metadata, { after })
  await setImmediate()
  expect(store.puts).toBe(0)
  resolve()
  await written
  expect(store.puts).toBe(1)
})

describe('the metadata log', () => {
  const logged = (metadata: { readonly 'metadata-log': readonly { 'metadata-file': string }[] }) =>
    metadata['metadata-log'].map((entry) => entry['metadata-file'])

  async function withLog(max: string, deletes: string) {
    const setup = memorySetup()
    await setup.catalog.createNamespace(TABLE.namespace)
    const properties = {
      'write.metadata.previous-versions-max': max,
      'write.metadata.delete-after-commit.enabled': deletes,
    }
    const { metadataLocation } = await setup.catalog.createTable(TABLE, { ...REQUEST, properties })
    const locations = [metadataLocation ?? '']
    for (let i = 1; i <= 10; i += 1) {
      locations.push((await commit(setup.catalog, setProperty('i', String(i)))).metadataLocation ?? '')
    }
    return { ...setup, locations }
  }

  test.each([
    ['3', 3],
    ['1', 1],
    ['0', 1],
  ])(
    'with previous-versions-max %s keeps %d, and exactly the files that left it are deleted',
    async (max, kept) => {
      const { catalog, store, locations } = await withLog(max, 'true')
      const { metadata } = await catalog.loadTable(TABLE)
      expect(logged(metadata)).toEqual(locations.slice(-kept - 1, -1))
      const names = locations
        .slice(-kept - 1)
        .map((location) => location.slice(location.lastIndexOf('/') + 1))
      expect(await fileNames(store)).toEqual(names)
      expect(names.at(-1)).toMatch(/^00010-/)
    },
  )

  test('without delete-after-commit every file stays', async () => {
    const { catalog, store, locations } = await withLog('3', 'false')
    expect(logged((await catalog.loadTable(TABLE)).metadata)).toEqual(locations.slice(-4, -1))
    expect(await fileNames(store)).toHaveLength(11)
  })

  test('a commit that loses the race deletes its own file and no other', async () => {
    const { catalog, store, controller, locations } = await withLog('3', 'true')
    // The rival commits while our metadata file is being written.
    controller.reset()
    const ours = commit(catalog, setProperty('ours', '1'))
    const rival = commit(catalog, setProperty('rival', '1'))
    const [first, second] = await Promise.allSettled([ours, rival])
    expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected'])
    const lost = first.status === 'rejected' ? first : second
    expect(lost.status === 'rejected' && lost.reason).toBeInstanceOf(CommitConflictError)
    const { metadata, metadataLocation } = await catalog.loadTable(TABLE)
    expect(logged(metadata)).toEqual(locations.slice(-3))
    const names = [...locations.slice(-3), metadataLocation ?? ''].map((each) =>
      each.slice(each.lastIndexOf('/') + 1),
    )
    expect(await fileNames(store)).toEqual(names)
  })

  test('its entries are deleted only inside the table, only metadata files, never what is in use', () => {
    const metadata = parseTableMetadata(
      encode(
        document({
          properties: {
            'write.metadata.delete-after-commit.enabled': 'true',
            'write.metadata.path': 'memory://elsewhere/meta',
          },
          'metadata-log': [
            { 'timestamp-ms': 1, 'metadata-file': 'memory://others/t/metadata/kept.metadata.json' },
          ],
        }),
      ),
      LOCATION,
    )
    const files = [
      'memory://others/t/metadata/00001-a.metadata.json',
      'memory://others/t/metadata/00002-b.gz.metadata.json',
      'memory://others/t/metadata/00003-c.metadata.json.gz',
      'memory://elsewhere/meta/00004-d.metadata.json',
      'memory://others/t/metadata/kept.metadata.json',
      'memory://others/t/metadata/current.metadata.json',
      'memory://others/t/data/rows.parquet',
      'memory://others/t/../u/metadata/00005-e.metadata.json',
      'memory://others/t10/metadata/00006-f.metadata.json',
      'file:///etc/passwd',
    ]
    const evicted = files.map((file) => ({ 'metadata-file': file }))
    const current = 'memory://others/t/metadata/current.metadata.json'
    expect(deletableMetadataFiles(metadata, current, evicted)).toEqual(files.slice(0, 4))
  })

  test('a deletion that fails does not fail the commit', async () => {
    const { catalog, controller } = await withLog('1', 'true')
    controller.reset({ mode: 'error-before', at: 2 })
    await commit(catalog, setProperty('more', '1'))
    expect(controller.hits).toBe(1)
    expect(controller.calls.map(({ method }) => method)).toEqual(['put', 'delete'])
  })
})

describe('what a commit costs', () => {
  test('one put, and no reading of what this process has written', async () => {
    const setup = memorySetup()
    await withTable({ ...setup, other: setup.catalog, outside: '' })
    setup.controller.reset()
    for (let i = 0; i < 5; i += 1) await commit(setup.catalog, setProperty('i', String(i)))
    expect(setup.controller.calls.map(({ method }) => method)).toEqual(['put', 'put', 'put', 'put', 'put'])
  })

  test('loading again what is known costs a look, not the bytes', async () => {
    const setup = memorySetup()
    await withTable({ ...setup, other: setup.catalog, outside: '' })
    setup.controller.reset()
    await setup.catalog.loadTable(TABLE)
    expect(setup.controller.calls.map(({ method }) => method)).toEqual(['head'])
  })

  test('metadata that was replaced in the store is read again', async () => {
    const { catalog, store, controller } = memorySetup()
    const { metadataLocation } = await withTable({ catalog, other: catalog, store, outside: '' })
    await store.put(metadataLocation ?? '', new Uint8Array())
    const error = await catalog.loadTable(TABLE).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(CorruptFileError)
    expect(error).toMatchObject({ file: metadataLocation })
    expect(controller.calls.at(-1)?.method).toBe('get')
  })
})

describe('names and places', () => {
  const metadata = parseTableMetadata(encode(document()), LOCATION)

  test.each([
    [null, '00000'],
    ['memory://others/t/metadata/00009-a.metadata.json', '00010'],
    ['memory://others/t/metadata/123456-a.metadata.json', '123457'],
    ['memory://others/t/metadata/v7.metadata.json', '00000'],
    ['memory://others/t/metadata/other.json', '00000'],
  ])('after %s comes %s', (previous, version) => {
    expect(nextMetadataLocation(metadata, previous, 'uuid')).toBe(
      `memory://others/t/metadata/${version}-uuid.metadata.json`,
    )
  })

  test('write.metadata.path wins', () => {
    const moved = { ...metadata, properties: { 'write.metadata.path': 'memory://meta/x/' } }
    expect(nextMetadataLocation(moved, null, 'uuid')).toBe('memory://meta/x/00000-uuid.metadata.json')
  })
})

describe('compression', () => {
  test('is as the table says, in the name and in the bytes', async () => {
    const { catalog, store } = memorySetup()
    await withTable({ catalog, other: catalog, store, outside: '' })
    const zipped = await commit(catalog, setProperty('write.metadata.compression-codec', 'gzip'))
    const location = zipped.metadataLocation ?? ''
    expect(location).toMatch(/\/00001-[0-9a-f-]{36}\.gz\.metadata\.json$/)
    const bytes = gunzipSync(await store.get(location))
    expect(parseTableMetadata(bytes, location)).toEqual(zipped.metadata)
    const plain = await commit(catalog, setProperty('write.metadata.compression-codec', 'none'))
    expect(plain.metadataLocation).toMatch(/\/00002-[0-9a-f-]{36}\.metadata\.json$/)
  })

  test('that other clients could not read is refused before anything is written', async () => {
    const { catalog, store } = memorySetup()
    await withTable({ catalog, other: catalog, store, outside: '' })
    const refused = commit(catalog, setProperty('write.metadata.compression-codec', 'zstd'))
    await expect(refused).rejects.toThrow(UnsupportedFeatureError)
    expect(await fileNames(store)).toHaveLength(1)
  })

  test.each(['00001-a.gz.metadata.json', '00001-a.metadata.json.gz', '00001-a.metadata.json'])(
    'is recognised by the bytes, whatever the name: %s',
    async (name) => {
      const store = new MemoryObjectStore()
      const location = `memory://others/t/metadata/${name}`
      for (const bytes of [encode(document()), gzipSync(encode(document()))]) {
        await store.put(location, bytes)
        const { metadata } = await readMetadataFile(store, location)
        expect(metadata['table-uuid']).toBe(document()['table-uuid'])
      }
    },
  )
})

describe('damaged files', () => {
  const whole = encode(document({ 'snapshot-log': [] }))
  const zipped = gzipSync(whole)

  async function read(bytes: Uint8Array, maxBytes?: number): Promise<unknown> {
    const store = new MemoryObjectStore()
    await store.put(LOCATION, bytes)
    return readMetadataFile(store, LOCATION, maxBytes === undefined ? {} : { maxBytes }).catch(
      (error: unknown) => error,
    )
  }

  test.each<[string, Uint8Array]>([
    ['empty', new Uint8Array()],
    ['truncated', whole.subarray(0, whole.length - 10)],
    ['truncated gzip', zipped.subarray(0, zipped.length - 10)],
    ['bit-flipped gzip', zipped.map((byte, i) => (i === 40 ? byte ^ 1 : byte))],
    ['not JSON', encode('x').subarray(1)],
    ['another document', encode([1, 2, 3])],
    ['invalid UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
  ])('%s: CorruptFileError naming the file', async (_, bytes) => {
    const error = await read(bytes)
    expect(error).toBeInstanceOf(CorruptFileError)
    expect(error).toMatchObject({ file: LOCATION })
  })

  test('a small file that unpacks to a huge one is not unpacked', async () => {
    const bomb = gzipSync(new Uint8Array(50_000_000).fill(0x20))
    expect(await read(bomb, 1_000_000)).toBeInstanceOf(CorruptFileError)
    expect(await read(new Uint8Array(2_000_000).fill(0x20), 1_000_000)).toBeInstanceOf(CorruptFileError)
  })

  test('a missing one: MissingFileError naming the file', async () => {
    const error = await readMetadataFile(new MemoryObjectStore(), LOCATION).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(MissingFileError)
    expect(error).toMatchObject({ file: LOCATION })
  })
})

describe("other clients' documents", () => {
  const S1 = 3051729675574597004n
  const S2 = 3055729675574597004n

  async function registered(text: string) {
    const setup = memorySetup()
    await setup.store.put(LOCATION, new TextEncoder().encode(text))
    await setup.catalog.createNamespace(TABLE.namespace)
    return { ...setup, table: await setup.catalog.registerTable(TABLE, LOCATION) }
  }

  async function stored(setup: Awaited<ReturnType<typeof registered>>): Promise<Record<string, unknown>> {
    const { metadataLocation } = await setup.catalog.loadTable(TABLE)
    const json = parseLossless(await setup.store.get(metadataLocation ?? ''))
    if (typeof json !== 'object' || json === null) throw new Error('a document is an object')
    return { ...json }
  }

  const rich = JSON.stringify(
    document({
      'last-sequence-number': 2,
      'current-snapshot-id': 'S2',
      'encryption-keys': [{ 'key-id': 'k', 'encrypted-key-metadata': 'AA==' }],
      'x-vendor': { nested: [1.5, null, 'text'], big: 'BIG' },
      snapshots: ['S1', 'S2'].map((id, i) => ({
        'snapshot-id': id,
        'sequence-number': i + 1,
        'timestamp-ms': 1602638573590 + i,
        'manifest-list': `memory://others/t/metadata/${id}.avro`,
        summary: { operation: 'append', 'x-vendor': 'kept' },
        'x-vendor': 1,
      })),
      refs: {
        main: {
          'snapshot-id': 'S2',
          type: 'branch',
          'max-snapshot-age-ms': 86400000,
          'min-snapshots-to-keep': 3,
        },
        q1: { 'snapshot-id': 'S2', type: 'tag', 'max-ref-age-ms': 86400001 },
      },
      'snapshot-log': [{ 'snapshot-id': 'S2', 'timestamp-ms': 1602638573591 }],
      'metadata-log': [
        { 'metadata-file': 'memory://others/t/metadata/old.metadata.json', 'timestamp-ms': 1602638573580 },
      ],
      statistics: ['S1', 'S2'].map((id) => statistics(id)),
      'partition-statistics': ['S1', 'S2'].map((id) => statistics(id)),
    }),
  )
    .replaceAll('"S1"', String(S1))
    .replaceAll('"S2"', String(S2))
    .replaceAll('"BIG"', '123456789012345678901234567890')

  function statistics(id: string): Record<string, unknown> {
    return {
      'snapshot-id': id,
      'statistics-path': `memory://others/t/metadata/${id}.stats`,
      'file-size-in-bytes': 413,
      'file-footer-size-in-bytes': 42,
      'blob-metadata': [],
    }
  }

  test('everything that a commit does not touch is written back unchanged', async () => {
    const setup = await registered(rich)
    await commit(setup.catalog, setProperty('a', 'b'))
    const before = parseLossless(rich)
    const after = await stored(setup)
    const touched = ['properties', 'last-updated-ms', 'metadata-log']
    for (const [key, value] of Object.entries(before ?? {})) {
      if (!touched.includes(key)) expect(after[key], key).toEqual(value)
    }
    expect(Object.keys(after)).toEqual(expect.arrayContaining(['x-vendor', 'encryption-keys']))
    expect(after['metadata-log']).toEqual([
      { 'metadata-file': 'memory://others/t/metadata/old.metadata.json', 'timestamp-ms': 1602638573580 },
      { 'metadata-file': LOCATION, 'timestamp-ms': 1602638573590 },
    ])
  })

  test('expiring a snapshot drops its statistics and no others', async () => {
    const setup = await registered(rich)
    const { metadata } = await commit(setup.catalog, { action: 'remove-snapshots', 'snapshot-ids': [S1] })
    for (const list of [metadata.statistics, metadata['partition-statistics']]) {
      expect(list.map((entry) => entry['snapshot-id'])).toEqual([S2])
    }
    expect(metadata.refs['q1']?.['max-ref-age-ms']).toBe(86400001n)
    expect(metadata.refs['main']?.['max-snapshot-age-ms']).toBe(86400000n)
  })

  test.each([
    ['-1', { 'current-snapshot-id': -1 }],
    ['null', { 'current-snapshot-id': null }],
    ['missing', {}],
  ])('a table whose current snapshot is %s is empty, and takes its first snapshot', async (_, members) => {
    const { catalog, table } = await registered(JSON.stringify(document(members)))
    expect(table.metadata['current-snapshot-id']).toBeNull()
    const after = await catalog.commitTable(TABLE, {
      requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }],
      updates: append(snapshot(S1, 1, null, 'memory://others/t')),
    })
    expect(after.metadata['current-snapshot-id']).toBe(S1)
  })

  test('a property that stops all commits can still be mended by one', async () => {
    const properties = { 'write.metadata.previous-versions-max': 'many' }
    const { catalog } = await registered(JSON.stringify(document({ properties })))
    await expect(commit(catalog, setProperty('a', 'b'))).rejects.toThrow(InvalidConfigError)
    await commit(catalog, setProperty('write.metadata.previous-versions-max', '5'))
  })
})
