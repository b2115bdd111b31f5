import { describe, expect, test } from 'vitest'
import { sameSchema } from '../../../src/format/schema.ts'
import { createSortOrder } from '../../../src/format/sort-order.ts'
import { createSpec as specOf } from '../../../src/format/partition-spec.ts'
import {
  add,
  baseOf,
  drop,
  evolve,
  identifier,
  lines,
  makeOptional,
  makeRequired,
  move,
  refusal,
  rename,
  schemaOf,
  widen,
} from './support.ts'

const NESTED = schemaOf(
  'id: long required, point: struct<x: float, y: float>, tags: list<struct<a: int>>, props: map<struct<k: int>, struct<v: int>>',
)

describe('adding columns', () => {
  test('gives ids after every id that the table ever had, those inside after the column’s own', () => {
    const base = baseOf(schemaOf('a: int, b: string'), { lastColumnId: 7 })
    expect(lines(evolve(base, [add('c', 'struct<x: int, y: list<int>>'), add('d', 'date')]))).toEqual([
      '1 a: int',
      '2 b: string',
      '8 c: struct<x: int, y: list<int>>',
      '9 c.x: int',
      '10 c.y: list<int>',
      '11 c.y.element: int',
      '12 d: date',
    ])
  })

  test('works at every depth: in a struct, in a list’s and in a map value’s struct', () => {
    const { schema } = evolve(NESTED, [
      add('point.z', 'double'),
      add('tags.b', 'string'),
      add('tags.element.c', 'string'),
      add('props.w', 'int'),
      add('props.value.u', 'int'),
    ])
    expect(lines({ schema }).filter((line) => /^1[3-7] /.test(line))).toEqual([
      '13 point.z: double',
      '14 tags.element.b: string',
      '15 tags.element.c: string',
      '16 props.value.w: int',
      '17 props.value.u: int',
    ])
  })

  test.each([
    ['point.z', 'double', { position: { first: true } as const }, ['z', 'x', 'y']],
    ['point.z', 'double', { position: { after: 'x' } }, ['x', 'z', 'y']],
    ['point.z', 'double', { position: { before: 'point.y' } }, ['x', 'z', 'y']],
    ['point.z', 'double', {}, ['x', 'y', 'z']],
  ])('%s goes where it is told', (name, type, more, expected) => {
    const point = evolve(NESTED, [add(name, type, more)]).schema.fields[1]?.type
    expect(point?.kind === 'struct' ? point.fields.map((field) => field.name) : []).toEqual(expected)
  })

  test('takes a name with dots as one part where it comes in parts', () => {
    expect(lines(evolve(schemaOf('a: int'), [add(['b.c'], 'int')]))).toEqual(['1 a: int', '2 b.c: int'])
  })

  test.each([
    ['a name that is there', [add('id', 'int')], 'id'],
    ['a nested name that is there', [add('point.x', 'int')], 'point.x'],
    ['a parent that is not there', [add('nowhere.x', 'int')], 'nowhere'],
    ['a parent that is no struct', [add('id.x', 'int')], 'id'],
    ['a list of primitives as parent', [add('l', 'list<int>'), add('l.x', 'int')], 'l'],
    ['a map key', [add('props.key.x', 'int')], 'props.key'],
    ['a required column without a default', [add('r', 'int', { required: true })], 'r'],
    ['a position beside a column that is not there', [add('n', 'int', { position: { after: 'q' } })], 'n'],
    ['a position in another struct', [add('n', 'int', { position: { after: 'point.x' } })], 'n'],
    ['a type of format version 3', [add('n', 'timestamp_ns')], 'n'],
    ['a default before format version 3', [add('n', 'int', { defaultValue: 5 })], 'n'],
    ['an empty name', [add([''], 'int')], ''],
  ])('%s is refused, naming the column', (_, edits, column) => {
    const error = refusal(() => evolve(NESTED, edits))
    expect(error.column).toBe(column)
    expect(error.message).toContain('add_column')
  })

  test('allows a required column without a default when incompatible changes are', () => {
    const edits = [add('r', 'int', { required: true })]
    const evolved = evolve(NESTED, edits, { allowIncompatibleChanges: true })
    expect(lines(evolved)).toContain('13 r: int required')
  })
})

