import { describe, expect, test } from 'vitest'
import {
  evolvePartitionSpec,
  type PartitionBase,
} from '../../../src/format/evolution/evolve-partition-spec.ts'
import type { PartitionEdit } from '../../../src/format/evolution/partition-edit.ts'
import type { FormatVersion } from '../../../src/format/metadata/table-metadata.ts'
import { UNPARTITIONED, type PartitionField, type PartitionSpec } from '../../../src/format/partition-spec.ts'
import { parseTransform, transformToString } from '../../../src/format/transforms/transform.ts'
import { refusal, schemaOf } from './support.ts'

const SCHEMA = schemaOf(
  'id: long, ts: timestamp, cat: string, s: struct<x: int>, l: list<int>, m: map<string, int>',
)

/** A table that was partitioned by these specs in turn. */
class Table {
  readonly version: FormatVersion
  specs: readonly PartitionSpec[] = [UNPARTITIONED]
  spec: PartitionSpec = UNPARTITIONED
  lastPartitionId = 999

  constructor(version: FormatVersion = 2) {
    this.version = version
  }

  get base(): PartitionBase {
    const { spec, specs, lastPartitionId, version } = this
    return { schema: SCHEMA, spec, specs, lastPartitionId, formatVersion: version }
  }

  evolve(...edits: readonly PartitionEdit[]): this {
    const { fields } = evolvePartitionSpec(this.base, edits)
    return this.put(fields)
  }

  put(fields: readonly PartitionField[]): this {
    this.spec = { specId: this.specs.length, fields }
    this.specs = [...this.specs, this.spec]
    this.lastPartitionId = Math.max(this.lastPartitionId, ...fields.map((field) => field.fieldId))
    return this
  }

  get lines(): readonly string[] {
    return this.spec.fields.map(
      ({ fieldId, name, transform }) => `${fieldId} ${name} ${transformToString(transform)}`,
    )
  }

  refuses(...edits: readonly PartitionEdit[]) {
    return refusal(() => evolvePartitionSpec(this.base, edits))
  }
}

const add = (source: string, transform = 'identity', name: string | null = null): PartitionEdit => ({
  type: 'add_field',
  source,
  transform,
  name,
})
const remove = (field: string): PartitionEdit => ({ type: 'remove_field', field })
const removeOf = (source: string, transform: string): PartitionEdit => ({
  type: 'remove_field',
  field: { source, transform },
})
const rename = (name: string, newName: string): PartitionEdit => ({ type: 'rename_field', name, newName })

describe('format version 2', () => {
  test('adds fields with ids after every one before, and names that say all of the transform', () => {
    const table = new Table().evolve(
      add('id', 'bucket[16]'),
      add('ts', 'day'),
      add('cat', 'truncate[4]'),
      add('s.x'),
    )
    expect(table.lines).toEqual([
      '1000 id_bucket_16 bucket[16]',
      '1001 ts_day day',
      '1002 cat_trunc_4 truncate[4]',
      '1003 s.x identity',
    ])
  })

  test('drops removed fields, keeps the ids of the others', () => {
    const table = new Table().evolve(add('id', 'bucket[16]'), add('ts', 'day')).evolve(remove('id_bucket_16'))
    expect(table.lines).toEqual(['1001 ts_day day'])
  })

  test('gives a field that comes back its old id, never that of another', () => {
    const table = new Table()
      .evolve(add('id', 'bucket[16]', 'bucketed_id'), add('ts', 'day', 'day_ts'))
      .evolve(remove('bucketed_id'), remove('day_ts'))
    expect(table.lines).toEqual([])
    expect(table.evolve(add('id', 'bucket[16]')).lines).toEqual(['1000 bucketed_id bucket[16]'])
    expect(table.evolve(add('id', 'bucket[8]')).lines).toEqual([
      '1000 bucketed_id bucket[16]',
      '1002 id_bucket_8 bucket[8]',
    ])
    expect(table.evolve(remove('bucketed_id')).evolve(add('id', 'bucket[16]', 'other')).lines).toEqual([
      '1002 id_bucket_8 bucket[8]',
      '1000 other bucket[16]',
    ])
    expect(table.evolve(add('ts', 'day')).lines.at(-1)).toBe('1001 day_ts day')
    expect(table.lastPartitionId).toBe(1002)
  })

  test('renames fields, which keep their ids', () => {
    expect(new Table().evolve(add('ts', 'day')).evolve(rename('ts_day', 'd')).lines).toEqual(['1000 d day'])
  })

  test('replaces a field: the old one goes, the new one comes', () => {
    const table = new Table().evolve(add('ts', 'month'), add('cat'))
    const replace: PartitionEdit = {
      type: 'replace_field',
      field: 'ts_month',
      source: 'ts',
      transform: 'day',
      name: null,
    }
    expect(table.evolve(replace).lines).toEqual(['1001 cat identity', '1002 ts_day day'])
  })

  test('finds a field by its source and transform, too', () => {
    const table = new Table().evolve(add('id', 'bucket[16]', 'odd'))
    expect(table.evolve(removeOf('id', 'bucket[16]')).lines).toEqual([])
  })
})

