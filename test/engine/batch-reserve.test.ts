import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BatchReserve } from '../../src/engine/duckdb/batch-reserve.ts'
import { readArrow } from '../../src/engine/duckdb/read.ts'
import { columns, contentFile, openWorkshop, requestOf, schemaOf, taskOf, type Workshop } from './reading.ts'

const MiB = 1024 ** 2

/** What V8 counts of memory outside of its heap, in MiB. */
const counted = (): number => process.memoryUsage().arrayBuffers / MiB

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** The same when there is no garbage: what the tests before this one have left would go at any time. */
function countedAnew(): number {
  if (typeof collect !== 'function') throw new Error('no way to collect garbage')
  // What the first finds is given back by the second at the latest.
  collect()
  collect()
  return counted()
}

describe('memory set aside for batches', () => {
  test('is counted at once, and given back as batches are made', () => {
    const reserve = new BatchReserve(64 * MiB)
    const before = countedAnew()
    reserve.give(5 * MiB, 200 * MiB)
    expect(counted() - before).toBeCloseTo(59, 0)
    for (let batch = 1; batch <= 10; batch++) reserve.give(5 * MiB, 200 * MiB)
    expect(counted() - before).toBeCloseTo(9, 0)
    // As much again when it is used up.
    reserve.give(10 * MiB, 100 * MiB)
    expect(counted() - before).toBeCloseTo(63, 0)
    reserve.end()
    expect(counted() - before).toBeCloseTo(0, 0)
  })

  test('is no more than is to come', () => {
    const reserve = new BatchReserve(64 * MiB)
    const before = countedAnew()
    reserve.give(5 * MiB, 12 * MiB)
    expect(counted() - before).toBeCloseTo(7, 0)
    reserve.give(5 * MiB, 7 * MiB)
    reserve.give(5 * MiB, 2 * MiB)
    expect(counted() - before).toBeCloseTo(0, 0)
    reserve.give(5 * MiB, 0)
    expect(counted() - before).toBeCloseTo(0, 0)
  })

  test('is none beside batches that are large themselves', () => {
    const reserve = new BatchReserve(64 * MiB)
    const before = countedAnew()
    reserve.give(20 * MiB, 500 * MiB)
    expect(counted() - before).toBeCloseTo(0, 0)
  })
})

describe('a scan into Arrow batches', () => {
  const ROWS = 4_000_000
  const schema = schemaOf(columns({ id: { kind: 'long' } }))
  let shop: Workshop
  beforeAll(async () => {
    shop = await openWorkshop()
  })
  afterAll(() => shop.close())

  async function request() {
    const path = `${shop.folder}/ids.parquet`
    await shop.sql(
      `COPY (SELECT range AS id FROM range(${ROWS})) TO '${path}' (FORMAT parquet, FIELD_IDS {id: 1})`,
    )
    return requestOf(schema, [taskOf(await contentFile(path, ROWS))])
  }

  test('sets aside what its batches will take, and no more than they hold is left at the end', async () => {
    const wanted = await request()
    const before = countedAnew()
    const batches = []
    let most = 0
    for await (const batch of readArrow(shop.reader, wanted)) {
      batches.push(batch)
      if (batches.length === 2) most = counted() - before
    }
    const bytes = (ROWS * 8) / MiB
    expect(most).toBeGreaterThan(bytes - 4)
    expect(counted() - before).toBeLessThan(bytes + 4)
    expect(batches.reduce((sum, { numRows }) => sum + numRows, 0)).toBe(ROWS)
  })

  test('that is left early gives back what it had set aside', async () => {
    const wanted = await request()
    const before = countedAnew()
    for await (const batch of readArrow(shop.reader, wanted)) {
      expect(counted() - before).toBeGreaterThan((batch.numRows * 8) / MiB + 20)
      break
    }
    expect(counted() - before).toBeLessThan(8)
  })
})
