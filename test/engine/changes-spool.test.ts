import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  InvalidArgumentError,
  InvalidDataError,
  OperationAbortedError,
  SchemaMismatchError,
} from '../../src/errors.ts'
import type { RowSource } from '../../src/engine/data-plane.ts'
import type { SpooledRows } from '../../src/engine/row-changes.ts'
import type { Schema } from '../../src/format/schema.ts'
import type { Type } from '../../src/format/types.ts'
import type { Row, Value } from '../../src/format/values/value.ts'
import { fieldsOf, openWorkshop, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

const schema = schemaOf({ id: { kind: 'long' }, name: { kind: 'string' } })

function spooled(source: RowSource, of: Schema = schema): Promise<SpooledRows> {
  return shop.plane.spool({ source, schema: of, files: shop.files })
}

function rowsOf(...rows: Row[]): RowSource {
  return { kind: 'rows', rows }
}

async function scratchEntries(): Promise<readonly string[]> {
  const [home] = await readdir(join(shop.folder, 'scratch'))
  const entries = await readdir(join(shop.folder, 'scratch', home ?? ''))
  return entries.filter((entry) => !entry.startsWith('spill-'))
}

describe('spool', () => {
  test('reads a source once, whatever it is, and frees its scratch', async () => {
    let reads = 0
    async function* rows() {
      reads += 1
      yield { id: 1n, name: 'a' }
      yield { id: 2n, name: null }
    }
    const held = await spooled({ kind: 'rows', rows: rows() })
    expect(held.rows).toBe(2)
    await shop.plane.checkKeys(held, [1])
    await shop.plane.checkKeys(held, [2])
    expect(reads).toBe(1)
    expect(await scratchEntries()).toHaveLength(1)
    await held.close()
    expect(await scratchEntries()).toStrictEqual([])
    await expect(shop.plane.checkKeys(held, [1])).rejects.toThrow(InvalidArgumentError)
  })

  test('keeps what was checked when a file changes meanwhile', async () => {
    const path = join(shop.folder, 'changing.csv')
    await writeFile(path, 'id,name\n1,a\n2,b\n')
    const held = await spooled({ kind: 'files', format: 'csv', paths: [path] })
    await writeFile(path, 'id,name\n7,a\n7,b\n7,c\n')
    expect((await shop.plane.checkKeys(held, [1])).duplicateRows).toBe(0)
    await held.close()
  })

  test('of nothing has no rows, whatever its columns', async () => {
    const held = await spooled(rowsOf())
    expect(held.rows).toBe(0)
    expect(await shop.plane.checkKeys(held, [1])).toStrictEqual({ nulls: new Map(), duplicateRows: 0 })
    expect(await shop.plane.keyBounds(held, [1])).toBeNull()
    await held.close()
  })

  test('refuses as a write does, and leaves nothing in scratch', async () => {
    const required = fieldsOf([
      { id: 1, name: 'id', required: true, type: { kind: 'long' } },
      { id: 2, name: 'name', required: false, type: { kind: 'string' } },
    ])
    const parquet = join(shop.folder, 'wrong.parquet')
    await shop.sql(`COPY (SELECT 1::BIGINT AS id, 2 AS stranger) TO '${parquet}' (FORMAT parquet)`)
    await expect(spooled({ kind: 'files', format: 'parquet', paths: [parquet] })).rejects.toThrow(
      SchemaMismatchError,
    )
    const nulls = join(shop.folder, 'nulls.parquet')
    await shop.sql(
      `COPY (SELECT nullif(range, 3)::BIGINT AS id, 'x' AS name FROM range(5)) TO '${nulls}' (FORMAT parquet)`,
    )
    const files: RowSource = { kind: 'files', format: 'parquet', paths: [nulls] }
    await expect(spooled(files, required)).rejects.toMatchObject({ column: 'id', source: nulls, row: 3 })
    const csv = join(shop.folder, 'wrong.csv')
    await writeFile(csv, 'id,name\n1,a\nx,b\n')
    const error: unknown = await spooled({ kind: 'files', format: 'csv', paths: [csv] }).catch((e) => e)
    expect(error).toBeInstanceOf(InvalidDataError)
    expect(error).toMatchObject({ column: 'id', row: 1 })
    await expect(spooled(rowsOf({ id: 'no number', name: null }))).rejects.toThrow(InvalidDataError)
    const failing = new Error('the iterable failed')
    function* broken(): Generator<Row> {
      yield { id: 1n, name: 'a' }
      throw failing
    }
    await expect(spooled({ kind: 'rows', rows: broken() })).rejects.toBe(failing)
    expect(await scratchEntries()).toStrictEqual([])
  })

  test('is stopped by a signal', async () => {
    const stop = new AbortController()
    function* rows(): Generator<Row> {
      for (let id = 0; ; id++) {
        if (id === 100_000) stop.abort()
        yield { id: BigInt(id), name: 'x' }
      }
    }
    const source = { kind: 'rows', rows: rows() } as const
    const request = { source, schema, files: shop.files, signal: stop.signal }
    await expect(shop.plane.spool(request)).rejects.toThrow(OperationAbortedError)
    expect(await scratchEntries()).toStrictEqual([])
  })
})

describe('keys', () => {
  test('with nulls and duplicates are counted', async () => {
    const held = await spooled(
      rowsOf(
        { id: 1n, name: 'a' },
        { id: 1n, name: 'b' },
        { id: 1n, name: 'a' },
        { id: 2n, name: 'a' },
        { id: null, name: 'a' },
        { id: null, name: null },
        { id: 2n, name: 'a' },
      ),
    )
    expect(await shop.plane.checkKeys(held, [1, 2])).toStrictEqual({
      nulls: new Map([
        [1, 2],
        [2, 1],
      ]),
      duplicateRows: 4,
    })
    // Rows without a key have none that could be another's.
    expect(await shop.plane.checkKeys(held, [1])).toStrictEqual({
      nulls: new Map([[1, 2]]),
      duplicateRows: 5,
    })
    await held.close()
  })

  test.each<[Type, Value, Value, unknown, unknown]>([
    [{ kind: 'int' }, -5, 7, -5, 7],
    [{ kind: 'long' }, -9_007_199_254_740_993n, 3n, -9_007_199_254_740_993n, 3n],
    [{ kind: 'string' }, 'Z', 'a\u{1F600}'.repeat(200), 'Z', 'a\u{1F600}'.repeat(200)],
    [{ kind: 'string' }, '\uFEFFa', '\uFEFFb', '\uFEFFa', '\uFEFFb'],
    [{ kind: 'boolean' }, false, true, false, true],
    [
      { kind: 'decimal', precision: 38, scale: 2 },
      '-1.05',
      '99999999999999999999.99',
      -105n,
      9999999999999999999999n,
    ],
    [{ kind: 'date' }, '1969-12-31', '2020-02-29', -1, 18321],
    [{ kind: 'time' }, '00:00:00', '23:59:59.999999', 0n, 86_399_999_999n],
    [{ kind: 'timestamp' }, '1969-12-31T23:59:59.999999', '2000-01-01T00:00:00', -1n, 946_684_800_000_000n],
    [
      { kind: 'timestamptz' },
      '1969-12-31T23:59:59.999999Z',
      '2000-01-01T00:00:00Z',
      -1n,
      946_684_800_000_000n,
    ],
    [
      { kind: 'uuid' },
      '10000000-0000-0000-0000-000000000000',
      'f0000000-0000-0000-0000-000000000001',
      '10000000-0000-0000-0000-000000000000',
      'f0000000-0000-0000-0000-000000000001',
    ],
    [
      { kind: 'binary' },
      new Uint8Array([1, 2]),
      new Uint8Array([255]),
      new Uint8Array([1, 2]),
      new Uint8Array([255]),
    ],
  ])('of type %j have exact bounds', async (type, low, high, lower, upper) => {
    const held = await spooled(
      rowsOf({ k: high }, { k: low }, { k: null }, { k: high }),
      schemaOf({ k: type }),
    )
    expect(await shop.plane.keyBounds(held, [1])).toStrictEqual(new Map([[1, { lower, upper }]]))
    await held.close()
  })

  test('of columns that are not there, or nested, are refused', async () => {
    const nested = schemaOf({
      id: { kind: 'long' },
      l: { kind: 'list', elementId: 9, elementRequired: false, element: { kind: 'int' } },
    })
    const held = await spooled(rowsOf({ id: 1n, l: [1] }), nested)
    await expect(shop.plane.checkKeys(held, [77])).rejects.toThrow(InvalidArgumentError)
    await expect(shop.plane.keyBounds(held, [2])).rejects.toThrow(InvalidArgumentError)
    await expect(shop.plane.checkKeys(held, [])).rejects.toThrow(InvalidArgumentError)
    await held.close()
  })
})
