import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTasks } from '../../src/engine/duckdb/open-tasks.ts'
import { ReadAhead, rowsToRead } from '../../src/engine/duckdb/read-ahead.ts'
import { readRows } from '../../src/engine/duckdb/read.ts'
import { textBytes, vectorBytes } from '../../src/engine/duckdb/row-width.ts'
import { scanQuery } from '../../src/engine/duckdb/scan-sql.ts'
import { gte } from '../../src/format/expressions/expression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import type { NameMapping } from '../../src/format/name-mapping.ts'
import type { Schema } from '../../src/format/schema.ts'
import {
  columns,
  contentFile,
  deletesOf,
  localFiles,
  openWorkshop,
  requestOf,
  residual,
  schemaOf,
  taskOf,
  type Workshop,
} from './reading.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

const schema = schemaOf(columns({ id: { kind: 'long' }, text: { kind: 'string' } }))
const MANY = 700_000

async function file(name: string, rows: number, text: string, first = 0): Promise<ContentFile> {
  const path = `${shop.folder}/${name}.parquet`
  await shop.sql(
    `COPY (SELECT range + ${first} AS id, ${text} AS text FROM range(${rows})) TO '${path}' ` +
      '(FORMAT parquet, FIELD_IDS {id: 1, text: 2})',
  )
  return contentFile(path, rows)
}

/** Ids of the rows, which must come as neighbours do. */
async function idsOf(request: Parameters<typeof readRows>[1]): Promise<readonly number[]> {
  const ids: number[] = []
  for await (const batch of readRows(shop.reader, request)) {
    for (const row of batch) ids.push(Number(row['id']))
  }
  return ids
}

const upTo = (rows: number, first = 0): readonly number[] =>
  Array.from({ length: rows }, (_, at) => first + at)

/** Reads the tasks' first rows and answers what would be read ahead of the others. */
async function aheadOf(
  contents: readonly ContentFile[],
  maxBytes: number,
  of: Schema = schema,
  nameMapping: NameMapping | null = null,
) {
  const open = await openTasks(
    shop.reader,
    { files: localFiles(), signal: undefined },
    contents.map((content) => taskOf(content)),
  )
  try {
    const ahead = new ReadAhead(of, maxBytes)
    const stretches = ahead.stretches(open.tasks)
    const before = ahead.bufferBytes(open.tasks)
    const names = of.fields.map((field) => field.name)
    const query = scanQuery(stretches[0] ?? [], {
      projection: of,
      nameMapping,
      names,
      rows: new Map(),
    })
    for await (const chunk of open.session.stream(query.sql, { doing: 'read' })) ahead.see(chunk)
    return {
      rows: stretches.map((tasks) => tasks.reduce((sum, task) => sum + rowsToRead(task), 0)),
      before,
      after: ahead.bufferBytes(open.tasks),
      next: ahead.stretches(open.tasks).length,
    }
  } finally {
    await open.close()
  }
}

