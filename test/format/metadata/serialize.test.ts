import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTableMetadata } from '../../../src/format/metadata/parse.ts'
import { serializeTableMetadata } from '../../../src/format/metadata/serialize.ts'
import { stringifyLossless } from '../../../src/format/metadata/lossless-json.ts'
import type { TableMetadata } from '../../../src/format/metadata/table-metadata.ts'
import { append, apply, edited, emptyTable, FILE, ID, parse, topLevel, V2 } from './support.ts'

const text = (metadata: TableMetadata) => new TextDecoder().decode(serializeTableMetadata(metadata))

/** As Trino leaves one: both statistics lists, keys, and things that we know nothing of. */
const FOREIGN = edited(V2, {
  'trino-orders': '{"z":1.0,"a":[3051729675574597004,-0,1e400],"__proto__":{"x":1}}',
  'encryption-keys': '[{"key-id":"k1","encrypted-key-metadata":"AA==","extra":7}]',
  refs: `{"main":{"snapshot-id":3051729675574597004,"type":"branch","max-snapshot-age-ms":9007199254740993,
    "min-snapshots-to-keep":3,"unknown-of-ref":2.50},"q1":{"snapshot-id":1,"type":"tag","max-ref-age-ms":5}}`,
  'sort-orders': `[{"order-id":0,"fields":[],"unknown-of-order":true}]`,
  'last-key': 'null',
})

describe('what is not touched', () => {
  test('is written back as it was, unknown keys and all', () => {
    const before = new Map(topLevel(FOREIGN).map(([key, value]) => [key, stringifyLossless(parseAny(value))]))
    const after = new Map(topLevel(text(parse(FOREIGN))))
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort())
    for (const [key, value] of before) expect(sameMembers(after.get(key)), key).toBe(sameMembers(value))
  })

  test('survives a change of something else', () => {
    const changed = apply(parse(FOREIGN), 1700000003000, { action: 'set-properties', updates: { a: 'b' } })
    const before = new Map(topLevel(text(parse(FOREIGN))))
    const after = new Map(topLevel(text(changed)))
    const differing = [...after.keys()].filter((key) => after.get(key) !== before.get(key))
    expect(differing).toEqual(['last-updated-ms', 'properties'])
  })

  test('goes only with the snapshot it belongs to', () => {
    const base = parse(FOREIGN)
    const changed = apply(
      base,
      1700000003000,
      { action: 'remove-snapshots', 'snapshot-ids': [1n] },
      { action: 'remove-snapshot-ref', 'ref-name': 'q1' },
    )
    expect(changed.statistics.map((entry) => entry['statistics-path'])).toEqual([
      's3://bucket/db/t/metadata/2.stats',
    ])
    expect(changed['partition-statistics']).toEqual([])
    expect(changed['encryption-keys']).toEqual(base['encryption-keys'])
    expect(changed['metadata-log']).toEqual(base['metadata-log'])
    expect(changed.refs['main']).toEqual(base.refs['main'])
    expect(text(changed)).toContain(
      '"trino-orders":{"z":1.0,"a":[3051729675574597004,-0,1e400],"__proto__":{"x":1}}',
    )
  })
})

describe('the form', () => {
  test('is the same for the same value, in the order of the spec, then unknown keys in their own', () => {
    const once = text(parse(FOREIGN))
    expect(text(parse(once))).toBe(once)
    const keys = topLevel(once).map(([key]) => key)
    expect(keys.slice(0, 4)).toEqual(['format-version', 'table-uuid', 'location', 'last-sequence-number'])
    expect(keys.slice(-2)).toEqual(['trino-orders', 'last-key'])
  })

  test.each([
    ['1', '-1'],
    ['2', '-1'],
    ['3', 'null'],
  ])('of no current snapshot in version %s is %s', (version, written) => {
    const metadata = emptyTable({ 'format-version': version })
    expect(new Map(topLevel(text(metadata))).get('current-snapshot-id')).toBe(written)
    expect(parse(text(metadata))).toEqual(metadata)
  })

  test('is UTF-8', () => {
    const metadata = apply(emptyTable(), 1, {
      action: 'set-properties',
      updates: { größe: '😀"\\\n\u007f1' },
    })
    expect(parse(text(metadata)).properties).toEqual({ größe: '😀"\\\n\u007f1' })
  })
})