describe('defaults, of format version 3', () => {
  const v3 = baseOf(schemaOf('a: int'), { formatVersion: 3 })

  test('are both set, in single-value JSON, when a column is added', () => {
    const { schema } = evolve(v3, [
      add('d', 'date', { defaultValue: '2026-01-31', required: true }),
      add('m', 'decimal(9, 2)', { defaultValue: '1.50' }),
      add('b', 'binary', { defaultValue: new Uint8Array([1, 255]) }),
      add('s', 'struct<x: int>', { defaultValue: {} }),
      add('n', 'int'),
    ])
    expect(schema.fields.slice(1).map((field) => [field.initialDefault, field.writeDefault])).toEqual([
      ['2026-01-31', '2026-01-31'],
      ['1.50', '1.50'],
      ['01ff', '01ff'],
      [{}, {}],
      [undefined, undefined],
    ])
    // Null and none are the same, and written by leaving the key out.
    expect(schema.fields.at(-1)).not.toHaveProperty('initialDefault')
  })

  test.each([
    ['a value of another type', [add('n', 'int', { defaultValue: 'x' })]],
    ['a default of unknown', [add('n', 'unknown', { defaultValue: 1 })]],
    ['a required unknown', [add('n', 'unknown', { required: true })]],
    ['a struct’s default with values', [add('n', 'struct<x: int>', { defaultValue: { x: 1 } })]],
  ])('%s is refused', (_, edits) => {
    const error = refusal(() => evolve(v3, edits, { allowIncompatibleChanges: true }))
    expect(error.column).toBe('n')
  })

  test('of new rows can change, of old rows never', () => {
    const { schema } = evolve(v3, [
      add('n', 'int', { defaultValue: 5 }),
      { type: 'set_default', name: 'n', defaultValue: 6 },
    ])
    expect(schema.fields[1]).toMatchObject({ initialDefault: 5, writeDefault: 6 })
  })

  test('of new rows cannot become null beside one of old rows, since nobody could tell it from none', () => {
    const { schema, lastColumnId } = evolve(v3, [add('n', 'int', { defaultValue: 5 })])
    const base = baseOf(schema, { formatVersion: 3, lastColumnId })
    const error = refusal(() => evolve(base, [{ type: 'set_default', name: 'n', defaultValue: null }]))
    expect(error.column).toBe('n')
    expect(error.message).toContain('null')
  })

  test('of new rows can go where old rows have none', () => {
    const given = evolve(v3, [{ type: 'set_default', name: 'a', defaultValue: 1 }])
    const base = baseOf(given.schema, { formatVersion: 3 })
    const without = evolve(base, [{ type: 'set_default', name: 'a', defaultValue: null }])
    expect(sameSchema(without.schema, v3.schema)).toBe(true)
  })

  test('before format version 3 are refused', () => {
    const set = { type: 'set_default', name: 'a', defaultValue: 1 } as const
    expect(refusal(() => evolve(schemaOf('a: int'), [set])).message).toContain('format version 3')
  })

  test('keep their value when the type is widened', () => {
    const base = evolve(v3, [
      add('d', 'date', { defaultValue: '2026-01-31' }),
      add('f', 'float', { defaultValue: 0.5 }),
    ])
    const { schema } = evolve(baseOf(base.schema, { formatVersion: 3 }), [
      widen('d', 'timestamp'),
      widen('f', 'double'),
    ])
    expect(schema.fields.slice(1).map((field) => field.initialDefault)).toEqual([
      '2026-01-31T00:00:00.000000',
      0.5,
    ])
  })
})

