/**
 * Random tables and filters against a naive reading of every row: nothing that leaves files out
 * loses a matching row, nothing that takes files whole takes one that does not match.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bindExpression } from '../../../src/format/expressions/bind.ts'
import { evaluate } from '../../../src/format/expressions/evaluate.ts'
import { evaluatePartition } from '../../../src/format/expressions/evaluate-partition.ts'
import { allMatch, mightMatch } from '../../../src/format/expressions/metrics.ts'
import { projectInclusive, projectStrict, unprojectable } from '../../../src/format/expressions/project.ts'
import { residualFor } from '../../../src/format/expressions/residual.ts'
import { manifestMightMatch } from '../../../src/format/expressions/summaries.ts'
import type { Expression } from '../../../src/format/expressions/expression.ts'
import type { PartitionTuple } from '../../../src/format/manifest/entry.ts'
import type { PartitionSpec } from '../../../src/format/partition-spec.ts'
import { applyTransform } from '../../../src/format/transforms/apply.ts'
import type { Datum } from '../../../src/format/types.ts'
import { metricsOf, summariesOf, manifestOf } from './files.ts'
import type { MetricsFault } from './files.ts'
import { anyFilter, anyKind, anyRow, anySpec, worldOf } from './generators.ts'
import type { World } from './generators.ts'
import { oracle } from './oracle.ts'
import type { OracleRow } from './oracle.ts'
import { contentFile } from '../../support/content-file.ts'

interface Case {
  readonly world: World
  readonly spec: PartitionSpec
  readonly rows: readonly OracleRow[]
  readonly filter: Expression
}

const anyCase: fc.Arbitrary<Case> = fc
  .array(anyKind, { minLength: 1, maxLength: 2 })
  .map(worldOf)
  .chain((world) =>
    fc.record({
      world: fc.constant(world),
      spec: anySpec(world),
      rows: fc.array(anyRow(world), { minLength: 1, maxLength: 25 }),
      filter: anyFilter(world),
    }),
  )

/** How a writer makes a stored partition value of an exact one. */
type Writer = (
  value: Datum | null,
  field: PartitionSpec['fields'][number],
  source: Datum | null,
) => Datum | null

const exactWriter: Writer = (value) => value

/** Rounds times before 1970 towards zero, as old writers did: up, where there is anything to round. */
const roundingWriter: Writer = (value, { transform }) => {
  const isTemporal = ['year', 'month', 'day', 'hour'].includes(transform.kind)
  return isTemporal && typeof value === 'number' && value < 0 ? value + 1 : value
}

function tupleOf(world: World, spec: PartitionSpec, row: OracleRow, writer: Writer): PartitionTuple {
  return spec.fields.map((field) => {
    const name = world.names.find((each) => world.ids[each] === field.sourceId) ?? ''
    const type = world.types[name]
    if (type === undefined) throw new Error('no such source')
    // A field of an unknown transform holds what its writer knows.
    if (field.transform.kind === 'unknown') return 4711
    const source = row[name] ?? null
    return writer(applyTransform(field.transform, type, source), field, source)
  })
}

function partitions({ world, spec, rows }: Case, writer: Writer = exactWriter) {
  const groups = new Map<string, { tuple: PartitionTuple; rows: OracleRow[] }>()
  for (const row of rows) {
    const tuple = tupleOf(world, spec, row, writer)
    const key = tuple.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join('|')
    const group = groups.get(key) ?? { tuple, rows: [] }
    group.rows.push(row)
    groups.set(key, group)
  }
  return [...groups.values()]
}

function checks(each: Case) {
  const { world, filter } = each
  const bound = bindExpression(world.schema, filter)
  const matches = (row: OracleRow): boolean => oracle(filter, row, world.types) === true
  const get = (row: OracleRow) => (ref: { readonly name: string }) => row[ref.name] ?? null
  return { bound, matches, get }
}

const runs = { numRuns: 1500 }

