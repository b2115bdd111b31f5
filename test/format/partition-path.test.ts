import { describe, expect, test } from 'vitest'
import { maskedPath, partitionPath } from '../../src/format/partition-path.ts'
import { UNPARTITIONED } from '../../src/format/partition-spec.ts'
import type { PartitionSpec } from '../../src/format/partition-spec.ts'
import { createSchema } from '../../src/format/schema.ts'
import { parseTransform } from '../../src/format/transforms/transform.ts'
import type { Datum } from '../../src/format/types.ts'
import { bytes, primitive } from './values/value-vectors.ts'

function pathOf(type: string, transform: string, value: Datum | null, name = 'p'): string {
  const schema = createSchema({ fields: [{ id: 1, name: 'c', required: false, type: primitive(type) }] })
  const spec: PartitionSpec = {
    specId: 1,
    fields: [{ sourceId: 1, fieldId: 1000, name, transform: parseTransform(transform) }],
  }
  return partitionPath(spec, schema, [value])
}

describe('partition paths', () => {
  // application/x-www-form-urlencoded, as all engines encode them.
  test.each([
    ['my#str%x', 'my+str', 'my%23str%25x=my%2Bstr'],
    ['other str+b', '( )', 'other+str%2Bb=%28+%29'],
    ['p', 'a/b=c', 'p=a%2Fb%3Dc'],
    ['p', 'x~y*', 'p=x%7Ey*'],
    ['p', 'é', 'p=%C3%A9'],
    ['p', '', 'p='],
    ['p', null, 'p=null'],
    ['p', "!'-._", 'p=%21%27-._'],
    ['p', '../..', 'p=..%2F..'],
    ['p', 'a\nb\0?#', 'p=a%0Ab%00%3F%23'],
  ])('%s and %s', (name, value, path) => {
    expect(pathOf('string', 'identity', value, name)).toBe(path)
  })

  test.each([
    ['timestamp', 'year', 56, 'p=2026'],
    ['timestamp', 'year', -1, 'p=1969'],
    ['timestamp', 'month', 0, 'p=1970-01'],
    ['timestamp', 'month', -1, 'p=1969-12'],
    ['timestamp', 'month', 672, 'p=2026-01'],
    ['timestamp', 'day', -1, 'p=1969-12-31'],
    ['timestamp', 'hour', -1, 'p=1969-12-31-23'],
    ['timestamp', 'hour', 25, 'p=1970-01-02-01'],
    ['date', 'identity', 17486, 'p=2017-11-16'],
    ['timestamptz', 'identity', 0n, 'p=1970-01-01T00%3A00%3A00.000000Z'],
    ['string', 'bucket[16]', 0, 'p=0'],
    ['int', 'truncate[10]', -10, 'p=-10'],
    ['decimal(9, 2)', 'identity', -5n, 'p=-0.05'],
    ['boolean', 'identity', false, 'p=false'],
    ['uuid', 'identity', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'p=f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['binary', 'identity', bytes('00ff'), 'p=00ff'],
    ['double', 'identity', Number.NaN, 'p=NaN'],
    ['string', 'void', null, 'p=null'],
  ])('%s under %s: %s', (type, transform, value, path) => {
    expect(pathOf(type, transform, value)).toBe(path)
  })

  test('of several fields are levels, of none empty', () => {
    const schema = createSchema({ fields: [{ id: 1, name: 'c', required: false, type: { kind: 'int' } }] })
    const fields = ['a', 'b'].map((name, i) => ({
      sourceId: 1,
      fieldId: 1000 + i,
      name,
      transform: parseTransform('identity'),
    }))
    expect(partitionPath({ specId: 1, fields }, schema, [1, null])).toBe('a=1/b=null')
    expect(partitionPath(UNPARTITIONED, schema, [])).toBe('')
  })

  test('fit file systems however long the value, and keep values apart', () => {
    const long = ['é'.repeat(300), `${'é'.repeat(300)}x`, 'x'.repeat(5000)].map((value) =>
      pathOf('string', 'identity', value),
    )
    for (const path of long) {
      expect(path.length).toBeLessThanOrEqual(255)
      expect(path).toMatch(/^p=(%[0-9A-F]{2}|[a-z])+-[0-9a-f]{8}$/)
    }
    expect(new Set(long).size).toBe(3)
  })
})

test.each([
  ['file:///w/t/data/ts_month=2026-01/id=7/a.parquet', 'file:///w/t/data/ts_month=***/id=***/a.parquet'],
  ['s3://b/t/data/p=/a.parquet', 's3://b/t/data/p=***/a.parquet'],
  ['s3://b/t/data/a.parquet', 's3://b/t/data/a.parquet'],
  ['s3://b/t/data/a=b.parquet', 's3://b/t/data/a=b.parquet'],
  ['p=a=b/x', 'p=***/x'],
])('%s is shown without its values', (location, masked) => {
  expect(maskedPath(location)).toBe(masked)
})
