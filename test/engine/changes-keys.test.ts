import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileScanTask } from '../../src/engine/data-plane.ts'
import type { FileMatch, KeyMatchRequest } from '../../src/engine/row-changes.ts'
import { OperationAbortedError } from '../../src/errors.ts'
import { bindExpression } from '../../src/format/expressions/bind.ts'
import { eq, gte, type Expression } from '../../src/format/expressions/expression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import type { Schema } from '../../src/format/schema.ts'
import type { Row } from '../../src/format/values/value.ts'
import { deleteRequest, matchOf, matchRequest, readRequest, rowsOfTasks, taskOf } from './changing.ts'
import { entryOf } from './reading.ts'
import { fieldsOf, openWorkshop, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

async function fileOf(rows: readonly Row[], schema: Schema): Promise<ContentFile> {
  const [file] = (await shop.write({ kind: 'rows', rows }, schema)).files
  if (file === undefined) throw new Error('no file was written')
  return file
}

interface Options {
  readonly keys: readonly number[]
  readonly updateMatched?: boolean
  readonly insertNotMatched?: boolean
  readonly deleteWhen?: Expression
  readonly notMatchedBySource?: Expression
}

interface Outcome {
  readonly counts: Readonly<Record<'updated' | 'inserted' | 'deleted' | 'unchanged', number>>
  readonly matches: readonly FileMatch[]
  /** The table after the change: rows that stay, and those written. */
  readonly table: readonly Row[]
  readonly written: readonly Row[]
}

/** Matches, writes what is to be written, and reads what the table then is. */
async function merged(
  tasks: readonly FileScanTask[],
  source: readonly Row[],
  schema: Schema,
  options: Options,
): Promise<Outcome> {
  const spooled = await shop.plane.spool({
    source: { kind: 'rows', rows: source },
    schema,
    files: shop.files,
  })
  const bound = (filter: Expression | undefined) =>
    filter === undefined ? null : bindExpression(schema, filter)
  const request: KeyMatchRequest = {
    ...matchRequest(shop, schema, tasks),
    source: spooled,
    keys: options.keys,
    compare: schema.fields.map(({ id }) => id).filter((id) => !options.keys.includes(id)),
    updateMatched: options.updateMatched ?? true,
    insertNotMatched: options.insertNotMatched ?? true,
    deleteWhen: bound(options.deleteWhen),
    notMatchedBySource: bound(options.notMatchedBySource),
  }
  const match = await shop.plane.matchKeys(request)
  const { files } = await shop.write(match.selected, schema)
  const written = await rowsOfTasks(
    shop.plane,
    readRequest(
      shop,
      schema,
      files.map((file) => taskOf(file, schema)),
    ),
  )
  const positions = new Map(match.matches.map((each) => [each.task.entry.file.location, each.positions]))
  const rest = await shop.write(
    { kind: 'scan', read: readRequest(shop, schema, tasks), rows: { take: 'except', positions } },
    schema,
  )
  const kept = await rowsOfTasks(
    shop.plane,
    readRequest(
      shop,
      schema,
      rest.files.map((file) => taskOf(file, schema)),
    ),
  )
  await match.close()
  await spooled.close()
  return {
    counts: {
      updated: match.rowsUpdated,
      inserted: match.rowsInserted,
      deleted: match.rowsDeleted,
      unchanged: match.rowsUnchanged,
    },
    matches: match.matches,
    table: [...kept, ...written],
    written,
  }
}

const plain = schemaOf({ id: { kind: 'long' }, v: { kind: 'string' } })

describe('matchKeys', () => {
  test('updates what differs, inserts what is new, and leaves alone what is the same', async () => {
    const file = await fileOf(
      [
        { id: 1n, v: 'a' },
        { id: 2n, v: 'b' },
        { id: 3n, v: null },
        { id: null, v: 'n' },
      ],
      plain,
    )
    const source = [
      { id: 1n, v: 'a' },
      { id: 2n, v: 'B' },
      { id: 3n, v: 'c' },
      { id: 4n, v: null },
    ]
    const { counts, table, matches, written } = await merged([taskOf(file, plain)], source, plain, {
      keys: [1],
    })
    expect(counts).toStrictEqual({ updated: 2, inserted: 1, deleted: 0, unchanged: 1 })
    expect(matches.map(({ positions, liveRows }) => [[...positions], liveRows])).toStrictEqual([[[1, 2], 4]])
    expect(written).toStrictEqual([source[1], source[2], source[3]])
    expect(table).toHaveLength(5)
  })

  test('follows what is asked: no updates, no inserts, deletes by the source', async () => {
    const file = await fileOf(
      [
        { id: 1n, v: 'a' },
        { id: 2n, v: 'b' },
        { id: 3n, v: 'c' },
      ],
      plain,
    )
    const source = [
      { id: 1n, v: 'x' },
      { id: 2n, v: 'gone' },
      { id: 8n, v: 'new' },
      { id: 9n, v: 'gone' },
    ]
    const tasks = [taskOf(file, plain)]
    const counts = async (options: Omit<Options, 'keys'>) =>
      (await merged(tasks, source, plain, { keys: [1], ...options })).counts
    expect(await counts({ updateMatched: false })).toStrictEqual({
      updated: 0,
      inserted: 2,
      deleted: 0,
      unchanged: 2,
    })
    expect(await counts({ insertNotMatched: false })).toStrictEqual({
      updated: 2,
      inserted: 0,
      deleted: 0,
      unchanged: 0,
    })
    const { table, ...outcome } = await merged(tasks, source, plain, {
      keys: [1],
      deleteWhen: eq('v', 'gone'),
    })
    expect(outcome.counts).toStrictEqual({ updated: 1, inserted: 1, deleted: 1, unchanged: 0 })
    expect(table).toStrictEqual([
      { id: 3n, v: 'c' },
      { id: 1n, v: 'x' },
      { id: 8n, v: 'new' },
    ])
    expect(await counts({ updateMatched: false, deleteWhen: eq('v', 'gone') })).toStrictEqual({
      updated: 0,
      inserted: 1,
      deleted: 1,
      unchanged: 1,
    })
  })

  test('deletes what the source has not, within the scope only', async () => {
    const file = await fileOf(
      [
        { id: 1n, v: 'in' },
        { id: 2n, v: 'in' },
        { id: 3n, v: 'out' },
        { id: 4n, v: null },
        { id: null, v: 'in' },
      ],
      plain,
    )
    const options = { keys: [1], notMatchedBySource: eq('v', 'in') }
    const some = await merged([taskOf(file, plain)], [{ id: 1n, v: 'in' }], plain, options)
    expect(some.counts).toStrictEqual({ updated: 0, inserted: 0, deleted: 2, unchanged: 1 })
    expect(some.matches.map(({ positions }) => [...positions])).toStrictEqual([[1, 4]])
    const none = await merged([taskOf(file, plain)], [], plain, options)
    expect(none.counts).toStrictEqual({ updated: 0, inserted: 0, deleted: 3, unchanged: 0 })
  })

  test('replaces every table row of a key, one for one', async () => {
    const rows = [1, 1, 1, 2].map((id) => ({ id: BigInt(id), v: 'old' }))
    const files = [await fileOf(rows, plain), await fileOf([{ id: 1n, v: 'new' }], plain)]
    const tasks = files.map((file) => taskOf(file, plain))
    const { counts, table, written } = await merged(tasks, [{ id: 1n, v: 'new' }], plain, { keys: [1] })
    expect(counts).toStrictEqual({ updated: 3, inserted: 0, deleted: 0, unchanged: 1 })
    expect(written).toHaveLength(3)
    expect(table.map((row) => `${String(row['id'])}${String(row['v'])}`).toSorted()).toStrictEqual([
      '1new',
      '1new',
      '1new',
      '1new',
      '2old',
    ])
  })

  test('does not see rows that are deleted, nor files whose filter leaves them out', async () => {
    const file = await fileOf(
      [1, 2, 3, 4].map((id) => ({ id: BigInt(id), v: 'a' })),
      plain,
    )
    const [deletes] = await shop.plane.writePositionDeletes(
      deleteRequest(shop, plain, [matchOf(file, plain, [1])]),
    )
    if (deletes === undefined) throw new Error('no delete file was written')
    const task = taskOf(file, plain, gte('id', 2n), { deletes: [entryOf(deletes)] })
    const source = [2, 3, 4].map((id) => ({ id: BigInt(id), v: id === 3 ? 'b' : 'a' }))
    const { counts, matches } = await merged([task], source, plain, { keys: [1] })
    expect(counts).toStrictEqual({ updated: 1, inserted: 1, deleted: 0, unchanged: 1 })
    expect(matches.map(({ positions, liveRows }) => [[...positions], liveRows])).toStrictEqual([[[2], 3]])
  })

  test('compares by field id: renamed, promoted and added columns of older files', async () => {
    const older = fieldsOf([
      { id: 1, name: 'key', required: false, type: { kind: 'int' } },
      { id: 2, name: 'x', required: false, type: { kind: 'float' } },
    ])
    const now = fieldsOf([
      { id: 3, name: 'x', required: false, type: { kind: 'string' } },
      { id: 2, name: 'f', required: false, type: { kind: 'double' } },
      { id: 1, name: 'id', required: false, type: { kind: 'long' } },
    ])
    const file = await fileOf(
      [
        { key: 1, x: 0.5 },
        { key: 2, x: 0.5 },
        { key: 3, x: 0.5 },
      ],
      older,
    )
    const source = [
      { id: 1n, f: 0.5, x: null },
      { id: 2n, f: 0.25, x: null },
      { id: 3n, f: 0.5, x: 'new' },
    ]
    const { counts, table } = await merged([taskOf(file, now)], source, now, { keys: [1] })
    expect(counts).toStrictEqual({ updated: 2, inserted: 0, deleted: 0, unchanged: 1 })
    expect(table).toStrictEqual([
      { x: null, f: 0.5, id: 1n },
      { x: null, f: 0.25, id: 2n },
      { x: 'new', f: 0.5, id: 3n },
    ])
  })

  test('names that differ in case only, odd ones, and columns that are always null', async () => {
    const odd = schemaOf({
      x: { kind: 'long' },
      X: { kind: 'string' },
      'a "quoted" name': { kind: 'double' },
      nothing: { kind: 'unknown' },
      file_row_number: { kind: 'int' },
    })
    const row = (x: bigint, text: string): Row => ({
      x,
      X: text,
      'a "quoted" name': -0,
      nothing: null,
      file_row_number: 7,
    })
    const file = await fileOf([row(1n, 'a'), row(2n, 'b')], odd)
    const source = [row(1n, 'a'), row(2n, 'B'), row(3n, 'c')]
    const { counts, table } = await merged([taskOf(file, odd)], source, odd, { keys: [1] })
    expect(counts).toStrictEqual({ updated: 1, inserted: 1, deleted: 0, unchanged: 1 })
    expect(table).toStrictEqual(source)
  })

  test('without columns to compare, without files, without rows', async () => {
    const keyOnly = schemaOf({ id: { kind: 'long' } })
    const file = await fileOf([{ id: 1n }, { id: 2n }], keyOnly)
    const source = [{ id: 2n }, { id: 3n }]
    expect((await merged([taskOf(file, keyOnly)], source, keyOnly, { keys: [1] })).counts).toStrictEqual({
      updated: 0,
      inserted: 1,
      deleted: 0,
      unchanged: 1,
    })
    expect((await merged([], source, keyOnly, { keys: [1] })).table).toStrictEqual(source)
    expect((await merged([taskOf(file, keyOnly)], [], keyOnly, { keys: [1] })).counts).toStrictEqual({
      updated: 0,
      inserted: 0,
      deleted: 0,
      unchanged: 0,
    })
  })

  test('hundreds of thousands of rows, keys several times in the table, a scope: as counted', async () => {
    const rows = schemaOf({ id: { kind: 'long' }, v: { kind: 'long' } })
    const path = (name: string) => `${shop.folder}/${name}.parquet`
    const write = async (name: string, ids: string): Promise<ContentFile> => {
      await shop.sql(`COPY (SELECT range::BIGINT AS id, range % 2 AS v FROM ${ids}) TO '${path(name)}'`)
      const { files } = await shop.write({ kind: 'files', format: 'parquet', paths: [path(name)] }, rows)
      const [file] = files
      if (file === undefined) throw new Error('no file was written')
      return file
    }
    // Ids from 300,000 up to 400,000 are in both.
    const files = [await write('left', 'range(400000)'), await write('right', 'range(300000, 700000)')]
    // Every fifth, of which the odd ones get another value; up to 800,000, the last fifth deleting.
    await shop.sql(
      `COPY (SELECT range::BIGINT AS id, CASE WHEN range >= 600000 THEN -1 WHEN range % 2 = 1 THEN 5 ELSE 0 END AS v ` +
        `FROM range(0, 800000, 5)) TO '${path('source')}'`,
    )
    const spooled = await shop.plane.spool({
      source: { kind: 'files', format: 'parquet', paths: [path('source')] },
      schema: rows,
      files: shop.files,
    })
    const request: KeyMatchRequest = {
      ...matchRequest(
        shop,
        rows,
        files.map((file) => taskOf(file, rows)),
      ),
      source: spooled,
      keys: [1],
      compare: [2],
      updateMatched: true,
      insertNotMatched: true,
      deleteWhen: bindExpression(rows, eq('v', -1n)),
      notMatchedBySource: bindExpression(rows, gte('id', 690_000n)),
    }
    const match = await shop.plane.matchKeys(request)
    const below = (limit: number, step: number, from = 0) => Math.ceil((limit - from) / step)
    // Below 600,000, those in both files twice.
    const unchanged = below(600_000, 10) + below(400_000, 10, 300_000)
    expect(match).toMatchObject({
      rowsUnchanged: unchanged,
      rowsUpdated: unchanged,
      rowsInserted: 0,
      // By the source 20,000; of the last 10,000 rows the four in five that it has not.
      rowsDeleted: 20_000 + 8_000,
    })
    const hit = (row: number) =>
      (row % 5 === 0 && (row >= 600_000 || row % 2 === 1)) || (row % 5 !== 0 && row >= 690_000)
    for (const [at, first] of [0, 300_000].entries()) {
      const found = match.matches.find(({ task }) => task.entry.file.location === files[at]?.location)
      const expected = Array.from({ length: 400_000 }, (_, row) => row).filter((row) => hit(first + row))
      expect([...(found?.positions ?? [])]).toStrictEqual(expected)
    }
    const { rows: written } = await shop.write(match.selected, rows)
    expect(written).toBe(unchanged)
    await match.close()
    await spooled.close()
  })

  test('twenty thousand rows of two hundred columns: none changed, and one', async () => {
    const columns = Array.from({ length: 199 }, (_, at) => `(range * ${at + 3} % 1009)::BIGINT AS c${at}`)
    const path = `${shop.folder}/wide.parquet`
    await shop.sql(`COPY (SELECT range::BIGINT AS id, ${columns.join(', ')} FROM range(20000)) TO '${path}'`)
    const changed = `${shop.folder}/wide-changed.parquet`
    await shop.sql(
      `COPY (SELECT * REPLACE (CASE WHEN id = 777 THEN NULL ELSE c100 END AS c100) FROM '${path}') TO '${changed}'`,
    )
    const wide = schemaOf(
      Object.fromEntries(['id', ...columns.map((_, at) => `c${at}`)].map((name) => [name, { kind: 'long' }])),
    )
    const { files } = await shop.write({ kind: 'files', format: 'parquet', paths: [path] }, wide)
    const tasks = files.map((file) => taskOf(file, wide))
    const updated = async (from: string): Promise<readonly number[]> => {
      const source = { kind: 'files', format: 'parquet', paths: [from] } as const
      const spooled = await shop.plane.spool({ source, schema: wide, files: shop.files })
      const match = await shop.plane.matchKeys({
        ...matchRequest(shop, wide, tasks),
        source: spooled,
        keys: [1],
        compare: wide.fields.slice(1).map(({ id }) => id),
        updateMatched: true,
        insertNotMatched: true,
        deleteWhen: null,
        notMatchedBySource: null,
      })
      await spooled.close()
      expect(match.rowsUnchanged).toBe(20_000 - match.rowsUpdated)
      return match.matches.flatMap(({ positions }) => [...positions])
    }
    expect(await updated(path)).toStrictEqual([])
    expect(await updated(changed)).toStrictEqual([777])
  })

  test('is stopped by a signal', async () => {
    const file = await fileOf([{ id: 1n, v: 'a' }], plain)
    const source = await shop.plane.spool({
      source: { kind: 'rows', rows: [{ id: 1n, v: 'b' }] },
      schema: plain,
      files: shop.files,
    })
    const match = shop.plane.matchKeys({
      ...matchRequest(shop, plain, [taskOf(file, plain)]),
      source,
      keys: [1],
      compare: [2],
      updateMatched: true,
      insertNotMatched: true,
      deleteWhen: null,
      notMatchedBySource: null,
      signal: AbortSignal.abort(),
    })
    await expect(match).rejects.toThrow(OperationAbortedError)
    await source.close()
  })
})

/** Every kind of value that compares in a way of its own. */
const typed = fieldsOf([
  { id: 1, name: 'k1', required: false, type: { kind: 'int' } },
  { id: 2, name: 'k2', required: false, type: { kind: 'string' } },
  { id: 3, name: 'd', required: false, type: { kind: 'double' } },
  { id: 4, name: 'f', required: false, type: { kind: 'float' } },
  { id: 5, name: 'dec', required: false, type: { kind: 'decimal', precision: 20, scale: 2 } },
  { id: 6, name: 'ts', required: false, type: { kind: 'timestamptz' } },
  { id: 7, name: 'b', required: false, type: { kind: 'binary' } },
  {
    id: 8,
    name: 's',
    required: false,
    type: {
      kind: 'struct',
      fields: [
        { id: 9, name: 'x', required: false, type: { kind: 'double' } },
        { id: 10, name: 'y', required: false, type: { kind: 'string' } },
      ],
    },
  },
  {
    id: 11,
    name: 'l',
    required: false,
    type: { kind: 'list', elementId: 12, elementRequired: false, element: { kind: 'double' } },
  },
])

const doubles = fc.constantFrom(null, 0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY)
const key1 = fc.constantFrom(1, 2, 3)
const key2 = fc.constantFrom('a', 'b', '')

/** A key that no source has. */
const OTHER = 99

const BASE: Row = {
  d: Number.NaN,
  f: -0,
  dec: '-1.05',
  ts: '1969-12-31T23:59:59.999999Z',
  b: new Uint8Array([0, 255]),
  s: { x: Number.NaN, y: null },
  l: [Number.NaN, null, 0],
}

/** One column at most is another than the base's: two rows are equal, or differ in little. */
const values = fc
  .option(
    fc.oneof(
      doubles.map((d): Row => ({ d })),
      doubles.map((f): Row => ({ f })),
      fc.constantFrom(null, '0.00', '123456789012345678.90').map((dec): Row => ({ dec })),
      fc.constantFrom(null, '2024-02-29T00:00:00.000000Z').map((ts): Row => ({ ts })),
      fc.constantFrom(null, new Uint8Array(0), new Uint8Array([0])).map((b): Row => ({ b })),
      fc
        .oneof(fc.constant(null), fc.record({ x: doubles, y: fc.constantFrom(null, '') }))
        .map((s): Row => ({ s })),
      fc.oneof(fc.constant(null), fc.array(doubles, { maxLength: 2 })).map((l): Row => ({ l })),
    ),
  )
  .map((change): Row => ({ ...BASE, ...change }))

const tableRow = fc
  .tuple(fc.option(key1, { freq: 8 }), fc.option(key2, { freq: 8 }), values)
  .map(([k1, k2, rest]): Row => ({ k1, k2, ...rest }))
const sourceRow = fc.tuple(key1, key2, values).map(([k1, k2, rest]): Row => ({ k1, k2, ...rest }))

function keyOf(row: Row): string | null {
  return row['k1'] === null || row['k2'] === null ? null : `${String(row['k1'])}|${String(row['k2'])}`
}

/** As values compare: nulls and NaNs are equal to their like, and the two zeros to each other. */
function comparable(value: unknown): unknown {
  if (typeof value === 'number') return Number.isNaN(value) ? 'NaN' : value === 0 ? 0 : String(value)
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(comparable)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, comparable(member)]))
}

