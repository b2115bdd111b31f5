import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OperationAbortedError } from '../../src/errors.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { createSpec } from '../../src/format/partition-spec.ts'
import { decodeBinary } from '../../src/format/values/binary.ts'
import type { Row } from '../../src/format/values/value.ts'
import { deleteRequest, matchOf, readRequest, rowsOfTasks, taskOf } from './changing.ts'
import { entryOf } from './reading.ts'
import { footerOf, openWorkshop, pathOf, rowsOf, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

const schema = schemaOf({ id: { kind: 'long' }, part: { kind: 'string' } })
const FILE_PATH = 2147483546
const POS = 2147483545

async function fileOf(count: number): Promise<ContentFile> {
  const rows: Row[] = Array.from({ length: count }, (_, at) => ({ id: BigInt(at), part: null }))
  const [file] = (await shop.write({ kind: 'rows', rows }, schema)).files
  if (file === undefined) throw new Error('no file was written')
  return file
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new Error(`no item ${index}`)
  return item
}

/** A data file that is nowhere: its deletes are about its location only. */
async function elsewhere(location: string, partition: ContentFile['partition'] = []): Promise<ContentFile> {
  return { ...(await fileOf(1)), location, partition, recordCount: 1_000_000, specId: partition.length }
}

function boundsOf(file: ContentFile, id: number): readonly unknown[] {
  const type = id === FILE_PATH ? ({ kind: 'string' } as const) : ({ kind: 'long' } as const)
  return [file.lowerBounds, file.upperBounds].map((bounds) => {
    const bytes = bounds?.get(id)
    return bytes === undefined ? null : decodeBinary(type, bytes)
  })
}

describe('position delete files', () => {
  test('one per data file: rows, field ids and entries as the spec says', async () => {
    // Longer than what engines keep of a text in their statistics.
    const long = `s3://bucket/${'very/'.repeat(100)}long=%27/a'b.parquet`
    const data = [await elsewhere(long), await elsewhere('s3://bucket/b.parquet')]
    const files = await shop.plane.writePositionDeletes(
      deleteRequest(shop, schema, [
        matchOf(at(data, 0), schema, [999_999, 0, 7]),
        matchOf(at(data, 1), schema, [3]),
      ]),
    )
    expect(files).toHaveLength(2)
    const [first, second] = [at(files, 0), at(files, 1)]
    expect(await rowsOf(first)).toStrictEqual([
      { file_path: long, pos: 0n },
      { file_path: long, pos: 7n },
      { file_path: long, pos: 999_999n },
    ])
    expect(await rowsOf(second)).toStrictEqual([{ file_path: 's3://bucket/b.parquet', pos: 3n }])
    const footer = await footerOf(first)
    expect(footer.schema.slice(1).map(({ name, field_id, type }) => [name, field_id, type])).toStrictEqual([
      ['file_path', FILE_PATH, 'BYTE_ARRAY'],
      ['pos', POS, 'INT64'],
    ])
    expect(first).toMatchObject({
      content: 'position-deletes',
      format: 'parquet',
      specId: 0,
      partition: [],
      recordCount: 3,
      sortOrderId: null,
      equalityIds: null,
      referencedDataFile: long,
      splitOffsets: [4],
    })
    expect(boundsOf(first, FILE_PATH)).toStrictEqual([long, long])
    expect(boundsOf(first, POS)).toStrictEqual([0n, 999_999n])
    expect(first.valueCounts).toStrictEqual(
      new Map([
        [FILE_PATH, 3],
        [POS, 3],
      ]),
    )
    expect(first.fileSizeInBytes).toBe(
      Number((await shop.sql(`SELECT size FROM read_blob('${pathOf(first)}')`))[0]?.['size']),
    )
  })

  test('one per partition: sorted by the bytes of the location, then by position', async () => {
    const spec = createSpec(schema, [{ source: 'part', transform: 'identity' }], { specId: 1 })
    // U+1F600 is above U+FF5E by its bytes and by code points, not by the halves of its pair.
    const names = ['s3://b/\u{1F600}.parquet', 's3://b/\uFF5E.parquet', 's3://b/a.parquet']
    const inPart: ContentFile[] = []
    for (const name of names) inPart.push(await elsewhere(name, ['x/y']))
    const inNull = await elsewhere('s3://b/n.parquet', [null])
    const inText = await elsewhere('s3://b/t.parquet', ['null'])
    const deletes = [...inPart, inNull, inText].map((file) => matchOf(file, schema, [5, 2]))
    const files = await shop.plane.writePositionDeletes(
      deleteRequest(shop, schema, deletes, { spec, granularity: 'partition' }),
    )
    expect(files.map(({ partition, specId }) => [partition, specId])).toStrictEqual([
      [['x/y'], 1],
      [[null], 1],
      [['null'], 1],
    ])
    const rows = await rowsOf(at(files, 0))
    expect(rows.map((row) => [row['file_path'], row['pos']])).toStrictEqual(
      ['s3://b/a.parquet', 's3://b/\uFF5E.parquet', 's3://b/\u{1F600}.parquet'].flatMap((name) => [
        [name, 2n],
        [name, 5n],
      ]),
    )
    expect(at(files, 0).referencedDataFile).toBeNull()
    expect(boundsOf(at(files, 0), FILE_PATH)).toStrictEqual(['s3://b/a.parquet', 's3://b/\u{1F600}.parquet'])
    expect(at(files, 1).referencedDataFile).toBe('s3://b/n.parquet')
    expect(at(files, 0).location).toContain('/part=x%2Fy/')
  })

  test('delete what they say when they are read, also hundreds of thousands of rows', async () => {
    const data = await fileOf(300_000)
    const gone = Array.from({ length: 150_000 }, (_, index) => index * 2)
    const files = await shop.plane.writePositionDeletes(
      deleteRequest(shop, schema, [matchOf(data, schema, gone)]),
    )
    const task = taskOf(data, schema, { op: 'true' }, { deletes: files.map(entryOf) })
    const rows = await rowsOfTasks(shop.plane, readRequest(shop, schema, [task]))
    expect(rows).toHaveLength(150_000)
    expect(rows.every((row) => Number(row['id']) % 2 === 1)).toBe(true)
  })

  test('nothing to delete makes no file, and a stop leaves none', async () => {
    const data = await fileOf(10)
    const before = (await shop.leftovers()).length
    const none = deleteRequest(shop, schema, [matchOf(data, schema, [])])
    expect(await shop.plane.writePositionDeletes(none)).toStrictEqual([])
    const stop = new AbortController()
    const stopped = shop.plane.writePositionDeletes(
      deleteRequest(shop, schema, [matchOf(data, schema, [1])], {
        signal: stop.signal,
        locate: (path, name) => {
          stop.abort()
          return `file://${shop.folder}/data/${path}${name}`
        },
      }),
    )
    await expect(stopped).rejects.toThrow(OperationAbortedError)
    expect(await shop.leftovers()).toHaveLength(before)
  })
})
