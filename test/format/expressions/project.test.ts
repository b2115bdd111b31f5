import { describe, expect, test } from 'vitest'
import { bindExpression } from '../../../src/format/expressions/bind.ts'
import { evaluate } from '../../../src/format/expressions/evaluate.ts'
import { evaluatePartition } from '../../../src/format/expressions/evaluate-partition.ts'
import type { PartitionExpression } from '../../../src/format/expressions/expression.ts'
import { boundToString } from '../../../src/format/expressions/format.ts'
import { parseExpression } from '../../../src/format/expressions/parse.ts'
import { projectInclusive, projectStrict, unprojectable } from '../../../src/format/expressions/project.ts'
import { residualFor } from '../../../src/format/expressions/residual.ts'
import { manifestMightMatch } from '../../../src/format/expressions/summaries.ts'
import type { PartitionSpec } from '../../../src/format/partition-spec.ts'
import { createSchema } from '../../../src/format/schema.ts'
import { parseTransform } from '../../../src/format/transforms/transform.ts'
import type { PrimitiveType } from '../../../src/format/types.ts'
import { encodeBinary } from '../../../src/format/values/binary.ts'
import { manifestOf } from './files.ts'

function schemaOf(columns: Readonly<Record<string, PrimitiveType>>) {
  return createSchema({
    fields: Object.entries(columns).map(([name, type], i) => ({ id: i + 1, name, required: false, type })),
  })
}

/** Fields as [source id, transform]. */
function specOf(fields: readonly (readonly [number, string])[], specId = 3): PartitionSpec {
  return {
    specId,
    fields: fields.map(([sourceId, transform], i) => ({
      sourceId,
      fieldId: 1000 + i,
      name: `p${i}`,
      transform: parseTransform(transform),
    })),
  }
}

/** A partition filter in short; `p0` is the first field. */
function short(expression: PartitionExpression): string {
  switch (expression.op) {
    case 'true':
    case 'false':
      return expression.op
    case 'and':
    case 'or':
      return `(${short(expression.left)} ${expression.op} ${short(expression.right)})`
    default: {
      const name = `p${expression.ref.position}`
      if ('literal' in expression) return `${name} ${expression.op} ${String(expression.literal)}`
      return 'literals' in expression
        ? `${name} ${expression.op} ${expression.literals.join()}`
        : `${name} ${expression.op}`
    }
  }
}

const timestamps = schemaOf({ ts: { kind: 'timestamp' } })

