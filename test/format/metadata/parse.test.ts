import { describe, expect, test } from 'vitest'
import { CorruptFileError, UnsupportedFeatureError } from '../../../src/errors.ts'
import { parseTableMetadata } from '../../../src/format/metadata/parse.ts'
import { serializeTableMetadata } from '../../../src/format/metadata/serialize.ts'
import { edited, FILE, ID, parse, topLevel, UUID, V2 } from './support.ts'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe('a v2 document', () => {
  const metadata = parse(V2)

  test('has ids as bigints and counts as numbers', () => {
    expect(metadata['current-snapshot-id']).toBe(ID)
    expect(metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])).toEqual([1n, ID])
    expect(metadata.snapshots[1]?.['parent-snapshot-id']).toBe(1n)
    expect(metadata.snapshots[1]?.['sequence-number']).toBe(2)
    expect(metadata['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual([1n, ID])
    expect(metadata.statistics.map((entry) => entry['snapshot-id'])).toEqual([1n, ID])
    expect(metadata['partition-statistics'].map((entry) => entry['snapshot-id'])).toEqual([1n])
    expect(metadata.refs).toEqual({
      main: { 'snapshot-id': ID, type: 'branch' },
      q1: { 'snapshot-id': 1n, type: 'tag', 'max-ref-age-ms': 9223372036854775807n },
    })
  })

  test('is written with its ids as JSON integers', () => {
    expect(text(serializeTableMetadata(metadata))).toContain('"current-snapshot-id":3051729675574597004,')
  })

  test.each([
    'statistics',
    'partition-statistics',
    'snapshot-log',
    'metadata-log',
    'refs',
    'snapshots',
    'properties',
  ])('may lack %s, or have it null', (member) => {
    const bare = { 'current-snapshot-id': undefined, refs: undefined }
    const lacking = parse(edited(V2, { ...bare, [member]: undefined }))
    expect(Object.keys(lacking)).toContain(member)
    expect(parse(edited(V2, { ...bare, [member]: 'null' }))).toEqual(lacking)
  })
})

describe('no current snapshot', () => {
  test.each([['-1'], ['null'], [undefined]])('written as %s', (value) => {
    const metadata = parse(edited(V2, { 'current-snapshot-id': value, refs: '{}' }))
    expect(metadata['current-snapshot-id']).toBe(null)
    expect(metadata.refs).toEqual({})
    // Snapshots without a current one are what replacing a table leaves.
    expect(metadata.snapshots).toHaveLength(2)
  })

  test.each([[undefined], ['null'], ['{}']])(
    'but a current one without main in refs (%s) means main',
    (refs) => {
      expect(parse(edited(V2, { refs })).refs).toEqual({ main: { 'snapshot-id': ID, type: 'branch' } })
    },
  )
})

describe('what others left out', () => {
  test('a v2 snapshot without sequence-number, summary and schema-id', () => {
    const metadata = parse(
      edited(V2, {
        snapshots: `[{"snapshot-id": 3051729675574597004, "timestamp-ms": 5, "manifest-list": "s3://b/l.avro"}]`,
        refs: undefined,
      }),
    )
    expect(metadata.snapshots).toEqual([
      { 'snapshot-id': ID, 'timestamp-ms': 5, 'manifest-list': 's3://b/l.avro', 'sequence-number': 0 },
    ])
  })

  test('members of a snapshot that are null are as if missing', () => {
    const metadata = parse(
      edited(V2, {
        snapshots: `[{"snapshot-id": 3051729675574597004, "parent-snapshot-id": null, "timestamp-ms": 5,
          "manifest-list": "l", "summary": null, "schema-id": null, "first-row-id": null, "unknown": null}]`,
        refs: undefined,
      }),
    )
    expect(metadata.snapshots).toEqual([
      { 'snapshot-id': ID, 'timestamp-ms': 5, 'manifest-list': 'l', unknown: null, 'sequence-number': 0 },
    ])
  })

  test('a summary without an operation counts as an overwrite; values that are no strings become some', () => {
    const metadata = parse(
      edited(V2, {
        snapshots: `[{"snapshot-id": 3051729675574597004, "timestamp-ms": 5, "manifest-list": "l",
          "summary": {"added-records": 7, "big": 3051729675574597005, "odd": 1.0, "flag": true}}]`,
        refs: undefined,
        properties: '{"n": 8388608, "b": false}',
      }),
    )
    expect(metadata.snapshots[0]?.summary).toEqual({
      'added-records': '7',
      big: '3051729675574597005',
      odd: '1.0',
      flag: 'true',
      operation: 'overwrite',
    })
    expect(metadata.properties).toEqual({ n: '8388608', b: 'false' })
  })

  test('sort orders, and the ids of the first partition fields', () => {
    const metadata = parse(
      edited(V2, {
        'sort-orders': undefined,
        'default-sort-order-id': undefined,
        'last-partition-id': undefined,
        'partition-specs':
          '[{"spec-id":0,"fields":[{"source-id":2,"name":"a","transform":"day"},{"source-id":1,"name":"b","transform":"bucket[4]"}]}]',
      }),
    )
    expect(metadata['sort-orders']).toEqual([{ 'order-id': 0, fields: [] }])
    expect(metadata['partition-specs'][0]?.fields.map((field) => field['field-id'])).toEqual([1000, 1001])
    expect(metadata['last-partition-id']).toBe(1001)
  })
})