describe('format version 1', () => {
  test('keeps removed fields as void in their place, and counts ids up within a spec', () => {
    const table = new Table(1)
      .evolve(add('cat'), add('id', 'bucket[16]'))
      .evolve(remove('cat'), add('ts', 'day'))
    expect(table.lines).toEqual(['1000 cat void', '1001 id_bucket_16 bucket[16]', '1002 ts_day day'])
  })

  test('a void field gives its name to a new one', () => {
    const table = new Table(1).evolve(add('cat')).evolve(remove('cat')).evolve(add('cat'))
    expect(table.lines).toEqual(['1000 cat_1000 void', '1001 cat identity'])
    const atOnce = new Table(1)
      .evolve(add('id', 'bucket[4]', 'b'))
      .evolve(remove('b'), add('id', 'bucket[8]', 'b'))
    expect(atOnce.lines).toEqual(['1000 b_1000 void', '1001 b bucket[8]'])
    const renamed = new Table(1).evolve(add('cat'), add('ts', 'day')).evolve(remove('cat'))
    expect(renamed.evolve(rename('ts_day', 'x')).lines).toEqual(['1000 cat void', '1001 x day'])
  })
})

describe.each([1, 2] as const)('format version %i', (version) => {
  test('a field removed and added again in one call is as if nothing was', () => {
    const table = new Table(version).evolve(add('cat'), add('id', 'bucket[16]'))
    const { lines } = table
    expect(table.evolve(remove('cat'), add('cat')).lines).toEqual(lines)
    expect(table.evolve(remove('cat'), add('cat', 'identity', 'kind')).lines[0]).toBe('1000 kind identity')
  })

  test('what no change names stays', () => {
    const table = new Table(version).evolve(add('cat'), add('ts', 'day'))
    expect(table.evolve(add('id', 'bucket[2]')).lines.slice(0, 2)).toEqual([
      '1000 cat identity',
      '1001 ts_day day',
    ])
  })

  test('odd fields of others stay as they are, and others join them', () => {
    const odd: PartitionField = { sourceId: 2, fieldId: 1000, name: 'ts', transform: parseTransform('month') }
    const table = new Table(version).put([odd])
    expect(table.evolve(add('cat')).lines).toEqual(['1000 ts month', '1001 cat identity'])
    // A coarser time that is there does not stand in the way of a finer one.
    expect(table.evolve(add('ts', 'day')).lines.at(-1)).toBe('1002 ts_day day')
  })
})

describe('refused are', () => {
  const table = () => new Table().evolve(add('cat'), add('id', 'bucket[16]'))

  test.each([
    ['a column that is not there', [add('nope')], 'nope'],
    ['a list', [add('l')], 'l'],
    ['an element', [add('l.element')], 'l.element'],
    ['a map’s value', [add('m.value')], 'm.value'],
    ['a struct', [add('s')], 's'],
    ['a transform that does not fit', [add('cat', 'day')], 'cat'],
    ['a transform that nobody knows', [add('cat', 'zorder')], 'cat'],
    ['the same source and transform again', [add('id', 'bucket[16]', 'again')], 'id_bucket_16'],
    ['two parts of one time', [add('ts', 'month'), add('ts', 'day')], 'ts_month'],
    ['a name that is there', [add('ts', 'day', 'cat')], 'cat'],
    ['the name of a column', [add('ts', 'day', 'ts')], 'ts'],
    ['the name of another column', [add('cat', 'truncate[2]', 'id')], 'id'],
    ['renaming to the name of a column', [rename('id_bucket_16', 'ts')], 'id_bucket_16'],
    ['renaming to a name that is there', [rename('id_bucket_16', 'cat')], 'id_bucket_16'],
    ['removing what is not there', [remove('nope')], 'nope'],
    ['removing twice', [remove('cat'), remove('cat')], 'cat'],
    ['removing what was just added', [add('ts', 'day'), remove('ts_day')], 'ts_day'],
    ['renaming what was just removed', [remove('cat'), rename('cat', 'kind')], 'cat'],
  ])('%s', (_, edits, field) => {
    expect(table().refuses(...edits).column).toBe(field)
  })

  test('new specs that carry an unknown transform on; removing it is the way out', () => {
    const odd: PartitionField = { sourceId: 1, fieldId: 1000, name: 'z', transform: parseTransform('zorder') }
    expect(new Table().put([odd]).refuses(add('cat')).column).toBe('z')
    expect(new Table().put([odd]).evolve(remove('z'), add('cat')).lines).toEqual(['1001 cat identity'])
  })
})

test('specs from when the table was v1 may share ids; within one spec no id is given twice', () => {
  const byId: PartitionField = { sourceId: 1, fieldId: 1000, name: 'id', transform: { kind: 'identity' } }
  const byTime: PartitionField = { sourceId: 2, fieldId: 1000, name: 'ts', transform: { kind: 'identity' } }
  expect(new Table().put([byId]).put([byTime]).evolve(add('id')).lines).toEqual([
    '1000 ts identity',
    '1001 id identity',
  ])
})