describe('times through temporal transforms', () => {
  test.each([
    ['hour', "ts = '1969-12-31T23:30:00'", 'p0 in -1,0', 'false'],
    ['hour', "ts = '1970-01-01T00:30:00'", 'p0 eq 0', 'false'],
    ['hour', "ts != '1969-12-31T23:30:00'", 'p0 not-null', 'p0 not-in -1,0'],
    ['hour', "ts <= '1969-12-31T23:30:00'", 'p0 lt-eq 0', 'p0 lt -1'],
    ['hour', "ts < '1970-01-01T00:00:00'", 'p0 lt-eq 0', 'p0 lt 0'],
    ['hour', "ts < '1970-01-01T01:00:00'", 'p0 lt-eq 0', 'p0 lt 1'],
    ['hour', "ts >= '1969-12-31T23:30:00'", 'p0 gt-eq -1', 'p0 gt 0'],
    ['hour', "ts > '1969-12-31T22:59:59.999999'", 'p0 gt-eq -1', 'p0 gt -1'],
    ['day', "ts > '2017-11-16T12:00:00'", 'p0 gt-eq 17486', 'p0 gt 17486'],
    ['day', "ts >= '2017-11-16T00:00:00'", 'p0 gt-eq 17486', 'p0 gt 17485'],
    ['day', "ts < '2017-11-16T00:00:00'", 'p0 lt-eq 17485', 'p0 lt 17486'],
    ['day', "ts in ('1969-12-31T01:00:00', '1969-12-30T01:00:00')", 'p0 in -2,-1,0', 'false'],
    [
      'month',
      "ts between '2017-11-16T00:00:00' and '2018-01-05T00:00:00'",
      '(p0 gt-eq 574 and p0 lt-eq 576)',
      '(p0 gt 574 and p0 lt 576)',
    ],
    ['month', "ts = '1969-12-01T00:00:00'", 'p0 in -1,0', 'false'],
    ['year', "ts = '1969-06-01T00:00:00'", 'p0 in -1,0', 'false'],
    ['year', "ts > '2017-12-31T23:59:59.999999'", 'p0 gt-eq 48', 'p0 gt 47'],
    ['year', 'ts is null', 'p0 is-null', 'p0 is-null'],
  ])('%s: %s', (transform, filter, inclusive, strict) => {
    const spec = specOf([[1, transform]])
    const bound = bindExpression(timestamps, parseExpression(filter))
    expect(short(projectInclusive(spec, timestamps, bound))).toBe(inclusive)
    expect(short(projectStrict(spec, timestamps, bound))).toBe(strict)
  })

  test('a row of 23:30 before 1970 is found in a file that an old writer put into hour 0', () => {
    const spec = specOf([[1, 'hour']])
    const bound = bindExpression(timestamps, parseExpression("ts = '1969-12-31T23:30:00'"))
    expect(evaluatePartition(projectInclusive(spec, timestamps, bound), [0])).toBe(true)
    expect(residualFor(spec, timestamps, bound, [0])).toBe(bound)
    const after = bindExpression(timestamps, parseExpression("ts >= '1970-01-01T00:00:00'"))
    expect(evaluatePartition(projectStrict(spec, timestamps, after), [0])).toBe(false)
    expect(evaluatePartition(projectStrict(spec, timestamps, after), [1])).toBe(true)
  })

  test('days of dates are the dates: nothing was ever rounded', () => {
    const dates = schemaOf({ d: { kind: 'date' } })
    const bound = bindExpression(dates, parseExpression("d = '1969-12-31'"))
    expect(short(projectInclusive(specOf([[1, 'day']]), dates, bound))).toBe('p0 eq -1')
    expect(short(projectStrict(specOf([[1, 'day']]), dates, bound))).toBe('p0 eq -1')
    expect(short(projectInclusive(specOf([[1, 'month']]), dates, bound))).toBe('p0 in -1,0')
  })
})

describe('buckets', () => {
  // The spec's hash of 34 as int and long is 2017239379 (Appendix B).
  const bucket = (2017239379 & 0x7fffffff) % 16
  const longs = schemaOf({ id: { kind: 'long' } })
  const spec = specOf([[1, 'bucket[16]']])

  test.each([
    ['id = 34', `p0 eq ${bucket}`, 'false'],
    ['id != 34', 'p0 not-null', `p0 not-eq ${bucket}`],
    ['id in (34, 34)', `p0 eq ${bucket}`, 'false'],
    ['id < 34', 'p0 not-null', 'false'],
    ['id is null', 'p0 is-null', 'p0 is-null'],
    ['id is not null', 'p0 not-null', 'p0 not-null'],
  ])('%s', (filter, inclusive, strict) => {
    const bound = bindExpression(longs, parseExpression(filter))
    expect(short(projectInclusive(spec, longs, bound))).toBe(inclusive)
    expect(short(projectStrict(spec, longs, bound))).toBe(strict)
  })

  test('zero, empty and false have buckets', () => {
    const ints = schemaOf({ id: { kind: 'int' } })
    const bound = bindExpression(ints, parseExpression('id = 0'))
    expect(short(projectInclusive(spec, ints, bound))).toBe('p0 eq 12')
  })
})