describe('v1', () => {
  const V1 = `{"format-version":1,"location":"s3://bucket/db/t","last-updated-ms":9,"last-column-id":2,
    "schema":{"type":"struct","fields":[{"id":1,"name":"x","required":true,"type":"long"},
      {"id":2,"name":"d","required":false,"type":"date"}]},
    "partition-spec":[{"source-id":2,"name":"d_month","transform":"month"}],
    "properties":{},"current-snapshot-id":7,
    "snapshots":[{"snapshot-id":7,"timestamp-ms":8,"manifests":["s3://bucket/m1.avro","s3://bucket/m2.avro"]}]}`

  test('with nothing but schema and partition-spec, and manifests inline', () => {
    const metadata = parse(V1)
    expect(metadata.schemas.map((schema) => schema['schema-id'])).toEqual([0])
    expect(metadata['current-schema-id']).toBe(0)
    expect(metadata['partition-specs']).toEqual([
      { 'spec-id': 0, fields: [{ 'source-id': 2, 'field-id': 1000, name: 'd_month', transform: 'month' }] },
    ])
    expect(metadata['last-partition-id']).toBe(1000)
    expect(metadata['sort-orders']).toEqual([{ 'order-id': 0, fields: [] }])
    expect(metadata['last-sequence-number']).toBe(0)
    expect(metadata.snapshots[0]).toEqual({
      'snapshot-id': 7n,
      'timestamp-ms': 8,
      manifests: ['s3://bucket/m1.avro', 's3://bucket/m2.avro'],
    })
    expect(metadata.refs).toEqual({ main: { 'snapshot-id': 7n, type: 'branch' } })
  })

  test('without a uuid gets the same one each time, a valid one, and another at another place', () => {
    const { 'table-uuid': uuid } = parse(V1)
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(parse(V1)['table-uuid']).toBe(uuid)
    expect(parse(V1.replace('db/t', 'db/u'))['table-uuid']).not.toBe(uuid)
    expect(parse(edited(V1, { 'table-uuid': `"${UUID}"` }))['table-uuid']).toBe(UUID)
  })

  test('is written as v1: old forms beside the lists, and nothing that only v2 has', () => {
    const written = text(serializeTableMetadata(parse(V1)))
    const members = new Map(topLevel(written))
    expect(members.get('format-version')).toBe('1')
    expect(JSON.parse(members.get('schema') ?? '')).toEqual(JSON.parse(members.get('schemas') ?? '')[0])
    expect(JSON.parse(members.get('partition-spec') ?? '')).toEqual([
      { 'source-id': 2, 'field-id': 1000, name: 'd_month', transform: 'month' },
    ])
    expect(members.has('last-sequence-number')).toBe(false)
    expect(written).not.toContain('sequence-number')
    expect(parse(written)).toEqual(parse(V1))
  })

  test('follows its current schema and spec, not the old forms, where it has both', () => {
    const two = edited(V1, {
      schemas:
        '[{"type":"struct","schema-id":4,"fields":[{"id":1,"name":"y","required":true,"type":"long"}]}]',
      'current-schema-id': '4',
      'partition-specs': '[{"spec-id":3,"fields":[]}]',
      'default-spec-id': '3',
    })
    const members = new Map(topLevel(text(serializeTableMetadata(parse(two)))))
    expect(members.get('schema')).toContain('"name":"y"')
    expect(members.get('partition-spec')).toBe('[]')
  })
})

