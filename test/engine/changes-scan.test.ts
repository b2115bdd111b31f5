import { readFile, truncate } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CorruptFileError,
  InvalidArgumentError,
  InvalidDataError,
  OperationAbortedError,
} from '../../src/errors.ts'
import type { ScannedRows } from '../../src/engine/row-changes.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { createSpec } from '../../src/format/partition-spec.ts'
import { PositionSet } from '../../src/format/position-set.ts'
import type { Schema } from '../../src/format/schema.ts'
import { createSortOrder } from '../../src/format/sort-order.ts'
import type { Datum } from '../../src/format/types.ts'
import type { Row } from '../../src/format/values/value.ts'
import { deleteRequest, matchOf, readRequest, taskOf } from './changing.ts'
import { entryOf } from './reading.ts'
import { fieldsOf, openWorkshop, pathOf, rowsOf, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

const schema = schemaOf({ id: { kind: 'long' }, x: { kind: 'double' }, name: { kind: 'string' } })

async function fileOf(rows: readonly Row[], of: Schema = schema): Promise<ContentFile> {
  const [file] = (await shop.write({ kind: 'rows', rows }, of)).files
  if (file === undefined) throw new Error('no file was written')
  return file
}

function numbered(count: number, first = 0): Row[] {
  return Array.from({ length: count }, (_, at) => ({ id: BigInt(first + at), x: at / 2, name: `n${at % 7}` }))
}

function scanned(
  files: readonly ContentFile[],
  take: 'except' | 'only',
  positions: readonly (readonly [ContentFile, readonly number[]])[],
  more: { readonly assign?: ReadonlyMap<number, Datum | null>; readonly schema?: Schema } = {},
): ScannedRows {
  const of = more.schema ?? schema
  return {
    kind: 'scan',
    read: readRequest(
      shop,
      of,
      files.map((file) => taskOf(file, of)),
    ),
    rows: {
      take,
      positions: new Map(positions.map(([file, each]) => [file.location, PositionSet.of(each)])),
    },
    ...(more.assign === undefined ? {} : { assign: more.assign }),
  }
}

async function idsOf(files: readonly ContentFile[]): Promise<readonly bigint[]> {
  const rows = await Promise.all(files.map(rowsOf))
  return rows.flat().map((row) => BigInt(String(row['id'])))
}

describe('rows of data files, written again', () => {
  test('all but some, and some alone, in their order', async () => {
    const [a, b] = [await fileOf(numbered(6)), await fileOf(numbered(4, 100))]
    const rest = await shop.write(scanned([a, b], 'except', [[a, [0, 2, 5]]]), schema)
    expect(await idsOf(rest.files)).toStrictEqual([1n, 3n, 4n, 100n, 101n, 102n, 103n])
    expect(rest.rows).toBe(7)
    const some = await shop.write(scanned([a, b], 'only', [[b, [3, 0]]]), schema)
    expect(await idsOf(some.files)).toStrictEqual([100n, 103n])
  })

  test('of which none is left make no file', async () => {
    const file = await fileOf(numbered(3))
    const before = (await shop.leftovers()).length
    for (const source of [
      scanned([file], 'except', [[file, [0, 1, 2]]]),
      scanned([file], 'only', []),
      scanned([], 'except', []),
    ]) {
      expect(await shop.write(source, schema)).toStrictEqual({ files: [], rows: 0 })
    }
    expect(await shop.leftovers()).toHaveLength(before)
  })

  test('that were deleted before do not come back, whichever are asked for', async () => {
    const file = await fileOf(numbered(6))
    const [deletes] = await shop.plane.writePositionDeletes(
      deleteRequest(shop, schema, [matchOf(file, schema, [1, 3])]),
    )
    if (deletes === undefined) throw new Error('no delete file was written')
    const source = (take: 'except' | 'only', positions: readonly number[]): ScannedRows => {
      const plain = scanned([file], take, [[file, positions]])
      const task = taskOf(file, schema, { op: 'true' }, { deletes: [entryOf(deletes)] })
      return { ...plain, read: { ...plain.read, tasks: [task] } }
    }
    expect(await idsOf((await shop.write(source('except', [0]), schema)).files)).toStrictEqual([2n, 4n, 5n])
    expect(await idsOf((await shop.write(source('only', [0, 1]), schema)).files)).toStrictEqual([0n])
  })

  test('take new values, null among them', async () => {
    const file = await fileOf(numbered(4))
    const assign = new Map<number, Datum | null>([
      [2, null],
      [3, "it's"],
    ])
    const { files } = await shop.write(scanned([file], 'only', [[file, [1, 2]]], { assign }), schema)
    const [written] = files
    if (written === undefined) throw new Error('no file was written')
    expect(await rowsOf(written)).toStrictEqual([
      { id: 1n, x: null, name: "it's" },
      { id: 2n, x: null, name: "it's" },
    ])
  })

  test('refuse null for a required column, and columns that are not there', async () => {
    const required = fieldsOf([{ id: 1, name: 'id', required: true, type: { kind: 'long' } }])
    const file = await fileOf([{ id: 1n }], required)
    const write = (assign: ReadonlyMap<number, Datum | null>) =>
      shop.write(scanned([file], 'except', [], { assign, schema: required }), required)
    await expect(write(new Map([[1, null]]))).rejects.toThrow(InvalidDataError)
    await expect(write(new Map([[9, 1n]]))).rejects.toThrow(InvalidArgumentError)
  })

  test('come out by the current schema: renamed, promoted, added, dropped, reordered and nested', async () => {
    const before = fieldsOf([
      { id: 1, name: 'a', required: false, type: { kind: 'int' } },
      { id: 2, name: 'gone', required: false, type: { kind: 'string' } },
      {
        id: 3,
        name: 's',
        required: false,
        type: {
          kind: 'struct',
          fields: [
            { id: 4, name: 'f', required: false, type: { kind: 'float' } },
            { id: 5, name: 'g', required: false, type: { kind: 'string' } },
          ],
        },
      },
    ])
    const after = fieldsOf([
      { id: 6, name: 'gone', required: false, type: { kind: 'long' } },
      {
        id: 3,
        name: 'S',
        required: false,
        type: {
          kind: 'struct',
          fields: [
            { id: 5, name: 'h', required: false, type: { kind: 'string' } },
            { id: 4, name: 'f', required: false, type: { kind: 'double' } },
          ],
        },
      },
      { id: 1, name: 'b', required: false, type: { kind: 'long' } },
    ])
    const file = await fileOf(
      [
        { a: 1, gone: 'x', s: { f: 0.5, g: 'g' } },
        { a: null, gone: 'y', s: null },
        { a: 3, gone: 'z', s: { f: null, g: null } },
      ],
      before,
    )
    const { files } = await shop.write(scanned([file], 'except', [[file, [2]]], { schema: after }), after)
    const [written] = files
    if (written === undefined) throw new Error('no file was written')
    expect(await shop.sql(`SELECT * FROM read_parquet('${pathOf(written)}')`)).toMatchObject([
      { gone: null, S: { entries: { h: 'g', f: 0.5 } }, b: 1n },
      { gone: null, S: null, b: null },
    ])
  })

  test('of files of two layouts, in partitions of the current spec and its order', async () => {
    const older = schemaOf({ id: { kind: 'int' } })
    const a = await fileOf([{ id: 3 }, { id: 1 }, { id: 2 }], older)
    const b = await fileOf([
      { id: 6n, x: 1, name: 'u' },
      { id: 4n, x: 2, name: 'v' },
    ])
    const { files } = await shop.write(scanned([a, b], 'except', [[a, [1]]]), schema, {
      spec: createSpec(schema, [{ source: 'id', transform: 'truncate[4]' }]),
      sortOrder: createSortOrder(schema, [{ source: 'id', direction: 'asc' }]),
    })
    const byPartition = new Map<string, readonly bigint[]>()
    for (const file of files) byPartition.set(String(file.partition), await idsOf([file]))
    expect(byPartition).toStrictEqual(
      new Map([
        ['0', [2n, 3n]],
        ['4', [4n, 6n]],
      ]),
    )
  })

  test('hundreds of thousands of positions in several files are no trouble', async () => {
    const files: ContentFile[] = []
    for (let at = 0; at < 3; at++) files.push(await fileOf(numbered(200_000, at * 200_000)))
    const odd = Array.from({ length: 100_000 }, (_, at) => at * 2 + 1)
    const result = await shop.write(
      scanned(
        files,
        'except',
        files.map((file) => [file, odd]),
      ),
      schema,
    )
    expect(result.rows).toBe(300_000)
    const list = result.files.map((file) => `'${pathOf(file)}'`).join(', ')
    expect(
      await shop.sql(
        `SELECT count(DISTINCT id)::INT AS n, max(id % 2)::INT AS odd FROM read_parquet([${list}])`,
      ),
    ).toStrictEqual([{ n: 300_000, odd: 0 }])
  })

  test('leave nothing behind when stopped, or when a file is damaged, which is named', async () => {
    const file = await fileOf(numbered(1000))
    const before = (await shop.leftovers()).length
    const aborted = shop.write(scanned([file], 'except', [[file, [1]]]), schema, {
      signal: AbortSignal.abort(),
    })
    await expect(aborted).rejects.toThrow(OperationAbortedError)
    const bytes = await readFile(pathOf(file))
    await truncate(pathOf(file), bytes.length - 10)
    const error: unknown = await shop.write(scanned([file], 'except', []), schema).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(CorruptFileError)
    expect(error).toMatchObject({ file: file.location })
    expect(await shop.leftovers()).toHaveLength(before)
  })
})
