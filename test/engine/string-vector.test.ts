import {
  DuckDBInstance,
  LIST,
  VARCHAR,
  listValue,
  type DuckDBConnection,
  type DuckDBDataChunk,
} from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesOf, readColumns, validityOf, type VectorRows } from '../../src/engine/duckdb/raw-vector.ts'
import { packBytes, packBytesInto } from '../../src/engine/duckdb/string-vector.ts'

let instance: DuckDBInstance
let connection: DuckDBConnection

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:')
  connection = await instance.connect()
})

afterAll(() => {
  connection.closeSync()
  instance.closeSync()
})

type Text = string | null

/** DuckDB keeps up to 12 bytes within the vector, and more elsewhere. */
const text: fc.Arbitrary<Text> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(null, '') },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 14 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 13, maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: 200, maxLength: 400 }) },
)

async function chunkOf(texts: readonly Text[], condition = 'true'): Promise<DuckDBDataChunk> {
  const result = await connection.stream(
    `SELECT x FROM (SELECT unnest($1) AS x, unnest(range(${texts.length})) AS i) WHERE ${condition}`,
    [listValue([...texts])],
    [LIST(VARCHAR)],
  )
  const chunk = await result.fetchChunk()
  if (chunk === null) throw new Error('no rows')
  return chunk
}

function unpacked(from: VectorRows): Text[] {
  const validity = validityOf(from)
  const { bytes, offsets } = packBytes(from, validity)
  const rows = from.rows ?? Int32Array.from({ length: from.size }, (_, at) => at)
  return [...rows].map((row, i) => {
    const isNull = validity !== null && (((validity[row >> 3] ?? 0) >> (row & 7)) & 1) === 0
    return isNull ? null : bytes.toString('utf8', offsets[i], offsets[i + 1])
  })
}

describe('texts of a vector', () => {
  test('come out as they went in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 200 }), async (texts) => {
        const chunk = await chunkOf(texts)
        const seen = readColumns(chunk, chunk.rowCount, (columnAt) => unpacked(columnAt(0)))
        expect(seen).toStrictEqual(texts)
      }),
    )
  })

  test('that a filter leaves keep their places', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 10, maxLength: 200 }), async (texts) => {
        const chunk = await chunkOf(texts, 'i % 3 <> 1')
        const seen = readColumns(chunk, chunk.rowCount, (columnAt) => unpacked(columnAt(0)))
        expect(seen).toStrictEqual(texts.filter((_, i) => i % 3 !== 1))
      }),
    )
  })

  test('can be picked in any order', async () => {
    const picked = fc
      .array(text, { minLength: 1, maxLength: 100 })
      .chain((texts) =>
        fc.tuple(fc.constant(texts), fc.array(fc.nat({ max: texts.length - 1 }), { maxLength: 150 })),
      )
    await fc.assert(
      fc.asyncProperty(picked, async ([texts, picks]) => {
        const chunk = await chunkOf(texts)
        const rows = Int32Array.from(picks)
        const seen = readColumns(chunk, chunk.rowCount, (columnAt) => unpacked({ ...columnAt(0), rows }))
        expect(seen).toStrictEqual(picks.map((pick) => texts[pick]))
      }),
    )
  })

  test('are put behind what is there already', async () => {
    const chunk = await chunkOf(['short', null, 'one that is longer than twelve bytes', ''])
    const offsets = Int32Array.of(7, 0, 0, 0, 0)
    let gathered = Buffer.alloc(0)
    readColumns(chunk, chunk.rowCount, (columnAt) => {
      const from = columnAt(0)
      packBytesInto(from, validityOf(from), offsets, (size) => (gathered = Buffer.alloc(size)))
    })
    expect([...offsets]).toStrictEqual([7, 12, 12, 48, 48])
    expect(gathered.toString()).toBe('shortone that is longer than twelve bytes')
  })
})

describe('the memory of a chunk', () => {
  test('is seen no longer than it is read', async () => {
    const chunk = await chunkOf(['a text that is longer than twelve bytes', null])
    const kept: Uint8Array[] = []
    readColumns(chunk, chunk.rowCount, (columnAt) => {
      const validity = validityOf(columnAt(0))
      kept.push(bytesOf(columnAt(0), 16), ...(validity === null ? [] : [validity]))
      expect(kept.map((view) => view.length)).toStrictEqual([32, 8])
    })
    expect(kept.map((view) => view.length)).toStrictEqual([0, 0])
    // The memory itself is still the chunk's.
    expect(chunk.getColumnValues(0)).toStrictEqual(['a text that is longer than twelve bytes', null])
  })

  test('is let go when reading fails', async () => {
    const chunk = await chunkOf(['a'])
    let kept: Uint8Array | undefined
    expect(() =>
      readColumns(chunk, chunk.rowCount, (columnAt) => {
        kept = bytesOf(columnAt(0), 16)
        throw new Error('out of luck')
      }),
    ).toThrow('out of luck')
    expect(kept).toHaveLength(0)
  })
})
