import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileScanTask, ReadRequest } from '../../src/engine/data-plane.ts'
import { splitTasks } from '../../src/engine/duckdb/windows.ts'
import { countRows, readArrow, readRows, readToFile } from '../../src/engine/duckdb/read.ts'
import { gte } from '../../src/format/expressions/expression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import {
  allRows,
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

/** A file large enough that nobody has read it whole after a batch or two. */
async function large(name: string, rows = 1_000_000): Promise<ContentFile> {
  const path = `${shop.folder}/${name}.parquet`
  await shop.sql(
    `COPY (SELECT range AS id, 'a text of some length ' || range AS text FROM range(${rows})) TO '${path}' ` +
      '(FORMAT parquet, FIELD_IDS {id: 1, text: 2})',
  )
  return contentFile(path, rows)
}

describe('a scan that is left early', () => {
  test('gives back files and connections, however it is left', async () => {
    const file = await large('left')
    const files = localFiles()
    const request = requestOf(
      schema,
      Array.from({ length: 3 }, () => taskOf(file)),
      { files },
    )
    for (let round = 0; round < 20; round++) {
      let taken = 0
      for await (const batch of round % 2 === 0
        ? readRows(shop.reader, request)
        : readArrow(shop.reader, request)) {
        taken += 'numRows' in batch ? batch.numRows : batch.length
        break
      }
      expect(taken).toBeGreaterThan(0)
      expect(files.held()).toBe(0)
    }
    const thrown = new Error('the consumer’s own')
    const consume = async (): Promise<void> => {
      for await (const _ of readRows(shop.reader, request)) throw thrown
    }
    await expect(consume()).rejects.toBe(thrown)
    expect(files.held()).toBe(0)
    // The engine serves the next one as if nothing had been.
    expect(
      await countRows(shop.reader, {
        ...request,
        tasks: [taskOf(file, { residual: residual(schema, gte('id', 999_990n)) })],
      }),
    ).toBe(10)
  })

  test('or never begun', async () => {
    const files = localFiles()
    const rows = readRows(shop.reader, requestOf(schema, [taskOf(await large('unread', 10))], { files }))
    await rows.return(undefined)
    expect(files.opened()).toBe(0)
  })
})

describe('an abort', () => {
  const ways: readonly (readonly [string, (request: ReadRequest) => Promise<unknown>])[] = [
    ['rows', (request) => drain(readRows(shop.reader, request))],
    ['arrow', (request) => drain(readArrow(shop.reader, request))],
    [
      'file',
      (request) =>
        readToFile(shop.reader, request, { path: `${shop.folder}/aborted.parquet`, format: 'parquet' }),
    ],
    ['count', (request) => countRows(shop.reader, request)],
  ]

  async function drain(batches: AsyncIterable<unknown>): Promise<void> {
    for await (const _ of batches) continue
  }

  test.each(ways)('before the start: %s', async (_, run) => {
    const files = localFiles()
    const filter = residual(schema, gte('id', 1n))
    const request = requestOf(schema, [taskOf(await large('abort0', 10), { residual: filter })], {
      files,
      signal: AbortSignal.abort(),
    })
    await expect(run(request)).rejects.toMatchObject({ code: 'FLOEBERG_OPERATION_ABORTED' })
    expect(files.held()).toBe(0)
  })

  test.each(ways)('while files are opened: %s', async (_, run) => {
    const controller = new AbortController()
    const files = localFiles()
    const input: typeof files.input = async (file, options) => {
      controller.abort()
      return files.input(file, options)
    }
    const filter = residual(schema, gte('id', 1n))
    const tasks = [taskOf(await large('abort1', 10), { residual: filter })]
    const request = requestOf(schema, tasks, { files: { ...files, input }, signal: controller.signal })
    await expect(run(request)).rejects.toMatchObject({ code: 'FLOEBERG_OPERATION_ABORTED' })
    expect(files.held()).toBe(0)
  })

  test('in the middle of a stream: an error, never an end', async () => {
    const controller = new AbortController()
    const files = localFiles()
    const request = requestOf(schema, [taskOf(await large('abort2'))], { files, signal: controller.signal })
    let rows = 0
    const run = async (): Promise<void> => {
      for await (const batch of readRows(shop.reader, request)) {
        rows += batch.length
        if (rows > 5000) controller.abort()
      }
    }
    await expect(run()).rejects.toMatchObject({ code: 'FLOEBERG_OPERATION_ABORTED' })
    expect(rows).toBeLessThan(1_000_000)
    expect(files.held()).toBe(0)
  })

  test('of a copy leaves no file behind', async () => {
    const { readdir } = await import('node:fs/promises')
    const controller = new AbortController()
    const tasks = await Promise.all(
      Array.from({ length: 4 }, (_, n) => large(`abort3-${n}`).then((file) => taskOf(file))),
    )
    const request = requestOf(schema, tasks, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })
    const out = readToFile(shop.reader, request, { path: `${shop.folder}/never.parquet`, format: 'parquet' })
    await out.then(
      () => {}, // faster than its first progress report
      (error: unknown) => expect(error).toMatchObject({ code: 'FLOEBERG_OPERATION_ABORTED' }),
    )
    expect((await readdir(shop.folder)).filter((name) => name.endsWith('.tmp'))).toStrictEqual([])
  })
})