describe('void and unknown transforms', () => {
  const strings = schemaOf({ data: { kind: 'string' } })
  const filters = ["data = 'a'", "data != 'a'", 'data is null', 'data is not null', "starts_with(data, 'a')"]

  test.each(['void', 'zorder[4]', 'bucket[0]'])('%s prunes nothing and proves nothing', (transform) => {
    const spec = specOf([[1, transform]])
    for (const filter of filters) {
      const bound = bindExpression(strings, parseExpression(filter))
      expect(short(projectInclusive(spec, strings, bound))).toBe('true')
      expect(short(projectStrict(spec, strings, bound))).toBe('false')
      expect(residualFor(spec, strings, bound, [null])).toBe(bound)
    }
  })

  test('rows of a field that was removed from a v1 spec are found by their own filters', () => {
    const before = specOf([[1, 'identity']], 0)
    const after = specOf([[1, 'void']], 1)
    const files = [
      { spec: before, tuple: ['a'], data: 'a' },
      { spec: before, tuple: ['b'], data: 'b' },
      { spec: after, tuple: [null], data: 'c' },
    ]
    const found = (filter: string) =>
      files.flatMap(({ spec, tuple, data }) => {
        const bound = bindExpression(strings, parseExpression(filter))
        if (!evaluatePartition(projectInclusive(spec, strings, bound), tuple)) return []
        return evaluate(residualFor(spec, strings, bound, tuple), () => data) === true ? [data] : []
      })
    expect(['a', 'b', 'c'].map((value) => found(`data = '${value}'`))).toEqual([['a'], ['b'], ['c']])
    expect(found('data is null')).toEqual([])
    expect(found('data is not null')).toEqual(['a', 'b', 'c'])
  })

  test('a transform that the format does not allow on the column’s type is not applied', () => {
    const doubles = schemaOf({ x: { kind: 'double' } })
    const bound = bindExpression(doubles, parseExpression('x = 1'))
    expect(short(projectInclusive(specOf([[1, 'bucket[4]']]), doubles, bound))).toBe('true')
  })
})

describe('several fields', () => {
  const schema = schemaOf({ id: { kind: 'long' }, s: { kind: 'string' }, free: { kind: 'int' } })
  const spec = specOf([
    [1, 'bucket[16]'],
    [2, 'truncate[2]'],
    [1, 'truncate[10]'],
  ])

  test('of one column: all must let a file in, one proves it', () => {
    const bound = bindExpression(schema, parseExpression('id = 34'))
    expect(short(projectInclusive(spec, schema, bound))).toBe('(p0 eq 3 and p2 eq 30)')
    const not = bindExpression(schema, parseExpression('id != 34'))
    expect(short(projectStrict(spec, schema, not))).toBe('(p0 not-eq 3 or p2 not-eq 30)')
  })

  test('residuals lose what the tuple proves, and turn false on what it rules out', () => {
    const text = "s >= 'ab' and (id > 100 or free = 1) and starts_with(s, 'abc')"
    const bound = bindExpression(schema, parseExpression(text))
    const residual = (tuple: readonly [number, string, bigint]) =>
      boundToString(residualFor(spec, schema, bound, tuple))
    expect(residual([0, 'zz', 200n])).toBe('false')
    expect(residual([0, 'ab', 200n])).toBe('starts_with(s, ?)')
    expect(residual([0, 'ab', 50n])).toBe('free = ? and starts_with(s, ?)')
    expect(residual([0, 'ab', 100n])).toBe('(id > ? or free = ?) and starts_with(s, ?)')
    expect(residualFor({ specId: 0, fields: [] }, schema, bound, [])).toBe(bound)
  })

  test('predicates that no field can prune by are named', () => {
    const named = (filter: string, by: PartitionSpec = spec) =>
      unprojectable(by, schema, bindExpression(schema, parseExpression(filter))).map(boundToString)
    expect(named("id = 5 and free > 3 and starts_with(s, 'a')")).toEqual(['free > ?'])
    expect(named('id < 5 or free is null')).toEqual(['free is null'])
    expect(named('id < 5 and id = 7', specOf([[1, 'bucket[4]']]))).toEqual(['id < ?'])
    expect(named('id is not null', specOf([[1, 'bucket[4]']]))).toEqual([])
    expect(named('id = 5', specOf([[1, 'void']]))).toEqual(['id = ?'])
    expect(named('true')).toEqual([])
  })
})

describe('stored partition values and source columns never meet', () => {
  test.each(['day', 'month', 'hour', 'year', 'identity'])(
    '%s: a filter on its source keeps the file of its rows',
    (transform) => {
      const schema = schemaOf({ k: { kind: 'string' }, ts: { kind: 'timestamp' } })
      const spec = specOf([[2, transform]])
      const text = "k = 'a' and ts = '2024-05-06T07:08:09'"
      const bound = bindExpression(schema, parseExpression(text))
      const inclusive = projectInclusive(spec, schema, bound)
      // 2024-05-06 is day 19849 from 1970; its partition as each transform has it.
      const stored = { year: 54, month: 652, day: 19849, hour: 19849 * 24 + 7, identity: 1714979289000000n }
      const tuple = [stored[transform as keyof typeof stored]] // one of its keys
      expect(evaluatePartition(inclusive, tuple)).toBe(true)
      // The file holds other rows too: what is left must tell them apart by the row's own values.
      const residual = residualFor(spec, schema, bound, tuple)
      expect(boundToString(residual)).toContain('k = ?')
    },
  )
})