describe('v3', () => {
  const V3 = edited(V2, {
    'format-version': '3',
    'next-row-id': '9007199254740993',
    'encryption-keys': '[{"key-id":"k","encrypted-key-metadata":"AA=="}]',
    snapshots: `[{"snapshot-id": 3051729675574597004, "sequence-number": 2, "timestamp-ms": 5, "manifest-list": "l",
      "first-row-id": 0, "added-rows": 9007199254740993, "key-id": "k", "summary": {"operation": "append"}}]`,
    refs: undefined,
    schemas: `[{"type":"struct","schema-id":0,"fields":[
      {"id":1,"name":"v","required":false,"type":"variant"},
      {"id":2,"name":"g","required":false,"type":"geometry(srid:4326)","initial-default":1.0},
      {"id":3,"name":"n","required":false,"type":"type_of_the_future","doc":null}]}]`,
    'partition-specs':
      '[{"spec-id":0,"fields":[{"source-ids":[1,2],"field-id":1000,"name":"p","transform":"zorder[2]"}]}]',
  })

  test('is read, also with types and transforms that nobody knows yet', () => {
    const metadata = parse(V3)
    expect(metadata['next-row-id']).toBe(9007199254740993n)
    expect(metadata.snapshots[0]?.['added-rows']).toBe(9007199254740993n)
    expect(metadata.snapshots[0]?.['key-id']).toBe('k')
    expect(metadata['encryption-keys']).toEqual([{ 'key-id': 'k', 'encrypted-key-metadata': 'AA==' }])
    expect(metadata['partition-specs'][0]?.fields[0]).toMatchObject({ 'source-id': 1, 'source-ids': [1, 2] })
  })

  test('comes back equal', () => {
    const written = text(serializeTableMetadata(parse(V3)))
    expect(parse(written)).toEqual(parse(V3))
    expect(written).toContain('"initial-default":1.0')
  })

  test('writes no current snapshot as null', () => {
    const written = text(serializeTableMetadata(parse(edited(V3, { 'current-snapshot-id': undefined }))))
    expect(new Map(topLevel(written)).get('current-snapshot-id')).toBe('null')
  })
})