function textOf(row: Row): string {
  return JSON.stringify(typed.fields.map(({ name }) => comparable(row[name])))
}

function isEqual(left: Row, right: Row): boolean {
  return textOf(left) === textOf(right)
}

/** SQL's MERGE over arrays. */
function mergeModel(table: readonly Row[], source: readonly Row[], options: Omit<Options, 'keys'>) {
  const byKey = new Map(source.map((row) => [keyOf(row), row]))
  const counts = { updated: 0, inserted: 0, deleted: 0, unchanged: 0 }
  const met = new Set<Row>()
  const deletes = (row: Row): boolean => options.deleteWhen !== undefined && row['dec'] === '0.00'
  const result = table.flatMap((row): readonly Row[] => {
    const match = keyOf(row) === null ? undefined : byKey.get(keyOf(row))
    if (match === undefined) {
      if (options.notMatchedBySource === undefined || row['k1'] !== 1) return [row]
      counts.deleted += 1
      return []
    }
    met.add(match)
    if (deletes(match)) {
      counts.deleted += 1
      return []
    }
    if (options.updateMatched === false || isEqual(row, match)) {
      counts.unchanged += 1
      return [row]
    }
    counts.updated += 1
    return [match]
  })
  if (options.insertNotMatched !== false) {
    const inserted = source.filter((row) => !met.has(row) && !deletes(row))
    counts.inserted = inserted.length
    result.push(...inserted)
  }
  return { counts, table: result.map(textOf).toSorted() }
}

