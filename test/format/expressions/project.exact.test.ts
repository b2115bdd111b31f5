/**
 * A filter opens exactly the partitions that can hold a match: over a whole domain of values, walked
 * one by one. Inclusive projections let in no partition without a match, strict ones miss none that
 * matches whole (as far as one predicate of one column can tell).
 */
import { describe, expect, test } from 'vitest'
import { bindExpression } from '../../../src/format/expressions/bind.ts'
import { evaluatePartition } from '../../../src/format/expressions/evaluate-partition.ts'
import { projectInclusive, projectStrict } from '../../../src/format/expressions/project.ts'
import type { Expression, LiteralValue } from '../../../src/format/expressions/expression.ts'
import { createSchema } from '../../../src/format/schema.ts'
import { applyTransform } from '../../../src/format/transforms/apply.ts'
import { parseTransform } from '../../../src/format/transforms/transform.ts'
import type { Datum, PrimitiveType } from '../../../src/format/types.ts'
import { instantText } from './generators.ts'
import { oracle } from './oracle.ts'

interface Domain {
  readonly type: PrimitiveType
  readonly values: readonly Datum[]
  readonly literals: readonly LiteralValue[]
  readonly transforms: readonly string[]
}

function wholeNumbers(from: number, to: number, step = 1): readonly number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step)
}

/** All texts over two letters up to a length. */
function texts(length: number): readonly string[] {
  if (length === 0) return ['']
  const shorter = texts(length - 1)
  return [...new Set([...shorter, ...shorter.flatMap((text) => [`${text}a`, `${text}😀`])])]
}

const HOUR = 3_600_000_000n
/** Every half hour over three days on both sides of 1970, and the microseconds next to each. */
const halfHours = wholeNumbers(-144, 144).flatMap((n) =>
  [-1n, 0n, 1n].map((micro) => (BigInt(n) * HOUR) / 2n + micro),
)
const days = wholeNumbers(-400, 420)
const dayText = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10)

const DOMAINS: readonly Domain[] = [
  {
    type: { kind: 'int' },
    values: wholeNumbers(-40, 39),
    literals: [...wholeNumbers(-23, 23), 2.5, -9.5, 9.5, 3e9, -3e9],
    transforms: ['identity', 'truncate[1]', 'truncate[10]'],
  },
  {
    type: { kind: 'long' },
    values: wholeNumbers(-40, 39).map(BigInt),
    literals: [...wholeNumbers(-23, 23).map(BigInt), 0.5, 2n ** 64n],
    transforms: ['identity', 'truncate[10]'],
  },
  {
    type: { kind: 'decimal', precision: 9, scale: 2 },
    values: wholeNumbers(-200, 199).map(BigInt),
    literals: [...wholeNumbers(-120, 120, 7).map((n) => n / 100), 1.005, -0.505],
    transforms: ['identity', 'truncate[50]'],
  },
  {
    type: { kind: 'string' },
    values: texts(4),
    literals: texts(3),
    transforms: ['identity', 'truncate[1]', 'truncate[2]', 'truncate[3]'],
  },
  {
    type: { kind: 'binary' },
    values: texts(4).map((text) => Uint8Array.from([...text], (char) => (char === 'a' ? 0 : 255))),
    literals: texts(3).map((text) => Uint8Array.from([...text], (char) => (char === 'a' ? 0 : 255))),
    transforms: ['identity', 'truncate[2]'],
  },
  {
    type: { kind: 'date' },
    values: days,
    literals: [...wholeNumbers(-3, 3), -365, -366, -31, 31, 364, 365].map(dayText),
    transforms: ['identity', 'year', 'month', 'day'],
  },
  {
    type: { kind: 'timestamp' },
    values: halfHours,
    literals: [-24n, -23n, -1n, 0n, 1n, 24n, 25n].flatMap((hour) =>
      [-1n, 0n, 1n].map((micro) => instantText(hour * HOUR + micro)),
    ),
    transforms: ['identity', 'day', 'hour'],
  },
]