describe('refused', () => {
  test.each([['0', '4', '99', '-1'].map((version) => [version] as const)].flat())(
    'format version %s is named',
    (version) => {
      expect(() => parse(edited(V2, { 'format-version': version }))).toThrow(UnsupportedFeatureError)
      expect(() => parse(edited(V2, { 'format-version': version }))).toThrow(`version ${version} `)
    },
  )

  test.each<[string, Record<string, string | undefined>]>([
    ['format-version', { 'format-version': '"2"' }],
    ['format-version', { 'format-version': undefined }],
    ['table-uuid', { 'table-uuid': undefined }],
    ['location', { location: '7' }],
    ['last-sequence-number', { 'last-sequence-number': undefined }],
    ['last-sequence-number', { 'last-sequence-number': '1' }],
    ['last-sequence-number', { 'last-sequence-number': '9007199254740992' }],
    ['last-updated-ms', { 'last-updated-ms': '1.5' }],
    ['last-column-id', { 'last-column-id': 'null' }],
    ['schemas', { schemas: '{}' }],
    ['current-schema-id', { 'current-schema-id': '7' }],
    ['current-schema-id', { schemas: '[]' }],
    [
      'schemas[0].fields[0].id',
      { schemas: '[{"type":"struct","schema-id":0,"fields":[{"name":"a","required":true,"type":"int"}]}]' },
    ],
    [
      'schemas[0].fields[0].type.element-id',
      {
        schemas:
          '[{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"a","required":true,"type":{"type":"list","element":"int","element-required":true}}]}]',
      },
    ],
    ['default-spec-id', { 'default-spec-id': '4' }],
    [
      'partition-specs[0].fields[0].transform',
      { 'partition-specs': '[{"spec-id":0,"fields":[{"source-id":1,"field-id":1000,"name":"a"}]}]' },
    ],
    ['default-sort-order-id', { 'default-sort-order-id': '2' }],
    [
      'sort-orders[0].fields[0].direction',
      {
        'sort-orders':
          '[{"order-id":0,"fields":[{"source-id":1,"transform":"identity","direction":"up","null-order":"nulls-first"}]}]',
      },
    ],
    ['properties.a', { properties: '{"a":{}}' }],
    ['properties.a', { properties: '{"a":null}' }],
    ['current-snapshot-id', { 'current-snapshot-id': '5', refs: undefined }],
    ['current-snapshot-id', { 'current-snapshot-id': '9223372036854775808', refs: undefined }],
    ['refs.main.snapshot-id', { 'current-snapshot-id': '1' }],
    ['refs.main.snapshot-id', { 'current-snapshot-id': '-1' }],
    [
      'refs.q1.snapshot-id',
      {
        refs: '{"main":{"snapshot-id":3051729675574597004,"type":"branch"},"q1":{"snapshot-id":5,"type":"tag"}}',
      },
    ],
    ['refs.q1.type', { refs: '{"q1":{"snapshot-id":1,"type":"twig"}}' }],
    [
      'snapshots[1].snapshot-id',
      { snapshots: '[{"snapshot-id":1,"timestamp-ms":1,"manifest-list":"l"},{"snapshot-id":"2"}]' },
    ],
    ['snapshots[0].manifest-list', { snapshots: '[{"snapshot-id":1,"timestamp-ms":1}]' }],
    ['snapshots[0]', { snapshots: '[7]' }],
    [
      'snapshots',
      {
        snapshots:
          '[{"snapshot-id":1,"timestamp-ms":1,"manifest-list":"l"},{"snapshot-id":1,"timestamp-ms":2,"manifest-list":"m"}]',
      },
    ],
    ['snapshot-log[0]', { 'snapshot-log': '[{"snapshot-id":1}]' }],
    ['metadata-log[0].metadata-file', { 'metadata-log': '[{"timestamp-ms":1}]' }],
    ['statistics[0].statistics-path', { statistics: '[{"snapshot-id":1}]' }],
  ])('%s, where it is malformed or names what is not there', (path, members) => {
    const error = caught(() => parse(edited(V2, members)))
    expect(error).toBeInstanceOf(CorruptFileError)
    expect(error).toMatchObject({ file: FILE })
    expect(String(error)).toContain(path)
  })

  test.each(['[]', '7', 'null', '"x"', '[{}]'])('%s, which is no table metadata', (document) => {
    expect(() => parse(document)).toThrow(CorruptFileError)
  })

  test('every truncation, by name of the file', () => {
    const bytes = new TextEncoder().encode(V2)
    for (let length = 0; length < bytes.length; length += 3) {
      expect(caught(() => parseTableMetadata(bytes.subarray(0, length), FILE))).toMatchObject({
        code: 'FLOEBERG_CORRUPT_FILE',
        file: FILE,
      })
    }
  })

  test('a flipped bit: a typed error, or a document that is well-formed all the same', () => {
    const bytes = new TextEncoder().encode(V2)
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const flipped = bytes.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const error = caught(() => serializeTableMetadata(parseTableMetadata(flipped, FILE)))
      if (error === undefined) continue
      expect(error).toMatchObject({ file: FILE })
      expect(error instanceof CorruptFileError || error instanceof UnsupportedFeatureError).toBe(true)
    }
  })
})

describe('the snapshot log', () => {
  const log = (...times: readonly number[]) =>
    edited(V2, {
      'snapshot-log': `[${times.map((time) => `{"snapshot-id":1,"timestamp-ms":${time}}`).join(',')}]`,
    })

  test('may be out of order by a minute: clocks differ', () => {
    expect(parse(log(100_000, 40_000, 100_001))['snapshot-log']).toHaveLength(3)
  })

  test('by more it is damaged', () => {
    expect(() => parse(log(100_000, 39_999))).toThrow(CorruptFileError)
    expect(() => parse(log(100_000, 70_000, 39_999))).toThrow(CorruptFileError)
  })

  test('may name snapshots that are gone, and one snapshot twice', () => {
    const twice = edited(V2, {
      'snapshot-log':
        '[{"snapshot-id":99,"timestamp-ms":1},{"snapshot-id":1,"timestamp-ms":2},{"snapshot-id":1,"timestamp-ms":3}]',
    })
    expect(parse(twice)['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual([99n, 1n, 1n])
  })
})

test('old specs and sort orders may name columns that are gone', () => {
  const metadata = parse(
    edited(V2, {
      'partition-specs':
        '[{"spec-id":0,"fields":[]},{"spec-id":1,"fields":[{"source-id":77,"field-id":1000,"name":"gone","transform":"day"}]}]',
      'sort-orders':
        '[{"order-id":0,"fields":[]},{"order-id":1,"fields":[{"source-id":77,"transform":"identity","direction":"asc","null-order":"nulls-first"}]}]',
    }),
  )
  expect(metadata['partition-specs']).toHaveLength(2)
  expect(metadata['sort-orders']).toHaveLength(2)
})

function caught(run: () => unknown): unknown {
  try {
    run()
    return undefined
  } catch (error) {
    return error
  }
}
