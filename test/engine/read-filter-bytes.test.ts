import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countRows } from '../../src/engine/duckdb/read.ts'
import { eq, isIn, not, notEq, notIn, type Expression } from '../../src/format/expressions/expression.ts'
import { columns, openWorkshop, requestOf, residual, schemaOf, taskOf, type Workshop } from './reading.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

/** Bytes that are text, and others, some of which look like how the engine spells them. */
const BYTES = ['', '41', '7f', '00', 'ff', '5c', '5c783746', 'c3a9']

describe('equality of bytes does not trust what the engine looks up in Bloom filters', () => {
  const schema = schemaOf(columns({ x: { kind: 'binary' } }))

  test.each(BYTES)('%s', async (hex) => {
    // Repeated values are stored by a dictionary, which is what the engine writes filters for.
    const query = `SELECT CASE WHEN range % 2 = 0 THEN unhex('${hex}') END AS x FROM range(60)`
    const file = await shop.write(`bytes-${hex}.parquet`, query, '{x: 1}')
    const value = Uint8Array.from(Buffer.from(hex, 'hex'))
    const count = (filter: Expression): Promise<number> =>
      countRows(shop.reader, requestOf(schema, [taskOf(file, { residual: residual(schema, filter) })]))
    const other = Uint8Array.of(1, 2)
    expect(await count(eq('x', value))).toBe(30)
    expect(await count(isIn('x', [value, other]))).toBe(30)
    expect(await count(not(notEq('x', value)))).toBe(30)
    expect(await count(notEq('x', value))).toBe(0)
    expect(await count(notIn('x', [value, other]))).toBe(0)
    expect(await count(eq('x', other))).toBe(0)
  })
})