const COMPARISONS = ['lt', 'lt-eq', 'gt', 'gt-eq', 'eq', 'not-eq'] as const
const PREFIXES = ['starts-with', 'not-starts-with'] as const

function filtersOf({ type, literals }: Domain): readonly Expression[] {
  const ops = type.kind === 'string' ? [...COMPARISONS, ...PREFIXES] : COMPARISONS
  const comparisons = ops.flatMap((op) => literals.map((value): Expression => ({ op, column: 'c', value })))
  const sets = (['in', 'not-in'] as const).flatMap((op) =>
    literals.map((value, i): Expression => ({ op, column: 'c', values: [value, literals[i + 3] ?? value] })),
  )
  return [{ op: 'is-null', column: 'c' }, { op: 'not-null', column: 'c' }, ...comparisons, ...sets]
}

/** How many rows of a partition match. */
interface Walk {
  readonly tuple: readonly (Datum | null)[]
  readonly rows: number
  readonly matches: number
}

function walk(domain: Domain, transform: string, filter: Expression): readonly Walk[] {
  const groups = new Map<string, { tuple: (Datum | null)[]; rows: number; matches: number }>()
  for (const value of [...domain.values, null]) {
    const partition = applyTransform(parseTransform(transform), domain.type, value)
    const key = String(partition)
    const group = groups.get(key) ?? { tuple: [partition], rows: 0, matches: 0 }
    group.rows += 1
    if (oracle(filter, { c: value }, { c: domain.type }) === true) group.matches += 1
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** Old writers' rows of the partition one below may be stored in this one. */
function neighbourBelow(
  walks: readonly Walk[],
  { tuple: [value] }: Walk,
  isRounded: boolean,
): Walk | undefined {
  if (!isRounded || typeof value !== 'number' || value > 0) return undefined
  return walks.find(({ tuple }) => tuple[0] === value - 1)
}

describe.each(DOMAINS.flatMap((domain) => domain.transforms.map((transform) => ({ domain, transform }))))(
  '$transform of $domain.type.kind',
  ({ domain, transform }) => {
    const schema = createSchema({ fields: [{ id: 1, name: 'c', required: false, type: domain.type }] })
    const spec = {
      specId: 0,
      fields: [{ sourceId: 1, fieldId: 1000, name: 'p', transform: parseTransform(transform) }],
    }
    const isRounded =
      ['year', 'month', 'hour'].includes(transform) || (transform === 'day' && domain.type.kind !== 'date')

    test('opens exactly the partitions with a match', () => {
      for (const filter of filtersOf(domain)) {
        const inclusive = projectInclusive(spec, schema, bindExpression(schema, filter))
        const walks = walk(domain, transform, filter)
        for (const each of walks) {
          const below = neighbourBelow(walks, each, isRounded)
          const expected = each.matches > 0 || (below?.matches ?? 0) > 0
          const isOpen = evaluatePartition(inclusive, each.tuple)
          if (isOpen !== expected) {
            expect.fail(
              `${JSON.stringify(filter, jsonSafe)}: ${String(each.tuple[0])} is ${isOpen ? 'open' : 'closed'}`,
            )
          }
        }
      }
    })

    test('takes whole exactly the partitions without another row', () => {
      for (const filter of filtersOf(domain)) {
        const strict = projectStrict(spec, schema, bindExpression(schema, filter))
        const walks = walk(domain, transform, filter)
        for (const each of walks) {
          const below = neighbourBelow(walks, each, isRounded)
          const expected = each.matches === each.rows && (below === undefined || below.matches === below.rows)
          const isProven = evaluatePartition(strict, each.tuple)
          if (isProven !== expected) {
            expect.fail(
              `${JSON.stringify(filter, jsonSafe)}: ${String(each.tuple[0])} is ${isProven ? 'proven' : 'not proven'}`,
            )
          }
        }
      }
    })
  },
)

function jsonSafe(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
