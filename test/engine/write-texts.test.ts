import * as arrow from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bindExpression } from '../../src/format/expressions/bind.ts'
import { parseExpression } from '../../src/format/expressions/parse.ts'
import { openWorkshop, schemaOf, type Workshop, WRITERS } from './writing.ts'

describe.each(WRITERS)('rows by $writer', ({ open }) => {
  let shop: Workshop

  beforeAll(async () => {
    shop = await openWorkshop({}, open)
  })

  afterAll(() => shop.close())

  const schema = schemaOf({ word: { kind: 'string' } })

  test('short texts that come after long ones are found by a filter', async () => {
    // Several of the engine's vectors of each.
    const words = Array.from({ length: 10_000 }, (_, at) =>
      at < 5000 ? `a longer text, number ${at}` : 'ab',
    )
    const { batches } = new arrow.Table({ word: arrow.vectorFromArray(words, new arrow.Utf8()) })
    const filter = bindExpression(schema, parseExpression("word = 'ab'"))
    const { rows } = await shop.write({ kind: 'arrow', batches }, schema, { filter })
    expect(rows).toBe(5000)
  })
})
