import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countRows, readToFile } from '../../src/engine/duckdb/read.ts'
import { gte } from '../../src/format/expressions/expression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import {
  allRows,
  columns,
  deletesOf,
  entryOf,
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

const schema = schemaOf(columns({ id: { kind: 'long' } }))

/** A data file with ids from `first` on. */
function numbers(name: string, first: number, count: number): Promise<ContentFile> {
  return shop.write(
    `${name}.parquet`,
    `SELECT (range + ${first})::BIGINT AS id FROM range(${count})`,
    '{id: 1}',
  )
}

/** A delete file of (location, position) pairs. */
function deletes(
  name: string,
  pairs: readonly (readonly [location: string, position: number])[],
  ids = '{file_path: 2147483546, pos: 2147483545}',
): Promise<ContentFile> {
  const rows = pairs.map(([location, position]) => `('${location}', ${position}::BIGINT)`).join(', ')
  return shop.write(
    `${name}.parquet`,
    `SELECT * FROM (VALUES ${rows}) AS t(file_path, pos) ORDER BY ALL`,
    ids,
  )
}

async function ids(...tasks: Parameters<typeof requestOf>[1][number][]): Promise<readonly number[]> {
  const rows = await allRows(shop.reader, requestOf(schema, tasks))
  return rows.map((row) => Number(row['id']))
}

describe('position deletes', () => {
  test('remove their rows, first and last and whole bytes of them', async () => {
    const file = await numbers('a', 0, 20)
    const removed = [0, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19]
    const deleteFile = await deletes(
      'a-deletes',
      removed.map((position) => [file.location, position]),
    )
    const left = Array.from({ length: 20 }, (_, n) => n).filter((n) => !removed.includes(n))
    expect(await ids(taskOf(file, deletesOf(deleteFile)))).toStrictEqual(left)
  })

  test('all rows, and none', async () => {
    const file = await numbers('all', 0, 9)
    const other = await numbers('none', 0, 3)
    const deleteFile = await deletes(
      'all-deletes',
      Array.from({ length: 9 }, (_, n) => [file.location, n]),
    )
    expect(
      await ids(taskOf(file, deletesOf(deleteFile)), taskOf(other, deletesOf(deleteFile))),
    ).toStrictEqual([0, 1, 2])
  })

  test('of several files join, say a row twice, and name positions past the end', async () => {
    const file = await numbers('b', 0, 5)
    const first = await deletes('b1', [
      [file.location, 1],
      [file.location, 99],
    ])
    const second = await deletes('b2', [
      [file.location, 1],
      [file.location, 4],
    ])
    expect(await ids(taskOf(file, deletesOf(first, second)))).toStrictEqual([0, 2, 3])
  })

  test('apply only to the tasks that they are given to, whatever files they name', async () => {
    // The second file was written after the deletes: they name it, and do not apply to it.
    const older = await numbers('older', 0, 4)
    const newer = await numbers('newer', 10, 4)
    const deleteFile = await deletes('mixed', [
      [older.location, 1],
      [newer.location, 1],
    ])
    const other = await deletes('other', [[newer.location, 3]])
    const tasks = [taskOf(older, deletesOf(deleteFile)), taskOf(newer, deletesOf(other))]
    expect(await ids(...tasks)).toStrictEqual([0, 2, 3, 10, 11, 12])
  })

  test('compare locations as they are written, with quotes and other signs', async () => {
    const file = await numbers('c', 0, 3)
    const location = `s3://bucket/it''s=%25/a b.parquet`
    const moved = { ...file, location: location.replaceAll("''", "'") }
    const deleteFile = await deletes('c-deletes', [[location, 1]])
    const files = localFiles()
    const input: typeof files.input = async (each) => ({
      localPath:
        each.location === moved.location
          ? file.location.replace('file://', '')
          : each.location.replace('file://', ''),
      release: async () => {},
    })
    const rows = await allRows(
      shop.reader,
      requestOf(schema, [taskOf(moved, deletesOf(deleteFile))], { files: { ...files, input } }),
    )
    expect(rows.map((row) => row['id'])).toStrictEqual([0n, 2n])
  })

  test('are counted out, and left out of files', async () => {
    const file = await numbers('d', 0, 100)
    const deleteFile = await deletes('d-deletes', [
      [file.location, 5],
      [file.location, 50],
    ])
    const plain = await numbers('plain', 0, 10)
    const request = requestOf(schema, [taskOf(file, deletesOf(deleteFile)), taskOf(plain)])
    expect(await countRows(shop.reader, request)).toBe(108)
    const path = `${shop.folder}/without.parquet`
    expect(await readToFile(shop.reader, request, { path, format: 'parquet' })).toStrictEqual({ rows: 108 })
    expect(await shop.rows(`SELECT count(*)::INT AS n FROM '${path}'`)).toStrictEqual([{ n: 108 }])
  })

  test('stand before the filter: positions are those of the file', async () => {
    const file = await numbers('e', 0, 10)
    const deleteFile = await deletes('e-deletes', [[file.location, 6]])
    const task = taskOf(file, { ...deletesOf(deleteFile), residual: residual(schema, gte('id', 5n)) })
    expect(await ids(task)).toStrictEqual([5, 7, 8, 9])
  })

  test('over many row groups', async () => {
    const file = await numbers('f', 0, 400_000)
    const positions = Array.from({ length: 1000 }, (_, n) => n * 399 + 1)
    const deleteFile = await deletes(
      'f-deletes',
      positions.map((position) => [file.location, position]),
    )
    const left = await ids(taskOf(file, deletesOf(deleteFile)))
    const removed = new Set(positions)
    expect(left).toHaveLength(399_000)
    expect(left.some((id) => removed.has(id))).toBe(false)
  })

  test('whose file has no field ids are found by the names that the spec gives them', async () => {
    const file = await numbers('g', 0, 3)
    const deleteFile = await deletes('g-deletes', [[file.location, 0]], '')
    expect(await ids(taskOf(file, deletesOf(deleteFile)))).toStrictEqual([1, 2])
  })

  test('with positions of 32 bits, and rows beside them', async () => {
    const file = await numbers('h', 0, 3)
    const deleteFile = await shop.write(
      'h-deletes.parquet',
      `SELECT {id: 1::BIGINT} AS row, 1::INT AS pos, '${file.location}' AS file_path`,
      '{row: {__duckdb_field_id: 2147483544, id: 1}, pos: 2147483545, file_path: 2147483546}',
    )
    expect(await ids(taskOf(file, deletesOf(deleteFile)))).toStrictEqual([0, 2])
  })

  test('a delete file without its columns is refused', async () => {
    const file = await numbers('i', 0, 3)
    const deleteFile = await shop.write('i-deletes.parquet', 'SELECT 1::BIGINT AS pos', '{pos: 2147483545}')
    await expect(ids(taskOf(file, deletesOf(deleteFile)))).rejects.toMatchObject({
      code: 'FLOEBERG_SCHEMA_MISMATCH',
      file: deleteFile.location,
      column: 'file_path',
    })
  })

  test('more files with deletes than fit one query', async () => {
    const tasks = await Promise.all(
      Array.from({ length: 150 }, async (_, n) => {
        const file = await numbers(`many${n}`, n * 10, 3)
        return { file, task: taskOf(file) }
      }),
    )
    const deleteFile = await deletes(
      'many-deletes',
      tasks.map(({ file }) => [file.location, 1]),
    )
    const all = tasks.map(({ task }) => ({ ...task, ...deletesOf(deleteFile) }))
    expect(await ids(...all)).toStrictEqual(tasks.flatMap((_, n) => [n * 10, n * 10 + 2]))
    expect(await countRows(shop.reader, requestOf(schema, all))).toBe(300)
  })
})

