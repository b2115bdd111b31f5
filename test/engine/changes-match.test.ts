import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OperationAbortedError } from '../../src/errors.ts'
import { and, eq, gte, isNaN, isNull, lt, not, notEq, or } from '../../src/format/expressions/expression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { createSpec } from '../../src/format/partition-spec.ts'
import type { Row } from '../../src/format/values/value.ts'
import { deleteRequest, matchOf, matchRequest, positionsOf, taskOf } from './changing.ts'
import { entryOf } from './reading.ts'
import { openWorkshop, pathOf, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

const schema = schemaOf({ id: { kind: 'long' }, x: { kind: 'double' }, name: { kind: 'string' } })

async function fileOf(rows: readonly Row[]): Promise<ContentFile> {
  const { files } = await shop.write({ kind: 'rows', rows }, schema)
  const [file] = files
  if (file === undefined) throw new Error('no file was written')
  return file
}

function numbered(count: number, first = 0): Row[] {
  return Array.from({ length: count }, (_, at) => ({ id: BigInt(first + at), x: at / 2, name: `n${at % 7}` }))
}

/** A file whose rows at the given positions are deleted already. */
async function deletesOf(file: ContentFile, positions: readonly number[]) {
  const files = await shop.plane.writePositionDeletes(
    deleteRequest(shop, schema, [matchOf(file, schema, positions)]),
  )
  return { deletes: files.map((each) => entryOf(each)) }
}

describe('match', () => {
  test('gives the positions of the rows for which the filter is true, not unknown', async () => {
    const file = await fileOf([
      { id: 1n, x: 1, name: 'a' },
      { id: null, x: null, name: null },
      { id: 3n, x: Number.NaN, name: 'c' },
      { id: 4n, x: -0, name: 'a' },
    ])
    const positions = async (filter: Parameters<typeof taskOf>[2]) => {
      const task = taskOf(file, schema, filter)
      return positionsOf(await shop.plane.match(matchRequest(shop, schema, [task])), [file])[0]
    }
    expect(await positions(gte('id', 3n))).toStrictEqual([2, 3])
    expect(await positions(not(gte('id', 3n)))).toStrictEqual([0])
    expect(await positions(isNull('id'))).toStrictEqual([1])
    expect(await positions(isNaN('x'))).toStrictEqual([2])
    expect(await positions(eq('x', 0))).toStrictEqual([3])
    expect(await positions(notEq('x', 1))).toStrictEqual([2, 3])
    expect(await positions(or(eq('name', 'c'), isNull('name')))).toStrictEqual([1, 2])
    expect(await positions(eq('name', 'z'))).toStrictEqual([])
  })

  test('tells rows of many small files apart, and leaves out files without a hit', async () => {
    const files: ContentFile[] = []
    for (let at = 0; at < 12; at++) files.push(await fileOf(numbered(5, at * 5)))
    const tasks = files.map((file) => taskOf(file, schema, and(gte('id', 12n), lt('id', 21n))))
    const matches = await shop.plane.match(matchRequest(shop, schema, tasks))
    expect(matches).toHaveLength(3)
    expect(positionsOf(matches, files).slice(0, 6)).toStrictEqual([
      [],
      [],
      [2, 3, 4],
      [0, 1, 2, 3, 4],
      [0],
      [],
    ])
    expect(matches.every(({ task }) => tasks.includes(task))).toBe(true)
  })

  test('leaves out rows that are deleted already, and counts what is left', async () => {
    const file = await fileOf(numbered(10))
    const other = await fileOf(numbered(10, 100))
    const deletes = await deletesOf(file, [0, 4, 9])
    const tasks = [
      taskOf(file, schema, gte('id', 3n), deletes),
      taskOf(other, schema, lt('id', 102n), await deletesOf(other, [1])),
    ]
    const matches = await shop.plane.match(matchRequest(shop, schema, tasks))
    expect(positionsOf(matches, [file, other])).toStrictEqual([[3, 5, 6, 7, 8], [0]])
    expect(matches.map(({ liveRows }) => liveRows)).toStrictEqual([7, 9])
  })

  test('a file that is hit whole is not opened; with deletes only those are', async () => {
    const file = await fileOf(numbered(9))
    const deleted = await fileOf(numbered(9))
    const { deletes } = await deletesOf(deleted, [8, 0])
    const gone: ContentFile = { ...file, location: `${file.location}.gone` }
    const matches = await shop.plane.match(
      matchRequest(shop, schema, [
        taskOf(gone, schema),
        taskOf(deleted, schema, { op: 'true' }, { deletes }),
      ]),
    )
    expect(positionsOf(matches, [gone, deleted])).toStrictEqual([
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
      [1, 2, 3, 4, 5, 6, 7],
    ])
    expect(matches.map(({ liveRows }) => liveRows)).toStrictEqual([9, 7])
  })

  test('agrees with another reader over row groups and millions of bits', async () => {
    const { files } = await shop.write({ kind: 'rows', rows: numbered(300_000) }, schema)
    const tasks = files.map((file) => taskOf(file, schema, and(eq('name', 'n3'), gte('x', 70_000.5))))
    const matches = await shop.plane.match(matchRequest(shop, schema, tasks))
    for (const [at, file] of files.entries()) {
      const expected = await shop.sql(
        `SELECT file_row_number::INTEGER AS p FROM read_parquet('${pathOf(file)}') ` +
          `WHERE name = 'n3' AND x >= 70000.5 ORDER BY 1`,
      )
      expect(positionsOf(matches, files)[at]).toStrictEqual(expected.map((row) => row['p']))
    }
  })

  test('is stopped by a signal, and reports progress', async () => {
    const file = await fileOf(numbered(1000))
    const tasks = [taskOf(file, schema, gte('id', 10n))]
    const seen: unknown[] = []
    await shop.plane.match(matchRequest(shop, schema, tasks, { onProgress: (each) => seen.push(each) }))
    expect(seen).toStrictEqual([{ rows: 1000, totalRows: 1000 }])
    const aborted = matchRequest(shop, schema, tasks, { signal: AbortSignal.abort() })
    await expect(shop.plane.match(aborted)).rejects.toThrow(OperationAbortedError)
  })
})

describe('matchPartitions', () => {
  const rows: Row[] = [
    { id: 0n, x: 0.5, name: 'abc' },
    { id: 9n, x: Number.NaN, name: null },
    { id: 10n, x: -0, name: 'abd' },
    { id: -1n, x: 0, name: 'x' },
    { id: null, x: null, name: 'ab' },
  ]

  async function hits(
    fields: Parameters<typeof createSpec>[1],
    partitions: readonly (readonly (bigint | number | string | null)[])[],
  ) {
    const file = await fileOf(rows)
    const matches = await shop.plane.matchPartitions({
      ...matchRequest(shop, schema, [taskOf(file, schema)]),
      spec: createSpec(schema, fields),
      partitions,
    })
    return positionsOf(matches, [file])[0]
  }

  test('compares transformed values, nulls among them', async () => {
    expect(await hits([{ source: 'id', transform: 'truncate[10]' }], [[0n]])).toStrictEqual([0, 1])
    expect(await hits([{ source: 'id', transform: 'truncate[10]' }], [[-10n], [null]])).toStrictEqual([3, 4])
    expect(await hits([{ source: 'name', transform: 'truncate[2]' }], [['ab']])).toStrictEqual([0, 2, 4])
    expect(await hits([{ source: 'name', transform: 'identity' }], [[null], ['x']])).toStrictEqual([1, 3])
    expect(await hits([{ source: 'name', transform: 'void' }], [[null]])).toStrictEqual([0, 1, 2, 3, 4])
  })

  test('buckets as the spec hashes', async () => {
    // Iceberg spec, Appendix B: 34 hashes to 2017239379, 'iceberg' to 1210000089.
    const file = await fileOf([
      { id: 34n, x: null, name: null },
      { id: null, x: null, name: 'iceberg' },
    ])
    const bucketed = async (source: string, bucket: number) =>
      positionsOf(
        await shop.plane.matchPartitions({
          ...matchRequest(shop, schema, [taskOf(file, schema)]),
          spec: createSpec(schema, [{ source, transform: 'bucket[1000]' }]),
          partitions: [[bucket]],
        }),
        [file],
      )[0]
    expect(await bucketed('id', 379)).toStrictEqual([0])
    expect(await bucketed('name', 89)).toStrictEqual([1])
    expect(await bucketed('name', 90)).toStrictEqual([])
  })

  test('knows two zeros and one NaN', async () => {
    const spec = [{ source: 'x', transform: 'identity' }]
    expect(await hits(spec, [[0]])).toStrictEqual([3])
    expect(await hits(spec, [[-0]])).toStrictEqual([2])
    expect(await hits(spec, [[Number.NaN], [null]])).toStrictEqual([1, 4])
  })

  test('matches whole tuples, and all rows where nothing partitions', async () => {
    const spec = [
      { source: 'name', transform: 'truncate[2]' },
      { source: 'id', transform: 'identity' },
    ]
    expect(
      await hits(spec, [
        ['ab', 0n],
        ['ab', null],
        ['x', 0n],
      ]),
    ).toStrictEqual([0, 4])
    expect(await hits([], [[]])).toStrictEqual([0, 1, 2, 3, 4])
    expect(await hits(spec, [])).toStrictEqual([])
  })
})