describe('manifest summaries', () => {
  test('go by position in the manifest’s own spec, also where a source column is gone', () => {
    const schema = createSchema({ fields: [{ id: 2, name: 'p', required: false, type: { kind: 'int' } }] })
    const old = specOf([
      [1, 'identity'],
      [2, 'identity'],
    ])
    const int: PrimitiveType = { kind: 'int' }
    const summary = (lower: number, upper: number) => ({
      containsNull: false,
      containsNaN: null,
      lowerBound: encodeBinary(int, lower),
      upperBound: encodeBinary(int, upper),
    })
    const manifest = manifestOf(3, [summary(10, 20), summary(2, 2)])
    const might = (filter: string) => {
      const bound = bindExpression(schema, parseExpression(filter))
      return manifestMightMatch(old, schema, projectInclusive(old, schema, bound), manifest)
    }
    expect(might('p = 2')).toBe(true)
    expect(might('p = 15')).toBe(false)
    expect(might('p is null')).toBe(false)
  })

  const doubles = schemaOf({ x: { kind: 'double' } })
  const spec = specOf([[1, 'identity']])
  const might = (filter: string, partitions: Parameters<typeof manifestOf>[1]) => {
    const bound = bindExpression(doubles, parseExpression(filter))
    return manifestMightMatch(
      spec,
      doubles,
      projectInclusive(spec, doubles, bound),
      manifestOf(3, partitions),
    )
  }
  const bytes = (value: number) => encodeBinary({ kind: 'double' }, value)

  test('without bounds everything is null or NaN, where the writer says so', () => {
    const none = { lowerBound: null, upperBound: null }
    expect(might('x = 1', [{ containsNull: true, containsNaN: false, ...none }])).toBe(false)
    expect(might('x is null', [{ containsNull: true, containsNaN: false, ...none }])).toBe(true)
    expect(might('x is not null', [{ containsNull: true, containsNaN: false, ...none }])).toBe(false)
    expect(might('x is not null', [{ containsNull: true, containsNaN: true, ...none }])).toBe(true)
    expect(might('x = 1', [{ containsNull: false, containsNaN: true, ...none }])).toBe(false)
    expect(might('x is not nan', [{ containsNull: false, containsNaN: true, ...none }])).toBe(false)
    expect(might('x = 1', [{ containsNull: false, containsNaN: null, ...none }])).toBe(true)
    expect(might('x is nan', [{ containsNull: false, containsNaN: false, ...none }])).toBe(false)
  })

  test('NaN bounds say nothing, NaN partitions match what NaN matches', () => {
    const spoilt = { containsNull: false, containsNaN: null, lowerBound: bytes(NaN), upperBound: bytes(NaN) }
    expect(might('x = 1', [spoilt])).toBe(true)
    const one = { containsNull: false, containsNaN: true, lowerBound: bytes(1), upperBound: bytes(1) }
    expect(might('x > 1', [one])).toBe(false)
    expect(might('x != 1', [one])).toBe(true)
    expect(might('x != 1', [{ ...one, containsNaN: false }])).toBe(false)
  })

  test('summaries that are missing keep the manifest', () => {
    expect(might('x = 1', null)).toBe(true)
    expect(might('x = 1', [])).toBe(true)
    expect(might('false', null)).toBe(true)
  })

  test('a manifest of another spec is not judged', () => {
    const bound = bindExpression(doubles, parseExpression('x = 1'))
    const projected = projectInclusive(spec, doubles, bound)
    expect(() => manifestMightMatch(spec, doubles, projected, manifestOf(4, []))).toThrow(/spec 4/)
  })
})

test('partition values stored before a promotion from int to long', () => {
  const longs = schemaOf({ id: { kind: 'long' } })
  const spec = specOf([[1, 'identity']])
  const bound = bindExpression(longs, parseExpression('id in (1, 5)'))
  expect(evaluatePartition(projectInclusive(spec, longs, bound), [5])).toBe(true)
  expect(evaluatePartition(projectInclusive(spec, longs, bound), [6])).toBe(false)
})