describe('any filter over any table', () => {
  test('a bound filter is true of a row exactly when the filter is', () => {
    fc.assert(
      fc.property(anyCase, (each) => {
        const { bound, matches, get } = checks(each)
        for (const row of each.rows) expect(evaluate(bound, get(row)) === true).toBe(matches(row))
      }),
      runs,
    )
  })

  test('negating a filter negates it, and leaves unknown rows out of both', () => {
    fc.assert(
      fc.property(anyCase, (each) => {
        const { world, filter, rows } = each
        const opposite = bindExpression(world.schema, { op: 'not', child: filter })
        for (const row of rows) {
          const isFalse = oracle(filter, row, world.types) === false
          expect(evaluate(opposite, (ref) => row[ref.name] ?? null) === true).toBe(isFalse)
        }
      }),
      runs,
    )
  })

  test('the inclusive projection matches the partition of every matching row', () => {
    fc.assert(
      fc.property(anyCase, (each) => {
        const { bound, matches } = checks(each)
        const inclusive = projectInclusive(each.spec, each.world.schema, bound)
        for (const { tuple, rows } of partitions(each)) {
          if (rows.some(matches)) expect(evaluatePartition(inclusive, tuple)).toBe(true)
        }
      }),
      runs,
    )
  })

  test('the strict projection matches only partitions whose rows all match', () => {
    fc.assert(
      fc.property(anyCase, (each) => {
        const { bound, matches } = checks(each)
        const strict = projectStrict(each.spec, each.world.schema, bound)
        for (const { tuple, rows } of partitions(each)) {
          if (evaluatePartition(strict, tuple)) expect(rows.every(matches)).toBe(true)
        }
      }),
      runs,
    )
  })

  test('times before 1970 that an old writer rounded up are found, and never taken whole wrongly', () => {
    fc.assert(
      fc.property(anyCase, (each) => {
        const { bound, matches, get } = checks(each)
        // Dates were never rounded to days: there is nothing to round.
        const writer: Writer = (value, field, source) =>
          field.transform.kind === 'day' && typeof source === 'number'
            ? value
            : roundingWriter(value, field, source)
        const inclusive = projectInclusive(each.spec, each.world.schema, bound)
        const strict = projectStrict(each.spec, each.world.schema, bound)
        for (const { tuple, rows } of partitions(each, writer)) {
          if (rows.some(matches)) expect(evaluatePartition(inclusive, tuple)).toBe(true)
          if (evaluatePartition(strict, tuple)) expect(rows.every(matches)).toBe(true)
          const residual = residualFor(each.spec, each.world.schema, bound, tuple)
          for (const row of rows) expect(evaluate(residual, get(row)) === true).toBe(matches(row))
        }
      }),
      runs,
    )
  })

  test('the residual of a partition keeps exactly its matching rows', () => {
    fc.assert(
      fc.property(anyCase, (each) => {
        const { bound, matches, get } = checks(each)
        for (const { tuple, rows } of partitions(each)) {
          const residual = residualFor(each.spec, each.world.schema, bound, tuple)
          for (const row of rows) expect(evaluate(residual, get(row)) === true).toBe(matches(row))
        }
      }),
      runs,
    )
  })

  test('a predicate that is called unprojectable leaves out no file but of null partitions', () => {
    fc.assert(
      fc.property(anyCase, (each) => {
        const { bound } = checks(each)
        for (const predicate of unprojectable(each.spec, each.world.schema, bound)) {
          const alone = projectInclusive(each.spec, each.world.schema, predicate)
          for (const { tuple } of partitions(each)) {
            if (!tuple.includes(null)) expect(evaluatePartition(alone, tuple)).toBe(true)
          }
        }
      }),
      runs,
    )
  })

  const anyFaults = fc.subarray<MetricsFault>(
    [
      'no-values',
      'no-nulls',
      'no-nans',
      'no-lower',
      'no-upper',
      'nan-bounds',
      'cut-bounds',
      'signed-uuids',
      'broken-bounds',
    ],
    { maxLength: 3 },
  )

  test('metrics, whatever of them is missing or unreliable, decide as the rows do', () => {
    fc.assert(
      fc.property(anyCase, anyFaults, (each, faults) => {
        const { bound, matches } = checks(each)
        const file = contentFile({
          recordCount: each.rows.length,
          ...metricsOf(each.world, each.rows, faults),
        })
        if (each.rows.some(matches)) expect(mightMatch(bound, file)).toBe(true)
        if (allMatch(bound, file)) expect(each.rows.every(matches)).toBe(true)
      }),
      { numRuns: 4000 },
    )
  })

  test('the summaries of a manifest let in every file that its partition lets in', () => {
    fc.assert(
      fc.property(anyCase, fc.boolean(), (each, knowsNaN) => {
        const { bound, matches } = checks(each)
        const inclusive = projectInclusive(each.spec, each.world.schema, bound)
        const groups = partitions(each)
        const manifest = manifestOf(
          each.spec.specId,
          summariesOf(
            each,
            groups.map(({ tuple }) => tuple),
            knowsNaN,
          ),
        )
        const isLetIn = manifestMightMatch(each.spec, each.world.schema, inclusive, manifest)
        if (groups.some(({ tuple }) => evaluatePartition(inclusive, tuple))) expect(isLetIn).toBe(true)
        if (each.rows.some(matches)) expect(isLetIn).toBe(true)
      }),
      runs,
    )
  })
})
