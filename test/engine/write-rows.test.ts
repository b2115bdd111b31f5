import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  FloebergError,
  InvalidDataError,
  OperationAbortedError,
  SchemaMismatchError,
} from '../../src/errors.ts'
import { createSortOrder } from '../../src/format/sort-order.ts'
import type { Type } from '../../src/format/types.ts'
import type { Row, Value } from '../../src/format/values/value.ts'
import { fieldsOf, openWorkshop, pathOf, rowsOf, schemaOf, type Workshop, WRITERS } from './writing.ts'

describe.each(WRITERS)('rows by $writer', ({ open }) => {
  let shop: Workshop

  beforeAll(async () => {
    shop = await openWorkshop({}, open)
  })

  afterAll(() => shop.close())

  const schema = fieldsOf([
    { id: 1, name: 'id', required: true, type: { kind: 'long' } },
    { id: 2, name: 'name', required: false, type: { kind: 'string' } },
    {
      id: 3,
      name: 'at',
      required: false,
      type: {
        kind: 'struct',
        fields: [
          { id: 4, name: 'x', required: true, type: { kind: 'int' } },
          {
            id: 5,
            name: 'tags',
            required: false,
            type: { kind: 'list', elementId: 6, elementRequired: true, element: { kind: 'date' } },
          },
        ],
      },
    },
    {
      id: 7,
      name: 'prices',
      required: false,
      type: {
        kind: 'map',
        keyId: 8,
        key: { kind: 'string' },
        valueId: 9,
        valueRequired: true,
        value: { kind: 'decimal', precision: 5, scale: 2 },
      },
    },
  ])

  /** What a write is refused with; nothing of it may be left. */
  async function refusal(rows: Iterable<Row> | AsyncIterable<Row>): Promise<FloebergError> {
    const before = await shop.leftovers()
    const error: unknown = await shop.write({ kind: 'rows', rows }, schema).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(await shop.leftovers()).toEqual(before)
    if (!(error instanceof FloebergError)) throw error
    return error
  }

  test('what objects have by their prototype is no value of a column of that name', async () => {
    const names = ['constructor', 'toString', '__proto__', 'valueOf']
    const odd = fieldsOf(
      ['id', ...names].map((name, at) => ({ id: at + 1, name, required: false, type: { kind: 'string' } })),
    )
    const { files } = await shop.write(
      { kind: 'rows', rows: [{ id: 'a' }, { id: 'b', constructor: 'c' }] },
      odd,
    )
    const [file] = files
    if (file === undefined) throw new Error('nothing was written')
    expect([...(file.nullValueCounts?.values() ?? [])]).toEqual([0, 1, 2, 2, 2])
  })

  describe('a row that does not fit is named by column and row', () => {
    const good: Row = {
      id: 1n,
      name: 'secret',
      at: { x: 1, tags: ['2026-01-31'] },
      prices: new Map([['a', '1.25']]),
    }

    test.each<readonly [string, Row, string]>([
      ['null in a required column', { id: null }, 'id'],
      ['a required column left out', { name: 'x' }, 'id'],
      ['a fraction for a whole number', { id: 1.5 }, 'id'],
      ['a number beyond 64 bits', { id: 2n ** 63n }, 'id'],
      ['an unsafe number', { id: 2 ** 53 }, 'id'],
      ['a text for a number', { id: '1' }, 'id'],
      ['a number for a text', { id: 1, name: 5 }, 'name'],
      ['half of a surrogate pair', { id: 1, name: 'a\uD800' }, 'name'],
      ['half of a surrogate pair in a long text', { id: 1, name: `${'a'.repeat(100)}\uDC00` }, 'name'],
      ['no object for a struct', { id: 1, at: 5 }, 'at'],
      ['an array for a struct', { id: 1, at: [1] }, 'at'],
      ['a missing required member', { id: 1, at: { tags: [] } }, 'at.x'],
      ['a member out of range', { id: 1, at: { x: 2 ** 31 } }, 'at.x'],
      ['a null element', { id: 1, at: { x: 1, tags: [null] } }, 'at.tags.element'],
      ['a date that is none', { id: 1, at: { x: 1, tags: ['2026-02-30'] } }, 'at.tags.element'],
      ['no array for a list', { id: 1, at: { x: 1, tags: 'x' } }, 'at.tags'],
      ['a null value', { id: 1, prices: new Map([['a', null]]) }, 'prices.value'],
      ['a null key', { id: 1, prices: new Map<Value, Value>([[null, '1']]) }, 'prices.key'],
      ['an object for a map', { id: 1, prices: { a: '1' } }, 'prices'],
      [
        'a key twice',
        {
          id: 1,
          prices: [
            ['a', '1'],
            ['a', '2'],
          ],
        },
        'prices',
      ],
      ['a decimal with too many digits', { id: 1, prices: new Map([['a', '1234.5']]) }, 'prices.value'],
      ['a decimal finer than its scale', { id: 1, prices: new Map([['a', '1.005']]) }, 'prices.value'],
    ])('%s', async (_, bad, column) => {
      const error = await refusal([...Array.from({ length: 3000 }, () => good), bad, good])
      expect(error).toBeInstanceOf(InvalidDataError)
      expect(error).toMatchObject({ column, source: 'rows', row: 3000 })
      expect(error.message).not.toContain('secret')
      const lazily = await refusal(
        (async function* () {
          yield good
          yield bad
        })(),
      )
      expect(lazily).toMatchObject({ column, source: 'rows', row: 1 })
    })

    test('a column that the table has not, at any depth', async () => {
      const top = await refusal([good, { id: 1, nmae: 'x' }])
      expect(top).toBeInstanceOf(SchemaMismatchError)
      expect(top).toMatchObject({ column: 'nmae' })
      expect(top.message).toContain('row 1')
      expect(await refusal([{ id: 1, at: { x: 1, y: 2 } }])).toMatchObject({ column: 'at.y' })
    })

    test('what is no row at all', async () => {
      for (const row of [null, 5, 'x', [1], new Map()]) {
        expect(await refusal([row as unknown as Row])).toBeInstanceOf(InvalidDataError)
      }
    })
  })

  describe('what rows may hold', () => {
    test('keys without a value, prototypes and class instances', async () => {
      class Point {
        id = 1
        name = undefined
        get label(): string {
          return 'not a column'
        }
      }
      const inherited = Object.create({ other: 1 }, { id: { value: 2, enumerable: true } }) as Row
      const rows = [new Point() as unknown as Row, inherited, { id: 3, extra: undefined } as unknown as Row]
      const { files } = await shop.write({ kind: 'rows', rows }, schema)
      const [file] = files
      if (file === undefined) throw new Error('no file')
      expect((await rowsOf(file)).map((row) => row['id'])).toEqual([1n, 2n, 3n])
    })

    test('the natural forms of every type', async () => {
      const types: Readonly<Record<string, Type>> = {
        l: { kind: 'long' },
        d: { kind: 'decimal', precision: 9, scale: 2 },
        day: { kind: 'date' },
        ts: { kind: 'timestamp' },
        tz: { kind: 'timestamptz' },
        u: { kind: 'uuid' },
      }
      const rows: Row[] = [
        {
          l: 5,
          d: 1.25,
          day: new Date('1969-12-31'),
          ts: new Date(-1),
          tz: new Date(-1),
          u: '00000000-0000-0000-0000-0000000000FF',
        },
        {
          l: 5n,
          d: '1.25',
          day: '1969-12-31',
          ts: '1969-12-31T23:59:59.999',
          tz: '1970-01-01T00:59:59.999+01:00',
          u: new Uint8Array(16).fill(255, 15),
        },
      ]
      const { files } = await shop.write({ kind: 'rows', rows }, schemaOf(types))
      const [file] = files
      if (file === undefined) throw new Error('no file')
      const [first, second] = await rowsOf(file)
      expect(first).toEqual(second)
      expect(first).toMatchObject({ l: 5n, ts: new Date(-1), tz: new Date(-1), day: new Date('1969-12-31') })
    })

    test('every value of a type keeps to it: as much as two vectors and more', async () => {
      const numbers = schemaOf({
        n: { kind: 'long' },
        s: { kind: 'string' },
        l: { kind: 'list', elementId: 9, elementRequired: false, element: { kind: 'string' } },
      })
      const text = (n: number): string | null =>
        n % 5 === 0 ? null : `${n % 3 === 0 ? 'a rather long text about ' : ''}${n}`
      const list = (n: number): readonly (string | null)[] | null =>
        n % 7 === 0 ? null : Array.from({ length: n % 4 }, (_, at) => text(n + at))
      const rows = Array.from({ length: 10_001 }, (_, n) => ({ n, s: text(n), l: list(n) }))
      for (const given of [
        rows,
        (function* () {
          yield* rows
        })(),
        (async function* () {
          yield* rows
        })(),
      ]) {
        const { files } = await shop.write({ kind: 'rows', rows: given }, numbers)
        const [file] = files
        if (file === undefined) throw new Error('no file')
        expect(await rowsOf(file)).toEqual(rows.map((row) => ({ ...row, n: BigInt(row.n) })))
      }
    })
  })

  describe('iterables', () => {
    test('are read once and closed, whatever happens', async () => {
      let opened = 0
      let closed = 0
      function* sync(bad: boolean): Generator<Row> {
        opened += 1
        try {
          for (let id = 0; id < 5000; id++) yield { id: bad && id === 4000 ? null : id }
        } finally {
          closed += 1
        }
      }
      async function* lazy(bad: boolean): AsyncGenerator<Row> {
        yield* sync(bad)
      }
      await shop.write({ kind: 'rows', rows: sync(false) }, schema)
      await shop.write({ kind: 'rows', rows: lazy(false) }, schema)
      expect(await refusal(sync(true))).toMatchObject({ row: 4000 })
      expect(await refusal(lazy(true))).toMatchObject({ row: 4000 })
      expect([opened, closed]).toEqual([4, 4])
    })

    test('throw their own errors through the write', async () => {
      const mine = new Error('of the source itself')
      const sync = (function* (): Generator<Row> {
        yield { id: 1 }
        throw mine
      })()
      const lazy = (async function* (): AsyncGenerator<Row> {
        yield { id: 1 }
        throw mine
      })()
      await expect(shop.write({ kind: 'rows', rows: sync }, schema)).rejects.toBe(mine)
      await expect(shop.write({ kind: 'rows', rows: lazy }, schema)).rejects.toBe(mine)
      const late = (async function* (): AsyncGenerator<Row> {
        for (let id = 0; id < 20_000; id++) yield { id, name: 'x'.repeat(4000) }
        throw mine
      })()
      await expect(shop.write({ kind: 'rows', rows: late }, schema)).rejects.toBe(mine)
      expect(await spools()).toEqual([])
    })

    test('that must be sorted and are too large for memory are spooled, and what was spooled is removed', async () => {
      let seen: readonly string[] = []
      const rows = (async function* (): AsyncGenerator<Row> {
        for (let id = 0; id < 60_000; id++) {
          if (id === 59_999) seen = await spools()
          yield { id, name: id % 2 === 0 ? null : `${id}`.padEnd(3000, 'x') }
        }
      })()
      const sortOrder = createSortOrder(schema, [
        { source: 'id', transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' },
      ])
      const { files, rows: written } = await shop.write({ kind: 'rows', rows }, schema, { sortOrder })
      expect(seen.length).toBeGreaterThan(0)
      expect(written).toBe(60_000)
      expect(await spools()).toEqual([])
      const [file] = files
      if (file === undefined) throw new Error('no file')
      const found = await shop.sql(
        `SELECT count(*) AS n, count(name) AS names, bool_and(id % 2 = 0 OR starts_with(name, id::VARCHAR)) AS ok,
       bool_and(id = 59999 - file_row_number) AS sorted FROM read_parquet('${pathOf(file)}')`,
      )
      expect(found).toEqual([{ n: 60_000n, names: 30_000n, ok: true, sorted: true }])
    })

    test('stop when the signal fires, and leave nothing', async () => {
      for (const kind of ['sync', 'lazy']) {
        const controller = new AbortController()
        function* endless(): Generator<Row> {
          for (let id = 0; ; id++) {
            if (id === 50_000) controller.abort()
            yield { id, name: 'x'.repeat(100) }
          }
        }
        const rows =
          kind === 'sync'
            ? endless()
            : (async function* () {
                yield* endless()
              })()
        const before = await shop.leftovers()
        const written = shop.write({ kind: 'rows', rows }, schema, { signal: controller.signal })
        await expect(written).rejects.toThrow(OperationAbortedError)
        expect(await shop.leftovers()).toEqual(before)
        expect(await spools()).toEqual([])
      }
    })

    test('report how many rows they have given', async () => {
      const seen: number[] = []
      const rows = Array.from({ length: 5000 }, (_, id) => ({ id }))
      await shop.write({ kind: 'rows', rows }, schema, {
        onProgress: (progress) => {
          expect(progress.totalRows).toBe(5000)
          seen.push(progress.rows)
        },
      })
      expect(seen.at(-1)).toBe(5000)
      expect(seen).toEqual([...seen].sort((a, b) => a - b))
    })
  })

  /** What lies in the engine's scratch folder besides its own spill folder. */
  async function spools(): Promise<readonly string[]> {
    const homes = (await readdir(join(shop.folder, 'scratch'))).filter((name) => name.startsWith('duckdb-'))
    const found = await Promise.all(homes.map((home) => readdir(join(shop.folder, 'scratch', home))))
    return found.flat().filter((name) => name.startsWith('spool-'))
  }
})
