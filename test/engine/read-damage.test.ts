import fs from 'node:fs'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readError } from '../../src/engine/duckdb/open-parquet.ts'
import { readArrow, readRows, readToFile, countRows } from '../../src/engine/duckdb/read.ts'
import { FloebergError } from '../../src/errors.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import {
  allRows,
  columns,
  contentFile,
  deletesOf,
  localFiles,
  openWorkshop,
  requestOf,
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
const IDS = '{id: 1, text: 2}'

function pathOf(file: ContentFile): string {
  return file.location.replace('file://', '')
}

async function drain(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of rows) continue
}

/** All ways to read a request, each to its end; counting is the third. */
const COUNT = 2
function everyWay(request: ReturnType<typeof requestOf>): readonly (() => Promise<unknown>)[] {
  return [
    () => drain(readRows(shop.reader, request)),
    () => drain(readArrow(shop.reader, request)),
    () => countRows(shop.reader, request),
    () => readToFile(shop.reader, request, { path: `${shop.folder}/out.parquet`, format: 'parquet' }),
  ]
}

describe('a file that is not what its manifest entry says', () => {
  const write = (name: string): Promise<ContentFile> =>
    shop.write(
      `p=secret-${name}.parquet`,
      "SELECT range AS id, 'row ' || range AS text FROM range(1000)",
      IDS,
    )

  const damages: readonly (readonly [
    name: string,
    code: string,
    damage: (path: string) => Promise<unknown>,
  ])[] = [
    ['gone', 'FLOEBERG_MISSING_FILE', (path) => rm(path)],
    ['empty', 'FLOEBERG_CORRUPT_FILE', (path) => truncate(path, 0)],
    ['three bytes', 'FLOEBERG_CORRUPT_FILE', (path) => truncate(path, 3)],
    [
      'cut in the middle',
      'FLOEBERG_CORRUPT_FILE',
      async (path) => truncate(path, Math.floor((await readFile(path)).length / 2)),
    ],
    [
      'one byte short',
      'FLOEBERG_CORRUPT_FILE',
      async (path) => truncate(path, (await readFile(path)).length - 1),
    ],
    ['longer', 'FLOEBERG_CORRUPT_FILE', (path) => writeFile(path, 'more', { flag: 'a' })],
    [
      'of zeros',
      'FLOEBERG_CORRUPT_FILE',
      async (path) => writeFile(path, new Uint8Array((await readFile(path)).length)),
    ],
    ['without its data', 'FLOEBERG_CORRUPT_FILE', (path) => overwrite(path, 4, 400)],
    [
      'without its footer',
      'FLOEBERG_CORRUPT_FILE',
      async (path) => {
        const { length } = await readFile(path)
        await overwrite(path, length - 300, length - 8)
      },
    ],
    [
      'with a footer of impossible length',
      'FLOEBERG_CORRUPT_FILE',
      async (path) => {
        const { length } = await readFile(path)
        await overwrite(path, length - 8, length - 4)
      },
    ],
  ]

  async function overwrite(path: string, start: number, end: number): Promise<void> {
    const bytes = await readFile(path)
    await writeFile(path, bytes.fill(0xff, start, end))
  }

  test.each(damages)('%s', async (name, code, damage) => {
    const good = await write(`good-${name}`)
    const file = await write(name)
    await damage(pathOf(file))
    const files = localFiles()
    for (const [way, run] of everyWay(requestOf(schema, [taskOf(good), taskOf(file)], { files })).entries()) {
      // A count needs the footer alone.
      if (name === 'without its data' && way === COUNT) expect(await run()).toBe(2000)
      else await expect(run()).rejects.toMatchObject({ code, file: file.location })
      expect(files.held()).toBe(0)
    }
  })

  test('of another number of rows', async () => {
    const file = { ...(await write('rows')), recordCount: 999 }
    for (const run of everyWay(requestOf(schema, [taskOf(file)]))) {
      await expect(run()).rejects.toMatchObject({ code: 'FLOEBERG_CORRUPT_FILE', file: file.location })
    }
  })

  test('without a column of which its entry counts values', async () => {
    const file = await shop.write('lost.parquet', 'SELECT 1::BIGINT AS id', '{id: 1}')
    const counted = {
      ...file,
      columnSizes: new Map([
        [1, 40],
        [2, 40],
      ]),
    }
    await expect(allRows(shop.reader, requestOf(schema, [taskOf(counted)]))).rejects.toMatchObject({
      code: 'FLOEBERG_CORRUPT_FILE',
      file: file.location,
    })
    expect(await allRows(shop.reader, requestOf(schema, [taskOf(file)]))).toStrictEqual([
      { id: 1n, text: null },
    ])
  })

  test('partition values do not show in errors', async () => {
    const file = { ...(await write('masked')), location: `file://${shop.folder}/name=secret/x.parquet` }
    await expect(allRows(shop.reader, requestOf(schema, [taskOf(file)]))).rejects.toMatchObject({
      code: 'FLOEBERG_MISSING_FILE',
      file: `file://${shop.folder}/name=***/x.parquet`,
    })
  })

  test.each(damages.filter(([name]) => name !== 'without its data'))(
    'a delete file that is %s',
    async (name, code, damage) => {
      const data = await write(`data-of-${name}`)
      const deleteFile = await shop.write(
        `del-${name}.parquet`,
        `SELECT '${data.location}' AS file_path, range AS pos FROM range(100)`,
        '{file_path: 2147483546, pos: 2147483545}',
      )
      await damage(pathOf(deleteFile))
      for (const run of everyWay(requestOf(schema, [taskOf(data, deletesOf(deleteFile))]))) {
        await expect(run()).rejects.toMatchObject({ code, file: deleteFile.location })
      }
    },
  )
})