describe('rows of a scan in stretches', () => {
  test('come once each, in their order, over the seams of files and stretches', async () => {
    const one = await file('one', MANY, `'a text of some length ' || range`)
    const two = await file('two', 1000, `'x'`, MANY)
    const request = requestOf(schema, [taskOf(one), taskOf(two)])
    expect(await idsOf(request)).toStrictEqual(upTo(MANY + 1000))
    expect(await idsOf(requestOf(schema, [taskOf(two), taskOf(one)]))).toStrictEqual([
      ...upTo(1000, MANY),
      ...upTo(MANY),
    ])
  })

  test('are as many as a limit says', async () => {
    const one = await file('limited', MANY, `'x'`)
    for (const limit of [1, 32_767, 32_768, 32_769, 300_000, MANY]) {
      expect(await idsOf(requestOf(schema, [taskOf(one)], { limit }))).toHaveLength(limit)
    }
  })

  test('are those that pass the filter and are not deleted, on both sides of the seam', async () => {
    const one = await file('filtered', MANY, `'x'`)
    const gone = [0, 32_767, 32_768, 32_769, MANY - 1]
    const deletes = await shop.write(
      'gone.parquet',
      `SELECT '${one.location}' AS file_path, unnest([${gone.join(', ')}])::BIGINT AS pos`,
      '{file_path: 2147483546, pos: 2147483545}',
    )
    const task = taskOf(one, deletesOf(deletes))
    const kept = upTo(MANY).filter((id) => !gone.includes(id))
    expect(await idsOf(requestOf(schema, [task]))).toStrictEqual(kept)
    const filtered = { ...task, residual: residual(schema, gte('id', 32_760n)) }
    expect(await idsOf(requestOf(schema, [filtered]))).toStrictEqual(kept.filter((id) => id >= 32_760))
  })

  test('have their deletes read once, before the first of them', async () => {
    const one = await file('deleted-from', MANY, `'x'`)
    const deletes = await shop.write(
      'read-once.parquet',
      `SELECT '${one.location}' AS file_path, unnest([5, 600000])::BIGINT AS pos`,
      '{file_path: 2147483546, pos: 2147483545}',
    )
    let rows = 0
    for await (const batch of readRows(shop.reader, requestOf(schema, [taskOf(one, deletesOf(deletes))]))) {
      if (rows === 0) await rm(deletes.location.replace('file://', ''))
      rows += batch.length
    }
    expect(rows).toBe(MANY - 2)
  })

  test('are counted where no column is read', async () => {
    const one = await file('columnless', MANY, `'x'`)
    const sizes = new Map([
      [1, 1000],
      [2, 1000],
    ])
    const tasks = [taskOf({ ...one, columnSizes: sizes })]
    let rows = 0
    for await (const batch of readRows(shop.reader, requestOf(schemaOf([]), tasks))) rows += batch.length
    expect(rows).toBe(MANY)
  })

  test('leave the connection as it was', async () => {
    const one = await file('setting', MANY, `'x'`)
    const setting = `SELECT current_setting('streaming_buffer_size') AS size`
    const look = (): Promise<unknown> =>
      shop.reader.engine.withSession({}, (session) => session.rows(setting, { doing: 'look' }))
    const before = await look()
    expect(await idsOf(requestOf(schema, [taskOf(one)]))).toHaveLength(MANY)
    expect(await look()).toStrictEqual(before)
  })
})