describe('renaming', () => {
  test('keeps ids, at every depth', () => {
    const edits = [
      rename('id', 'key'),
      rename('point', 'p'),
      rename('p.x', 'lon'),
      rename('tags.element.a', 'b'),
    ]
    expect(lines(evolve(NESTED, [...edits, rename('props.value.v', 'w')])).slice(0, 3)).toEqual([
      '1 key: long required',
      '2 p: struct<lon: float, y: float>',
      '5 p.lon: float',
    ])
    const { schema } = evolve(NESTED, [...edits, rename('props.value.v', 'w')])
    expect(lines({ schema })).toContain(`${idOf(NESTED, 'tags.element.a')} tags.element.b: int`)
    expect(lines({ schema })).toContain(`${idOf(NESTED, 'props.value.v')} props.value.w: int`)
  })

  test('exchanges two names by way of a third', () => {
    const edits = [rename('a', 'c'), rename('b', 'a'), rename('c', 'b')]
    expect(lines(evolve(schemaOf('a: int, b: string'), edits))).toEqual(['1 b: int', '2 a: string'])
  })

  test.each([
    ['a name that is there', [rename('id', 'point')], 'point'],
    ['a column that is not there', [rename('gone', 'x')], 'gone'],
    ['an element', [rename('tags.element', 'x')], 'tags.element'],
    ['inside a map key', [rename('props.key.k', 'x')], 'props.key.k'],
    ['a full name as the new one', [rename('point.x', 'point.lon')], 'point.x'],
    ['an empty name', [rename('id', '')], 'id'],
  ])('%s is refused', (_, edits, column) => {
    expect(refusal(() => evolve(NESTED, edits)).column).toBe(column)
  })
})

describe('changes of one call see what those before them made', () => {
  const BC = schemaOf('b: int required, c: int required')

  test.each([
    [
      'rename, then move',
      [rename('c', 'a'), move('a', { before: 'b' })],
      ['2 a: int required', '1 b: int required'],
    ],
    [
      'rename, then widen',
      [rename('c', 'a'), widen('a', 'long')],
      ['1 b: int required', '2 a: long required'],
    ],
    ['rename, then make optional', [rename('c', 'a'), makeOptional('a')], ['1 b: int required', '2 a: int']],
    [
      'add, then move',
      [add('d', 'int'), move('d', {})],
      ['3 d: int', '1 b: int required', '2 c: int required'],
    ],
    [
      'add, then rename',
      [add('d', 'int'), rename('d', 'e')],
      ['1 b: int required', '2 c: int required', '3 e: int'],
    ],
    [
      'add, then add inside',
      [add('s', 'struct<x: int>'), add('s.y', 'int')],
      ['1 b: int required', '2 c: int required', '3 s: struct<x: int, y: int>', '4 s.x: int', '5 s.y: int'],
    ],
    [
      'rename, then add the old name',
      [rename('c', 'a'), add('c', 'string')],
      ['1 b: int required', '2 a: int required', '3 c: string'],
    ],
  ])('%s', (_, edits, expected) => {
    expect(lines(evolve(BC, edits))).toEqual(expected)
  })

  test('delete, then add the same name: another column with another id', () => {
    expect(lines(evolve(schemaOf('a: int, b: int'), [drop('a'), add('a', 'int')]))).toEqual([
      '2 b: int',
      '3 a: int',
    ])
  })

  test('a name that an earlier change took away is said to be', () => {
    expect(refusal(() => evolve(BC, [rename('c', 'a'), widen('c', 'long')])).message).toContain(
      "renamed 'c' to 'a'",
    )
    expect(
      refusal(() => evolve(schemaOf('a: int, b: int'), [drop('a'), widen('a', 'long')])).message,
    ).toContain('deleted')
  })

  test('an error of one of several changes says which', () => {
    expect(refusal(() => evolve(BC, [rename('c', 'a'), widen('b', 'string')])).message).toMatch(
      /^change 2 \(widen_type\): column 'b'/,
    )
  })
})

