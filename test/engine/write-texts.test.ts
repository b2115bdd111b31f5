import * as arrow from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bindExpression } from '../../src/format/expressions/bind.ts'
import { parseExpression } from '../../src/format/expressions/parse.ts'
import { metricsConfig } from '../../src/format/metrics-config.ts'
import { createSpec } from '../../src/format/partition-spec.ts'
import { UNSORTED } from '../../src/format/sort-order.ts'
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

  // A byte order mark at the beginning of a file is no part of its text; in a value it is.
  test.each([
    ['short', 1],
    ['longer than a key', 60],
    ["longer than the engine's statistics", 300],
  ])('a text that begins with a byte order mark keeps it in bounds and partition: %s', async (_, length) => {
    const text = `\uFEFF${'a'.repeat(length)}`
    const options = {
      spec: createSpec(schema, [{ source: 'word', transform: 'identity' }]),
      metrics: metricsConfig(schema, UNSORTED, { 'write.metadata.metrics.default': 'full' }),
    }
    const { files } = await shop.write({ kind: 'rows', rows: [{ word: text }] }, schema, options)
    const bytes = new TextEncoder().encode(text)
    expect(files.map((file) => [file.partition, file.lowerBounds, file.upperBounds])).toEqual([
      [[text], new Map([[1, bytes]]), new Map([[1, bytes]])],
    ])
  })
})