describe('back-pressure', () => {
  test('memory does not grow with what a slow or greedy consumer reads', async () => {
    // 1.9 GB of texts, through an engine that may use 256 MB.
    const small = await openWorkshop({ memoryLimitBytes: 256 * 1024 * 1024 })
    try {
      const path = `${small.folder}/big.parquet`
      await small.sql(
        `COPY (SELECT range AS id, repeat(md5(range::VARCHAR), 20) AS text FROM range(100000)) TO '${path}' ` +
          '(FORMAT parquet, FIELD_IDS {id: 1, text: 2}, ROW_GROUP_SIZE 20000)',
      )
      const file = await contentFile(path, 100_000)
      const tasks = Array.from({ length: 30 }, () => taskOf(file))
      let rows = 0
      let peak = 0
      const before = process.memoryUsage().rss
      for await (const batch of readRows(small.reader, requestOf(schema, tasks))) {
        rows += batch.length
        peak = Math.max(peak, process.memoryUsage().rss - before)
      }
      expect(rows).toBe(3_000_000)
      expect(peak).toBeLessThan(700 * 1024 * 1024)
    } finally {
      await small.close()
    }
  })

  test('scans side by side do not disturb one another', async () => {
    const file = await large('beside', 200_000)
    const sum = async (from: bigint): Promise<number> => {
      const task = taskOf(file, { residual: residual(schema, gte('id', from)) })
      let rows = 0
      for await (const batch of readRows(shop.reader, requestOf(schema, [task]))) rows += batch.length
      return rows
    }
    const starts = Array.from({ length: 12 }, (_, n) => n * 10_000)
    expect(await Promise.all(starts.map((start) => sum(BigInt(start))))).toStrictEqual(
      starts.map((start) => 200_000 - start),
    )
  })
})

describe('a limit', () => {
  test('stops after so many rows, over files and windows, and opens no more than it needs', async () => {
    const file = await large('limited', 100)
    const files = localFiles()
    const tasks = Array.from({ length: 50 }, (_, n) =>
      taskOf({
        ...file,
        location: file.location.replace('limited', `limited`),
        recordCount: 100,
        splitOffsets: [n],
      }),
    )
    for (const limit of [0, 1, 99, 100, 101, 250, 5000, 6000]) {
      const request = requestOf(schema, tasks, { files, limit })
      expect(await allRows(shop.reader, request)).toHaveLength(Math.min(limit, 5000))
      expect(await countRows(shop.reader, request)).toBe(Math.min(limit, 5000))
      const path = `${shop.folder}/limited-${limit}.parquet.out`
      expect(await readToFile(shop.reader, request, { path, format: 'parquet' })).toStrictEqual({
        rows: Math.min(limit, 5000),
      })
    }
    const some = localFiles()
    const others = await Promise.all(
      Array.from({ length: 10 }, (_, n) => large(`limit${n}`, 10).then((each) => taskOf(each))),
    )
    await allRows(shop.reader, requestOf(schema, others, { files: some, limit: 15 }))
    expect(some.opened()).toBe(2)
  })

  test('is of rows that pass the filter and are not deleted', async () => {
    const file = await large('limit-filter', 100)
    const deleteFile = await shop.write(
      'limit-deletes.parquet',
      `SELECT '${file.location}' AS file_path, 95 AS pos`,
      '{file_path: 2147483546, pos: 2147483545}',
    )
    const task = taskOf(file, { residual: residual(schema, gte('id', 94n)), ...deletesOf({ ...deleteFile }) })
    const rows = await allRows(
      shop.reader,
      requestOf(schemaOf(columns({ id: { kind: 'long' } })), [task, task], { limit: 7 }),
    )
    expect(rows.map((row) => Number(row['id']))).toStrictEqual([94, 96, 97, 98, 99, 94, 96])
  })
})