describe('deleting', () => {
  test('takes a column with all inside it; its ids stay used', () => {
    const { schema, lastColumnId } = evolve(NESTED, [drop('tags'), drop('point.y')])
    expect(lines({ schema }).map((line) => line.split(':')[0])).not.toContain('3 tags')
    expect(lastColumnId).toBe(12)
    expect(lines(evolve(baseOf(schema, { lastColumnId }), [add('n', 'int')]))).toContain('13 n: int')
  })

  test.each([
    ['a column that is not there', schemaOf('a: int, b: int'), [drop('c')], 'c'],
    ['a column twice', schemaOf('a: int, b: int'), [drop('a'), drop('a')], 'a'],
    [
      'a column that was renamed by its old name',
      schemaOf('a: int, c: int'),
      [rename('a', 'b'), drop('a')],
      'a',
    ],
    [
      'a column that was renamed by its new name',
      schemaOf('a: int, c: int'),
      [rename('a', 'b'), drop('b')],
      'b',
    ],
    [
      'a struct whose member was widened',
      schemaOf('s: struct<x: int>, c: int'),
      [widen('s.x', 'long'), drop('s')],
      's',
    ],
    [
      'a struct that got a member',
      schemaOf('s: struct<x: int>, c: int'),
      [add('s.y', 'int'), drop('s')],
      's',
    ],
    ['a column that was added', schemaOf('a: int'), [add('b', 'int'), drop('b')], 'b'],
    ['a column that was moved', schemaOf('a: int, b: int'), [move('b', {}), drop('b')], 'b'],
    ['a required column', schemaOf('a: int required, b: int'), [drop('a')], 'a'],
    ['the last column', schemaOf('a: int'), [drop('a')], 'a'],
    ['the last member of a struct', schemaOf('s: struct<x: int>, c: int'), [drop('s.x')], 's.x'],
    ['an element', NESTED, [drop('tags.element')], 'tags.element'],
    ['a map’s value', NESTED, [drop('props.value')], 'props.value'],
    ['inside a map key', NESTED, [drop('props.key.k')], 'props.key.k'],
  ])('%s is refused', (_, base, edits, column) => {
    expect(refusal(() => evolve(base, edits)).column).toBe(column)
  })

  test('names the change inside that would be lost', () => {
    const error = refusal(() =>
      evolve(schemaOf('s: struct<x: int>, c: int'), [widen('s.x', 'long'), drop('s')]),
    )
    expect(error.message).toContain("widen_type of 's.x'")
  })

  test('of a required column works when incompatible changes are allowed, or after making it optional', () => {
    const base = schemaOf('a: int required, b: int')
    expect(lines(evolve(base, [drop('a')], { allowIncompatibleChanges: true }))).toEqual(['2 b: int'])
    const loosened = evolve(base, [makeOptional('a')]).schema
    expect(lines(evolve(loosened, [drop('a')]))).toEqual(['2 b: int'])
  })

  test('of what the current spec or sort order uses is refused, naming it; of what only old ones use is not', () => {
    const schema = schemaOf('c1: int, c2: int, s: struct<x: int, y: int>')
    const byC2 = specOf(schema, [{ source: 'c2', transform: 'bucket[4]' }])
    const byX = specOf(schema, [{ source: 's.x', transform: 'identity' }])
    expect(refusal(() => evolve(baseOf(schema, { defaultSpec: byC2 }), [drop('c2')])).message).toContain(
      'c2_bucket',
    )
    expect(refusal(() => evolve(baseOf(schema, { defaultSpec: byX }), [drop('s')])).message).toContain('s.x')
    expect(lines(evolve(baseOf(schema, { specs: [byC2] }), [drop('c2')]))).toHaveLength(4)
    const sortOrder = createSortOrder(schema, [{ source: 'c2' }])
    expect(refusal(() => evolve(baseOf(schema, { sortOrder }), [drop('c2')])).message).toContain(
      'sort order 1',
    )
    const byC1 = createSortOrder(schema, [{ source: 'c1' }])
    expect(lines(evolve(baseOf(schema, { sortOrder: byC1 }), [drop('c2')]))).toHaveLength(4)
  })

  test('of what a void field of version 1 stands for is fine', () => {
    const schema = schemaOf('a: int, b: int')
    const spec = specOf(schema, [{ source: 'a', transform: 'void', name: 'a' }])
    expect(lines(evolve(baseOf(schema, { defaultSpec: spec, formatVersion: 1 }), [drop('a')]))).toEqual([
      '2 b: int',
    ])
  })
})