test.each([
  ['ENOENT', 'FLOEBERG_MISSING_FILE'],
  ['ENOTDIR', 'FLOEBERG_MISSING_FILE'],
  ['EACCES', 'FLOEBERG_STORAGE_DENIED'],
  ['EPERM', 'FLOEBERG_STORAGE_DENIED'],
  ['ERR_ACCESS_DENIED', 'FLOEBERG_STORAGE_DENIED'],
  // What may succeed later, as where another machine holds the file.
  ['EAGAIN', 'FLOEBERG_STORAGE_UNAVAILABLE'],
  ['EIO', 'FLOEBERG_STORAGE_UNAVAILABLE'],
  ['EMFILE', 'FLOEBERG_STORAGE_UNAVAILABLE'],
])('the system error %s is typed, and its text is not passed on', (systemCode, code) => {
  const thrown = Object.assign(new Error(`${systemCode}, open '/name=secret/x.parquet'`), {
    code: systemCode,
  })
  const error = readError(thrown, { name: 'file:///name=***/x.parquet' })
  expect(error).toMatchObject({ code, file: 'file:///name=***/x.parquet' })
  expect(`${error.message} ${String(error.cause)}`).not.toContain('secret')
})

test('a read that the system puts off is worth another one', async () => {
  const file = await shop.write('put-off.parquet', "SELECT 1::BIGINT AS id, 'x' AS text", IDS)
  const { readSync } = fs
  onTestFinished(() => {
    Object.assign(fs, { readSync })
    syncBuiltinESMExports()
  })
  const putOff = (): never => {
    throw Object.assign(new Error('EAGAIN: resource temporarily unavailable, read'), { code: 'EAGAIN' })
  }
  Object.assign(fs, { readSync: putOff })
  syncBuiltinESMExports()
  await expect(allRows(shop.reader, requestOf(schema, [taskOf(file)]))).rejects.toMatchObject({
    code: 'FLOEBERG_STORAGE_UNAVAILABLE',
    file: file.location,
  })
})

describe('a file that changes while it is read', () => {
  /** Many row groups, so that most of the file is still to be read when the first rows come. */
  const large = async (name: string): Promise<ContentFile> => {
    const path = `${shop.folder}/${name}.parquet`
    await shop.sql(
      `COPY (SELECT range AS id, md5(range::VARCHAR) AS text FROM range(600000)) TO '${path}' ` +
        `(FORMAT parquet, ROW_GROUP_SIZE 20000, FIELD_IDS ${IDS})`,
    )
    return contentFile(path, 600_000)
  }

  test('later files vanish: the rows do not simply end', async () => {
    const first = await large('first')
    const others = await Promise.all(Array.from({ length: 5 }, (_, n) => large(`vanishing${n}`)))
    const tasks = [first, ...others].map((file) => taskOf(file))
    let rows = 0
    const run = async (): Promise<void> => {
      for await (const batch of readRows(shop.reader, requestOf(schema, tasks))) {
        if (rows === 0) await Promise.all(others.map((file) => rm(pathOf(file))))
        rows += batch.length
      }
    }
    await expect(run()).rejects.toMatchObject({ code: 'FLOEBERG_MISSING_FILE' })
    expect(rows).toBeLessThan(3_600_000)
  })

  test('its later pages are overwritten: an error that names it', async () => {
    const file = await large('overwritten')
    const bytes = await readFile(pathOf(file))
    bytes.fill(0xff, Math.floor(bytes.length * 0.8), Math.floor(bytes.length * 0.9))
    await writeFile(pathOf(file), bytes)
    const request = requestOf(schema, [taskOf(await large('fine')), taskOf(file)])
    for (const run of everyWay(request).filter((_, way) => way !== COUNT)) {
      await expect(run()).rejects.toMatchObject({ code: 'FLOEBERG_CORRUPT_FILE', file: file.location })
    }
  })
})

test('flipped bits never hang or crash, and never give another number of rows', async () => {
  const file = await shop.write(
    'flips.parquet',
    "SELECT range AS id, 'text ' || range % 7 AS text FROM range(500)",
    IDS,
  )
  const good = await readFile(pathOf(file))
  const counted = {
    ...file,
    columnSizes: new Map([
      [1, 1],
      [2, 1],
    ]),
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.nat(7), async (at, bit) => {
      const bytes = Uint8Array.from(good)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      await writeFile(pathOf(file), bytes)
      try {
        expect(await allRows(shop.reader, requestOf(schema, [taskOf(counted)]))).toHaveLength(500)
      } catch (error) {
        expect(error).toBeInstanceOf(FloebergError)
        expect(error).toMatchObject({ file: file.location })
      }
    }),
    { numRuns: 200 },
  )
})