describe('matchKeys against a model', () => {
  test('over random tables, sources and wishes', async () => {
    // So many rows that no key matches make two steps of what is one for few.
    const others = await fileOf(
      Array.from({ length: 500 }, () => ({ ...BASE, k1: OTHER, k2: 'a' })),
      typed,
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(tableRow, { minLength: 1, maxLength: 5 }), { maxLength: 3 }),
        fc.uniqueArray(sourceRow, { maxLength: 7, selector: keyOf }),
        fc.record({
          updateMatched: fc.boolean(),
          insertNotMatched: fc.boolean(),
          deleteWhen: fc.constantFrom(undefined, eq('dec', '0.00')),
          notMatchedBySource: fc.constantFrom(undefined, eq('k1', 1)),
        }),
        fc.boolean(),
        async (table, source, wishes, amongOthers) => {
          const files: ContentFile[] = []
          for (const rows of table) files.push(await fileOf(rows, typed))
          if (amongOthers) files.splice(1, 0, others)
          const { deleteWhen, notMatchedBySource, ...flags } = wishes
          const options = {
            ...flags,
            ...(deleteWhen === undefined ? {} : { deleteWhen }),
            ...(notMatchedBySource === undefined ? {} : { notMatchedBySource }),
          }
          const tasks = files.map((file) => taskOf(file, typed))
          const outcome = await merged(tasks, source, typed, { keys: [1, 2], ...options })
          const model = mergeModel(table.flat(), source, options)
          expect(outcome.counts).toStrictEqual(model.counts)
          const mine = outcome.table.filter((row) => row['k1'] !== OTHER)
          expect(mine.map(textOf).toSorted()).toStrictEqual(model.table)
          expect(outcome.table).toHaveLength(mine.length + (amongOthers ? 500 : 0))
        },
      ),
      { numRuns: 40 },
    )
  })
})