describe('widening', () => {
  test('works inside structs, lists and map values', () => {
    const edits = [widen('point.x', 'double'), widen('tags.element.a', 'long'), widen('props.v', 'long')]
    const evolved = lines(evolve(NESTED, edits))
    expect(evolved).toContain(`${idOf(NESTED, 'point.x')} point.x: double`)
    expect(evolved).toContain(`${idOf(NESTED, 'tags.element.a')} tags.element.a: long`)
    expect(evolved).toContain(`${idOf(NESTED, 'props.value.v')} props.value.v: long`)
  })

  test.each([
    ['a map key', widen('props.key.k', 'long'), 'props.key.k'],
    ['a struct', widen('point', 'struct<x: double>'), 'point'],
    ['a narrower type', widen('id', 'int'), 'id'],
    ['a column that is not there', widen('nope', 'long'), 'nope'],
  ])('%s is refused', (_, edit, column) => {
    expect(refusal(() => evolve(NESTED, [edit])).column).toBe(column)
  })

  test('of what was unknown gives ids to what is inside', () => {
    const base = baseOf(schemaOf('u: unknown, a: int'), { formatVersion: 3 })
    const evolved = evolve(base, [widen('u', 'map<string, struct<x: int>>'), add('n', 'int')])
    expect(lines(evolved)).toEqual([
      '1 u: map<string, struct<x: int>>',
      '3 u.key: string required',
      '4 u.value: struct<x: int>',
      '5 u.value.x: int',
      '2 a: int',
      '6 n: int',
    ])
  })

  test('to the same type changes nothing', () => {
    expect(sameSchema(evolve(NESTED, [widen('id', 'long')]).schema, NESTED)).toBe(true)
  })

  test('is refused where a partition of any spec would change', () => {
    const schema = schemaOf('d: date, i: int, n: decimal(9, 2), a: int')
    const spec = (transform: string, source = 'd') => specOf(schema, [{ source, transform }])
    const v3 = (...specs: ReturnType<typeof spec>[]) => baseOf(schema, { formatVersion: 3, specs })
    for (const transform of ['identity', 'bucket[4]']) {
      const error = refusal(() => evolve(v3(spec('day'), spec(transform)), [widen('d', 'timestamp')]))
      expect(error.column).toBe('d')
    }
    for (const transform of ['year', 'month', 'day', 'void']) {
      expect(lines(evolve(v3(spec(transform)), [widen('d', 'timestamp')]))).toContain('1 d: timestamp')
    }
    for (const transform of ['identity', 'bucket[4]', 'truncate[10]']) {
      const base = baseOf(schema, { specs: [spec(transform, 'i'), spec(transform, 'n')] })
      expect(lines(evolve(base, [widen('i', 'long'), widen('n', 'decimal(12, 2)')]))).toContain('2 i: long')
    }
  })
})

describe('requiredness', () => {
  test('loosening is always fine; tightening only on request, and is for the data to confirm', () => {
    expect(lines(evolve(NESTED, [makeOptional('id')]))).toContain('1 id: long')
    expect(refusal(() => evolve(NESTED, [makeRequired('point')])).column).toBe('point')
    const evolved = evolve(NESTED, [makeRequired('point')], { allowIncompatibleChanges: true })
    expect(lines(evolved)).toContain('2 point: struct<x: float, y: float> required')
    expect(evolved.madeRequired).toEqual([2])
  })

  test('of elements and map values changes, of map keys never', () => {
    const evolved = evolve(NESTED, [makeRequired('tags.element')], { allowIncompatibleChanges: true })
    expect(lines(evolved).find((line) => line.includes(' tags.element:'))).toMatch(/required$/)
    expect(refusal(() => evolve(NESTED, [makeOptional('props.key')])).column).toBe('props.key')
  })

  test('that was never there needs no asking', () => {
    expect(sameSchema(evolve(NESTED, [makeRequired('id'), makeOptional('point')]).schema, NESTED)).toBe(true)
  })

  test('of a new column with a default is promised at once', () => {
    const base = baseOf(schemaOf('a: int'), { formatVersion: 3 })
    const evolved = evolve(base, [add('n', 'int', { defaultValue: 1 }), makeRequired('n')])
    expect(evolved.madeRequired).toEqual([])
    expect(lines(evolved)).toContain('2 n: int required')
  })
})

