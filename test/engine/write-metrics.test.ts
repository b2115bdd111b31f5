import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { metricsConfig } from '../../src/format/metrics-config.ts'
import { createSchema } from '../../src/format/schema.ts'
import { UNSORTED } from '../../src/format/sort-order.ts'
import type { Datum, PrimitiveType } from '../../src/format/types.ts'
import { decodeBinary } from '../../src/format/values/binary.ts'
import type { Value } from '../../src/format/values/value.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { footerOf, openWorkshop, schemaOf, type Workshop, WRITERS } from './writing.ts'

describe.each(WRITERS)('rows by $writer', ({ open }) => {
  let shop: Workshop

  beforeAll(async () => {
    shop = await openWorkshop({}, open)
  })

  afterAll(() => shop.close())

  async function fileOf(
    type: PrimitiveType,
    values: readonly Value[],
    properties: Readonly<Record<string, string>> = {},
  ): Promise<ContentFile> {
    const schema = schemaOf({ x: type })
    const metrics = metricsConfig(schema, UNSORTED, properties)
    const { files } = await shop.write({ kind: 'rows', rows: values.map((x) => ({ x })) }, schema, {
      metrics,
    })
    const [file] = files
    if (file === undefined) throw new Error('no file')
    return file
  }

  function boundsOf(type: PrimitiveType, file: ContentFile): readonly [Datum | null, Datum | null] {
    const lower = file.lowerBounds?.get(1)
    const upper = file.upperBounds?.get(1)
    return [
      lower === undefined ? null : decodeBinary(type, lower),
      upper === undefined ? null : decodeBinary(type, upper),
    ]
  }

  const STRING: PrimitiveType = { kind: 'string' }

  describe('bounds of texts', () => {
    test.each<readonly [string, string, string | null]>([
      // The successor of the last code point before the surrogates lies behind them.
      [`${'a'.repeat(15)}\uD7FFz`, `${'a'.repeat(15)}\uD7FF`, `${'a'.repeat(15)}\uE000`],
      // Where every kept code point is the greatest there is, no bound can be given.
      ['\u{10FFFF}'.repeat(20), '\u{10FFFF}'.repeat(16), null],
      [`${'a'.repeat(15)}\u{10FFFF}z`, `${'a'.repeat(15)}\u{10FFFF}`, `${'a'.repeat(14)}b`],
      ['ｆｕｌｌ'.repeat(10), 'ｆｕｌｌ'.repeat(4), `${'ｆｕｌｌ'.repeat(3)}ｆｕｌｍ`],
      ['exactly sixteen!', 'exactly sixteen!', 'exactly sixteen!'],
      ['', '', ''],
    ])('%# are cut by code points', async (value, lower, upper) => {
      expect(boundsOf(STRING, await fileOf(STRING, [value, null]))).toEqual([lower, upper])
    })

    test('longer than the engine keeps are computed all the same', async () => {
      const values = [`b${'x'.repeat(500)}`, `a${'y'.repeat(5000)}`, 'b', null]
      expect(boundsOf(STRING, await fileOf(STRING, values))).toEqual([
        `a${'y'.repeat(15)}`,
        `b${'x'.repeat(14)}y`,
      ])
      const full = { 'write.metadata.metrics.default': 'full' }
      expect(boundsOf(STRING, await fileOf(STRING, values, full))).toEqual([values[1], values[0]])
    })

    test('enclose all values in UTF-8 byte order', async () => {
      const texts = fc.array(fc.string({ unit: 'binary', maxLength: 24 }), { minLength: 1, maxLength: 12 })
      await fc.assert(
        fc.asyncProperty(texts, async (values) => {
          const [lower, upper] = boundsOf(STRING, await fileOf(STRING, values))
          const bytes = (text: Datum | null): Buffer => Buffer.from(String(text))
          for (const value of values) {
            expect(Buffer.compare(bytes(lower), bytes(value))).toBeLessThanOrEqual(0)
            if (upper !== null) expect(Buffer.compare(bytes(upper), bytes(value))).toBeGreaterThanOrEqual(0)
          }
        }),
        { numRuns: 25 },
      )
    })
  })

  describe('bounds of bytes', () => {
    const BINARY: PrimitiveType = { kind: 'binary' }

    test('are cut by bytes and raised', async () => {
      const long = new Uint8Array(300).fill(255)
      long[3] = 7
      const [lower, upper] = boundsOf(
        BINARY,
        await fileOf(BINARY, [long, Uint8Array.of(0), Uint8Array.of(255)]),
      )
      expect(lower).toEqual(Uint8Array.of(0))
      expect(upper).toEqual(Uint8Array.of(255, 255, 255, 8))
    })
  })

  describe('bounds of floats', () => {
    const DOUBLE: PrimitiveType = { kind: 'double' }

    test('leave NaN out; a file of nothing else has none', async () => {
      expect(boundsOf(DOUBLE, await fileOf(DOUBLE, [3, Number.NaN, 5]))).toEqual([3, 5])
      const all = await fileOf(DOUBLE, [Number.NaN, Number.NaN, null])
      expect(boundsOf(DOUBLE, all)).toEqual([null, null])
      expect(all.valueCounts?.get(1)).toBe(3)
      expect(all.nullValueCounts?.get(1)).toBe(1)
    })

    test('have a count of NaN where it is known, never a wrong one', async () => {
      expect((await fileOf(DOUBLE, [3, 5])).nanValueCounts?.get(1)).toBe(0)
      const some = (await fileOf(DOUBLE, [3, Number.NaN])).nanValueCounts?.get(1)
      expect([undefined, 1]).toContain(some)
      expect((await fileOf({ kind: 'long' }, [3])).nanValueCounts?.get(1)).toBeUndefined()
    })

    test('hold zeros of both signs, and infinities', async () => {
      for (const zeros of [[-0, 0], [0, -0], [0], [-0]]) {
        const [lower, upper] = boundsOf(DOUBLE, await fileOf(DOUBLE, zeros))
        expect([lower, upper]).toEqual([-0, 0])
      }
      const infinite = [Number.NEGATIVE_INFINITY, 0.1, Number.POSITIVE_INFINITY]
      expect(boundsOf(DOUBLE, await fileOf(DOUBLE, infinite))).toEqual([infinite[0], infinite[2]])
    })

    test.each<PrimitiveType>([{ kind: 'float' }, DOUBLE])('are exact for $kind', async (type) => {
      const numbers = type.kind === 'float' ? fc.float({ noNaN: true }) : fc.double({ noNaN: true })
      await fc.assert(
        fc.asyncProperty(fc.array(numbers, { minLength: 1, maxLength: 8 }), async (values) => {
          const [lower, upper] = boundsOf(type, await fileOf(type, values))
          const least = Math.min(...values)
          const greatest = Math.max(...values)
          expect([lower, upper]).toEqual([least === 0 ? -0 : least, greatest === 0 ? 0 : greatest])
        }),
        { numRuns: 25 },
      )
    })
  })

  describe('bounds of other types are the values themselves', () => {
    test.each<readonly [PrimitiveType, readonly Value[], Datum, Datum]>([
      [{ kind: 'boolean' }, [true, false], false, true],
      [{ kind: 'boolean' }, [true], true, true],
      [{ kind: 'int' }, [0, -2147483648, 5], -2147483648, 5],
      [
        { kind: 'long' },
        [0, 9223372036854775807n, -9223372036854775808n],
        -9223372036854775808n,
        9223372036854775807n,
      ],
      [{ kind: 'date' }, ['1969-12-31', '0100-01-01'], -683003, -1],
      [{ kind: 'time' }, ['00:00:00', '23:59:59.999999'], 0n, 86399999999n],
      [{ kind: 'timestamp' }, ['1969-12-31T23:59:59.999999', '1970-01-01T00:00:00'], -1n, 0n],
      [{ kind: 'timestamptz' }, ['1969-12-31T23:59:59.999999Z', '1970-01-01T00:00:01Z'], -1n, 1000000n],
      [{ kind: 'timestamp_ns' }, ['1969-12-31T23:59:59.999999999', '1970-01-01T00:00:00.000000001'], -1n, 1n],
      [
        { kind: 'decimal', precision: 6, scale: 4 },
        ['-0.0001', '12.34', '99.9999', '-99.9999'],
        -999999n,
        999999n,
      ],
      [
        { kind: 'decimal', precision: 18, scale: 2 },
        ['-9999999999999999.99', '12.34'],
        -999999999999999999n,
        1234n,
      ],
      [
        { kind: 'decimal', precision: 38, scale: 10 },
        ['9999999999999999999999999999.9999999999', '-0.0000000001'],
        -1n,
        10n ** 38n - 1n,
      ],
    ])('%#: $kind', async (type, values, lower, upper) => {
      expect(boundsOf(type, await fileOf(type, [...values, null]))).toEqual([lower, upper])
    })

    test('uuids are enclosed, in the order of their bytes', async () => {
      const uuid: PrimitiveType = { kind: 'uuid' }
      await fc.assert(
        fc.asyncProperty(fc.array(fc.uuid(), { minLength: 1, maxLength: 4 }), async (values) => {
          const [lower, upper] = boundsOf(uuid, await fileOf(uuid, values))
          for (const value of values) {
            if (lower !== null) expect(String(lower) <= value).toBe(true)
            if (upper !== null) expect(String(upper) >= value).toBe(true)
          }
        }),
        { numRuns: 20 },
      )
    })

    test('decimals are stored in the fewest bytes', async () => {
      const file = await fileOf({ kind: 'decimal', precision: 7, scale: 2 }, ['-1.28', '1.28'])
      expect(file.lowerBounds?.get(1)).toEqual(Uint8Array.of(0x80))
      expect(file.upperBounds?.get(1)).toEqual(Uint8Array.of(0x00, 0x80))
    })

    test('a date beyond what is written for people has no bound, never a wrong one', async () => {
      const file = await fileOf({ kind: 'timestamp' }, [
        { micros: 300_000_000_000_000_000n } as unknown as Value,
      ])
      const [lower, upper] = boundsOf({ kind: 'timestamp' }, file)
      expect([null, 300_000_000_000_000_000n]).toContain(lower)
      expect([null, 300_000_000_000_000_000n]).toContain(upper)
    })
  })

  describe('what is kept follows the table', () => {
    test.each([
      ['none', false, false],
      ['counts', true, false],
      ['truncate(4)', true, true],
      ['full', true, true],
    ])('metrics mode %s', async (mode, hasCounts, hasBounds) => {
      const file = await fileOf(STRING, ['abcdefgh'], { 'write.metadata.metrics.default': mode })
      expect(file.valueCounts?.has(1)).toBe(hasCounts)
      expect(file.lowerBounds?.has(1)).toBe(hasBounds)
      if (mode === 'truncate(4)') expect(boundsOf(STRING, file)).toEqual(['abcd', 'abce'])
    })

    test('several row groups: bounds and counts are of the file, offsets of the groups', async () => {
      const schema = schemaOf({ x: { kind: 'long' } })
      const rows = Array.from({ length: 10_000 }, (_, at) => ({ x: at % 5 === 0 ? null : at }))
      const parquet = {
        compression: 'snappy' as const,
        compressionLevel: null,
        rowGroupSizeBytes: 1024 * 1024,
        rowGroupRowLimit: 2048,
        dictionarySizeBytes: 1024,
        bloomFilterColumns: [],
      }
      const { files } = await shop.write({ kind: 'rows', rows }, schema, { parquet })
      const [file] = files
      if (file === undefined) throw new Error('no file')
      expect(boundsOf({ kind: 'long' }, file)).toEqual([1n, 9999n])
      expect(file.nullValueCounts?.get(1)).toBe(2000)
      const { row_groups: groups } = await footerOf(file)
      expect(groups.length).toBe(5)
      const starts = groups.map(({ columns }) => {
        const meta = columns[0]?.meta_data
        return Number(meta?.dictionary_page_offset ?? meta?.data_page_offset)
      })
      expect(file.splitOffsets).toEqual(starts)
      expect(groups[0]?.columns[0]?.meta_data?.codec).toBe('SNAPPY')
    })

    test('an empty source makes no file', async () => {
      const schema = createSchema({
        schemaId: 0,
        fields: [{ id: 1, name: 'x', required: false, type: STRING }],
      })
      for (const rows of [[], new Set<never>()]) {
        expect(await shop.write({ kind: 'rows', rows }, schema)).toEqual({ files: [], rows: 0 })
      }
    })
  })
})