describe('windows', () => {
  test('hold no more than may be open at a time', async () => {
    const task = taskOf(await large('windows', 10))
    expect(
      splitTasks({ tasks: Array.from({ length: 2500 }, () => task) }).map((window) => window.length),
    ).toStrictEqual([1000, 1000, 500])
    // A bit of memory for each row of files with deletes.
    const long = taskOf({ ...task.entry.file, recordCount: 2 ** 28 }, deletesOf(task.entry.file))
    expect(splitTasks({ tasks: [long, long, long] }).map((window) => window.length)).toStrictEqual([2, 1])
    const huge = taskOf({ ...task.entry.file, fileSizeInBytes: 2 ** 40 })
    expect(splitTasks({ tasks: [huge, huge, task] }).map((window) => window.length)).toStrictEqual([1, 1, 1])
    expect(splitTasks({ tasks: [] })).toStrictEqual([])
  })

  test('follow one another without a seam', async () => {
    const file = await large('seam', 3)
    const tasks = Array.from({ length: 1003 }, () => taskOf(file))
    const files = localFiles()
    const rows = await allRows(shop.reader, requestOf(schema, tasks, { files }))
    expect(rows).toHaveLength(3009)
    expect(files.held()).toBe(0)
  })
})

describe('a window that was opened ahead', () => {
  const tasksOf = async (name: string): Promise<FileScanTask[]> => {
    const task = taskOf(await large(name, 3))
    return Array.from({ length: 2500 }, () => task)
  }

  test('is closed when the loop is left before its turn', async () => {
    const files = localFiles()
    for await (const _ of readRows(shop.reader, requestOf(schema, await tasksOf('ahead'), { files }))) break
    expect(files.held()).toBe(0)
  })

  test('fails when its turn comes, after the rows before it', async () => {
    const tasks = await tasksOf('ahead2')
    const gone = taskOf({ ...(await large('ahead3', 3)), location: `file://${shop.folder}/gone.parquet` })
    const files = localFiles()
    let rows = 0
    const run = async (): Promise<void> => {
      for await (const batch of readRows(
        shop.reader,
        requestOf(schema, [...tasks.slice(0, 1500), gone], { files }),
      )) {
        rows += batch.length
      }
    }
    await expect(run()).rejects.toMatchObject({
      code: 'FLOEBERG_MISSING_FILE',
      file: gone.entry.file.location,
    })
    expect(rows).toBe(3000)
    expect(files.held()).toBe(0)
  })
})

test('no columns, no tasks, no matching files', async () => {
  const file = await large('none', 3)
  const nothing = schemaOf([])
  expect(
    await allRows(shop.reader, { ...requestOf(schema, [taskOf(file)]), projection: nothing }),
  ).toStrictEqual([{}, {}, {}])
  expect(await allRows(shop.reader, requestOf(schema, []))).toStrictEqual([])
  expect(await countRows(shop.reader, requestOf(schema, []))).toBe(0)
  const never = taskOf(file, { residual: { op: 'false' } })
  expect(await allRows(shop.reader, requestOf(schema, [never]))).toStrictEqual([])
  expect(await countRows(shop.reader, requestOf(schema, [never]))).toBe(0)
})

test('progress counts rows up to the total, where that is known', async () => {
  const file = await large('progress', 5000)
  const seen: unknown[] = []
  const onProgress: ReadRequest['onProgress'] = (progress) => seen.push(progress)
  await allRows(shop.reader, requestOf(schema, [taskOf(file)], { onProgress }))
  expect(seen.at(-1)).toStrictEqual({ rows: 5000, totalRows: 5000 })
  await allRows(
    shop.reader,
    requestOf(schema, [taskOf(file, { residual: residual(schema, gte('id', 4990n)) })], { onProgress }),
  )
  expect(seen.at(-1)).toStrictEqual({ rows: 10, totalRows: null })
})

test('rows of a file of which only some row groups are at hand', async () => {
  const path = `${shop.folder}/sparse.parquet`
  await shop.sql(
    `COPY (SELECT range AS id, 'text' AS text FROM range(8192)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 2048, FIELD_IDS {id: 1, text: 2})`,
  )
  const file = await contentFile(path, 8192)
  const files = localFiles()
  const input: typeof files.input = async (each) => ({
    ...(await files.input(each)),
    rowRanges: [
      { first: 2048, last: 4095 },
      { first: 6144, last: 8191 },
    ],
  })
  const deleteFile = await shop.write(
    'sparse-deletes.parquet',
    `SELECT '${file.location}' AS file_path, unnest([0, 2048, 8191]) AS pos`,
    '{file_path: 2147483546, pos: 2147483545}',
  )
  const task = taskOf(file, deletesOf(deleteFile))
  const sparse: typeof files.input = (each) =>
    each.location === file.location ? input(each) : files.input(each)
  const rows = await allRows(shop.reader, requestOf(schema, [task], { files: { ...files, input: sparse } }))
  expect(rows.map((row) => Number(row['id']))).toStrictEqual([
    ...Array.from({ length: 2047 }, (_, n) => 2049 + n),
    ...Array.from({ length: 2047 }, (_, n) => 6144 + n),
  ])
})