describe('what is read ahead', () => {
  const MiB = 1024 ** 2

  test('of few rows is what it was', async () => {
    const few = await file('few', 400_000, `'x'`)
    expect(await aheadOf([few], 64 * MiB)).toMatchObject({ rows: [400_000], before: undefined })
  })

  test('grows when the first rows have shown their width, by as much as texts leave room', async () => {
    // 24 bytes in vectors, 32 beside them; the file says 4 + 32, and a little more.
    const narrow = await file('narrow', MANY, `md5(range::VARCHAR)`)
    const { rows, before, after, next } = await aheadOf([narrow], 64 * MiB)
    expect(rows).toStrictEqual([32_768, MANY - 32_768])
    expect(before).toBeUndefined()
    expect(after).toBeGreaterThan((64 * MiB * 24) / (24 + 40))
    expect(after).toBeLessThan((64 * MiB * 24) / (24 + 36))
    expect(next).toBe(1)
  })

  test('stays little where rows are wide, by their first or by what files say of all', async () => {
    const wide = await file('wide', MANY, `repeat(md5((range % 7)::VARCHAR), 40)`)
    const growing = await file(
      'growing',
      MANY,
      `CASE WHEN range > 600000 THEN repeat(md5(range::VARCHAR), 40) END`,
    )
    for (const content of [wide, growing]) {
      expect((await aheadOf([content], 64 * MiB)).after).toBeUndefined()
    }
  })

  test('stays little where long texts of a dictionary come later', async () => {
    const dictionary = (longText: string) => `CASE WHEN range > 600000 THEN ${longText} ELSE 'short' END`
    const cut = await file('cut', MANY, dictionary(`repeat(md5((range % 7)::VARCHAR), 40)`))
    expect((await aheadOf([cut], 64 * MiB)).after).toBeUndefined()
    // 240 bytes: by the longest that the footer names, whatever the mean.
    const whole = await file('whole', MANY, dictionary(`repeat('z', 239) || (range % 7)`))
    const { after } = await aheadOf([whole], 64 * MiB)
    expect(after).toBeCloseTo((64 * MiB * 24) / (24 + 240))
  })

  test('is as much of columns without texts, at once', async () => {
    const growing = await file(
      'beside',
      MANY,
      `CASE WHEN range > 600000 THEN repeat(md5(range::VARCHAR), 40) END`,
    )
    const ids = schemaOf(columns({ id: { kind: 'long' } }))
    const narrow = await aheadOf([growing], 64 * MiB, ids)
    expect(narrow).toMatchObject({ rows: [MANY], before: 64 * MiB, after: 64 * MiB })
  })

  test('goes by what a text has before compression, not by its share of the file', async () => {
    const path = `${shop.folder}/share.parquet`
    await shop.sql(
      `COPY (SELECT range AS id, CASE WHEN range > 600000 THEN repeat('x' || range, 200) END AS text, ` +
        `sha256(range::VARCHAR) AS other FROM range(${MANY})) TO '${path}' ` +
        '(FORMAT parquet, FIELD_IDS {id: 1, text: 2, other: 3})',
    )
    const columnSizes = new Map([
      [1, 1_000_000],
      [2, 1_000_000],
      [3, 98_000_000],
    ])
    expect((await aheadOf([await contentFile(path, MANY, { columnSizes })], 64 * MiB)).after).toBeUndefined()
  })

  test('does not count on lists that only the first rows have', async () => {
    const path = `${shop.folder}/lists.parquet`
    await shop.sql(
      `COPY (SELECT range AS id, CASE WHEN range < 40000 THEN range(200) END AS list, ` +
        `CASE WHEN range > 600000 THEN repeat(md5(range::VARCHAR), 40) END AS text FROM range(${MANY})) ` +
        `TO '${path}' (FORMAT parquet, FIELD_IDS {id: 1, list: {__duckdb_field_id: 2, element: 3}, text: 4})`,
    )
    const of = schemaOf([
      ...columns({ id: { kind: 'long' } }),
      ...columns(
        { list: { kind: 'list', elementId: 3, elementRequired: false, element: { kind: 'long' } } },
        2,
      ),
      ...columns({ text: { kind: 'string' } }, 4),
    ])
    expect((await aheadOf([await contentFile(path, MANY)], 64 * MiB, of)).after).toBeUndefined()
  })

  test('counts every text of a file that is read by names', async () => {
    const path = `${shop.folder}/named.parquet`
    await shop.sql(
      `COPY (SELECT range AS id, CASE WHEN range > 600000 THEN repeat(md5(range::VARCHAR), 40) END AS text ` +
        `FROM range(${MANY})) TO '${path}' (FORMAT parquet)`,
    )
    const nameMapping = [
      { 'field-id': 1, names: ['id'] },
      { 'field-id': 2, names: ['text'] },
    ]
    const { after } = await aheadOf([await contentFile(path, MANY)], 64 * MiB, schema, nameMapping)
    expect(after).toBeUndefined()
  })

  test('keeps within the engine’s memory', async () => {
    const small = await openWorkshop({ memoryLimitBytes: 64 * MiB })
    expect(small.reader.engine.aheadBytes).toBe(4 * MiB)
    await small.close()
  })
})

test('the width of rows counts what every type has in vectors at least, and long texts beside them', async () => {
  const types = schemaOf(
    columns({
      a: { kind: 'boolean' },
      b: { kind: 'int' },
      c: { kind: 'decimal', precision: 20, scale: 2 },
      d: { kind: 'string' },
      e: { kind: 'list', elementId: 20, elementRequired: false, element: { kind: 'string' } },
      f: {
        kind: 'struct',
        fields: [{ id: 21, name: 'g', required: false, type: { kind: 'long' } }],
      },
      h: {
        kind: 'map',
        keyId: 22,
        key: { kind: 'int' },
        valueId: 23,
        valueRequired: false,
        value: { kind: 'string' },
      },
    }),
  )
  const long = 'thirteen byte'
  const query =
    `SELECT true, 1::INTEGER, 1::DECIMAL(20,2), '${long}', ['short', '${long}'], {'g': 1::BIGINT}, ` +
    `MAP {1: '${long}', 2: NULL} FROM range(10)`
  await shop.reader.engine.withSession({}, async (session) => {
    for await (const { chunk, rowCount } of session.stream(query, { doing: 'look', rowCount: 10 })) {
      expect(vectorBytes(types)).toBe(1 + 4 + 16 + 16 + 16 + 8 + 16)
      expect(textBytes(chunk, rowCount, types)).toBe(3 * long.length)
    }
  })
})