describe('what is not built is refused, naming file and feature, before anything is read', () => {
  const deleteFile = (changes: Partial<ContentFile>): ContentFile => ({ ...base, ...changes })
  const dataFile = (changes: Partial<ContentFile>): ContentFile => ({ ...base, content: 'data', ...changes })
  let base: ContentFile
  beforeAll(async () => {
    base = { ...(await numbers('refused', 0, 1)), content: 'position-deletes' }
  })

  const cases: readonly (readonly [
    string,
    () => { readonly data?: ContentFile; readonly deletes?: ContentFile },
  ])[] = [
    ['equality deletes', () => ({ deletes: deleteFile({ content: 'equality-deletes', equalityIds: [1] }) })],
    [
      'deletion vectors',
      () => ({ deletes: deleteFile({ format: 'puffin', contentOffset: 4, contentSizeInBytes: 40 }) }),
    ],
    ['avro delete files', () => ({ deletes: deleteFile({ format: 'avro' }) })],
    ['avro data files', () => ({ data: dataFile({ format: 'avro' }) })],
    ['orc data files', () => ({ data: dataFile({ format: 'orc' }) })],
    ['encrypted files', () => ({ data: dataFile({ keyMetadata: Uint8Array.of(1) }) })],
  ]
  test.each(cases)('%s', async (feature, parts) => {
    const { data, deletes: removed } = parts()
    const files = localFiles()
    const location = 's3://b/t/data/name=secret/x'
    const task = taskOf(data === undefined ? { ...base, content: 'data' } : { ...data, location }, {
      deletes: removed === undefined ? [] : [entryOf({ ...removed, location })],
    })
    const request = requestOf(schema, [task], { files })
    for (const run of [() => allRows(shop.reader, request), () => countRows(shop.reader, request)]) {
      await expect(run()).rejects.toMatchObject({
        code: 'FLOEBERG_UNSUPPORTED_FEATURE',
        file: 's3://b/t/data/name=***/x',
      })
    }
    await expect(allRows(shop.reader, request)).rejects.toThrow(feature)
    expect(files.opened()).toBe(0)
  })
})