describe('lists whose bytes are kept', () => {
  test('are the same as freshly written, through appends, removals and retries', () => {
    let metadata = emptyTable()
    const histories: TableMetadata[] = []
    for (let i = 1; i <= 700; i++) {
      metadata = append(metadata, BigInt(i) * 1_000_000_007_000_000n, 1000 + i)
      if (i % 97 === 0) histories.push(metadata)
      if (i % 3 === 0) text(metadata)
      if (i % 150 === 0) {
        const ids = metadata.snapshots
          .slice(0, -1)
          .filter((_, at) => at % 5 === 2)
          .map((snapshot) => snapshot['snapshot-id'])
        metadata = apply(metadata, 1000 + i, { action: 'remove-snapshots', 'snapshot-ids': ids })
      }
    }
    // A later reading of an earlier state, as a retry makes it.
    for (const earlier of [...histories, metadata]) expect(text(earlier)).toBe(fresh(earlier))
  })

  test('any list made of pieces of others', () => {
    const pool = Array.from({ length: 900 }, (_, i) => ({ 'snapshot-id': BigInt(i), 'timestamp-ms': i }))
    const slice = fc.tuple(fc.nat(900), fc.nat(900)).map(([from, to]) => pool.slice(from, to))
    fc.assert(
      fc.property(fc.array(fc.array(slice, { maxLength: 4 }), { maxLength: 6 }), (lists) => {
        for (const slices of lists) {
          const metadata = { ...emptyTable(), 'snapshot-log': slices.flat() }
          expect(text(metadata)).toBe(fresh(metadata))
        }
      }),
      { numRuns: 60 },
    )
  })

  /** The same value made of new objects, about which nothing can be remembered. */
  function fresh(metadata: TableMetadata): string {
    return text(structuredClone(metadata))
  }
})

describe('any metadata', () => {
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((id) => id !== -1n)
  const number = fc.oneof(long.map(String), fc.constantFrom('1.0', '-0', '1e400', '0.1', '1E5'))
  const name = fc.string({ maxLength: 8 }).filter((key) => !/^[0-9]+$/.test(key))
  const unknown = fc
    .uniqueArray(fc.tuple(name, number), { maxLength: 3, selector: ([key]) => key })
    .map((members) => members.map(([key, value]) => `,${JSON.stringify(`x-${key}`)}:${value}`).join(''))
  const snapshot = (id: bigint, index: number, extra: string) =>
    `{"snapshot-id":${id},"sequence-number":${index},"timestamp-ms":${1000 + index},"manifest-list":"s3://b/${id}","summary":{"operation":"append","n":"${index}"}${extra}}`

  const document = fc
    .tuple(
      fc.uniqueArray(long, { minLength: 1, maxLength: 12 }),
      fc.array(unknown, { minLength: 16, maxLength: 16 }),
      fc.dictionary(name, fc.string()),
    )
    .map(([ids, extras, properties]) => {
      const current = ids.at(-1) ?? 0n
      const extra = (index: number) => extras[index] ?? ''
      return edited(V2, {
        'last-sequence-number': String(ids.length),
        'current-snapshot-id': String(current),
        refs: `{"main":{"snapshot-id":${current},"type":"branch"${extra(14)}}}`,
        snapshots: `[${ids.map((id, index) => snapshot(id, index, extra(index))).join()}]`,
        'snapshot-log': `[${ids.map((id, index) => `{"snapshot-id":${id},"timestamp-ms":${index}${extra(15)}}`).join()}]`,
        statistics: `[${ids.map((id) => `{"snapshot-id":${id},"statistics-path":"p","file-size-in-bytes":${id}${extra(13)}}`).join()}]`,
        properties: JSON.stringify(properties),
      }).replace(/}$/, () => `${extra(12)}}`)
    })

  test('comes back equal, and its bytes too', () => {
    fc.assert(
      fc.property(document, (json) => {
        const metadata = parse(json)
        const bytes = serializeTableMetadata(metadata)
        const again = parseTableMetadata(bytes, FILE)
        expect(again).toEqual(metadata)
        expect(serializeTableMetadata(again)).toEqual(bytes)
        for (const [, literal] of json.matchAll(/:(-?[0-9][^,}\]]*)/g)) {
          expect(new TextDecoder().decode(bytes)).toContain(`:${literal?.trim() ?? ''}`)
        }
      }),
      { numRuns: 300 },
    )
  })
})

test('the famous id survives every way', () => {
  const metadata = append(emptyTable(), ID, 2000)
  expect(text(metadata).match(/3051729675574597004/g)).toHaveLength(5)
  expect(parse(text(metadata))).toEqual(metadata)
})

function parseAny(json: string): unknown {
  return parse(edited(V2, { probe: json }))['probe']
}

/** Members of an object sorted: where only their order may differ. */
function sameMembers(json: string | undefined): string {
  return [...(json ?? '').replaceAll(/[{}[\]]/g, ',')].join('').split(',').sort().join()
}