describe('identifier columns', () => {
  const KEYED = schemaOf(
    'id: long required, f: double required, o: long, s: struct<id: long required, x: int> required, q: struct<id: long required>, l: list<struct<id: long required> required> required',
    ['id'],
  )

  test.each([
    ['within an optional struct', ['q.id']],
    ['a double', ['f']],
    ['an optional column', ['o']],
    ['within a list', ['l.element.id']],
    ['a struct', ['s']],
    ['a column that is not there', ['nope']],
  ])('%s is refused', (_, columns) => {
    expect(refusal(() => evolve(KEYED, [identifier(...columns)])).column).toBe(columns[0])
  })

  test('may be nested in required structs, and new', () => {
    expect(evolve(KEYED, [identifier('id', 's.id')]).schema.identifierFieldIds).toHaveLength(2)
    const edits = [add('n', 'int', { required: true }), identifier('n')]
    expect(evolve(KEYED, edits, { allowIncompatibleChanges: true }).schema.identifierFieldIds).toHaveLength(1)
  })

  test.each([
    ['deleting it', [drop('s.id')]],
    ['deleting its struct', [drop('s')]],
    ['loosening it', [makeOptional('s.id')]],
    ['loosening its struct', [makeOptional('s')]],
  ])('%s needs the identifier changed in the same call', (_, edits) => {
    const { schema } = evolve(KEYED, [identifier('s.id')])
    const options = { allowIncompatibleChanges: true }
    expect(refusal(() => evolve(schema, edits, options)).column).toBe('s.id')
    expect(evolve(schema, [...edits, identifier('id')], options).schema.identifierFieldIds).toEqual([1])
    expect(evolve(schema, [identifier(), ...edits], options).schema.identifierFieldIds).toEqual([])
  })

  test('keeps its id through a rename', () => {
    expect(evolve(KEYED, [rename('id', 'key')]).schema.identifierFieldIds).toEqual([1])
  })
})

describe('names that differ in case only', () => {
  const base = schemaOf('amount: int, a: int, b: int, s: struct<x: int>')
  const insensitive = { caseSensitive: false }

  test.each([
    ['two new ones', [add('column', 'int'), add('COLUMN', 'int')]],
    ['a new and an old one', [add('Amount', 'int')]],
    ['by renaming', [rename('b', 'A')]],
    ['in a struct', [add('s.X', 'int')]],
    ['in a struct of another case', [add('S.y', 'int'), add('s.Y', 'int')]],
  ])('%s clash when asked to be insensitive, and not otherwise', (_, edits) => {
    expect(refusal(() => evolve(base, edits, insensitive)).message).toContain('case')
    const sensitive = edits.filter((edit) => !('name' in edit && edit.name === 'S.y'))
    expect(() => evolve(base, sensitive)).not.toThrow()
  })

  test('columns are found in any case, and a rename may change nothing but case', () => {
    expect(lines(evolve(base, [rename('AMOUNT', 'Amount')], insensitive))).toContain('1 Amount: int')
  })
})

describe('names of partition fields', () => {
  const schema = schemaOf('cat: string, ts: timestamp, o: int')

  test('cannot be taken by columns that they do not stand for', () => {
    const identity = baseOf(schema, {
      defaultSpec: specOf(schema, [{ source: 'cat', transform: 'identity' }]),
    })
    const month = baseOf(schema, { defaultSpec: specOf(schema, [{ source: 'ts', transform: 'month' }]) })
    expect(refusal(() => evolve(month, [add('ts_month', 'int')])).column).toBe('ts_month')
    expect(refusal(() => evolve(month, [rename('o', 'ts_month')])).column).toBe('ts_month')
    expect(refusal(() => evolve(identity, [rename('cat', 'kind'), add('cat', 'int')])).column).toBe('cat')
    expect(lines(evolve(identity, [rename('cat', 'kind')]))).toContain('1 kind: string')
  })
})

function idOf(schema: typeof NESTED, name: string): string {
  const line = lines({ schema }).find((each) => each.split(' ')[1] === `${name}:`)
  return line?.split(' ')[0] ?? 'none'
}
