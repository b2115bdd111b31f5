import { describe, expect, test } from 'vitest'
import { salesWorkspace } from './support.ts'

describe('evolve', () => {
  test('applies its options in their order, in one commit', async () => {
    const work = await salesWorkspace()
    const printed = await work.ok(
      'evolve',
      'demo.sales',
      '--rename',
      'name=customer',
      '--add',
      'name string after id',
      '--widen',
      'price decimal(12, 2)',
      '--doc',
      'price=with tax',
      '--optional',
      'id',
      '--move',
      'day first',
      '--add',
      'tags list<struct<k: string required>>',
      '--identifier',
      'none',
    )
    expect(printed.split('\n').slice(0, 8)).toEqual([
      '~ id is optional',
      '+ name string',
      '~ name is customer now',
      '~ price is decimal(12, 2), was decimal(9, 2)',
      '~ price has another comment',
      '+ tags list<struct<k: string>>',
      '~ day has moved',
      '',
    ])
    expect(await work.json('scan', 'demo.sales', '--where', "customer = 'Ann'")).toEqual([
      { day: '2020-01-31', id: '1', name: null, customer: 'Ann', price: '19.90', tags: null },
    ])
    expect(await work.json('history', 'demo.sales')).toHaveLength(1)
    const schemas = await work.json('history', 'demo.sales', '--schemas')
    expect(schemas).toMatchObject([
      { schema_id: 0, changes: [], first_snapshot_id: expect.stringMatching(/^\d+$/) },
      { schema_id: 1, first_snapshot_id: null, changes: expect.arrayContaining(['+ name string']) },
    ])
  })

  test('with --plan shows what would change, and changes nothing', async () => {
    const work = await salesWorkspace()
    const before = await work.json('schema', 'demo.sales')
    const printed = await work.ok('evolve', 'demo.sales', '--delete', 'name', '--plan')
    expect(printed).toMatch(/^- name string\n\nNothing was changed; the columns would be:\n/)
    expect(await work.json('schema', 'demo.sales')).toEqual(before)
    expect(await work.json('evolve', 'demo.sales', '--delete', 'name', '--plan')).toMatchObject({
      table: 'demo.sales',
      committed: false,
      differences: [{ kind: 'deleted', column: 'name' }],
    })
  })

  test('takes all columns of a document and of data', async () => {
    const work = await salesWorkspace()
    await work.write(
      'more.json',
      JSON.stringify({ fields: [{ name: 'extra', type: 'uuid', required: true }] }),
    )
    await work.write('more.csv', 'id,shop\n1,Oslo\n')
    const { differences } = (await work.json(
      'evolve',
      'demo.sales',
      '--like',
      'more.json',
      '--from',
      'more.csv',
    )) as {
      differences: readonly { readonly kind: string; readonly column: string }[]
    }
    expect(differences.map(({ kind, column }) => `${kind} ${column}`)).toEqual([
      'made_optional id',
      'added extra',
      'added shop',
    ])
  })

  test.each([
    [
      ['--delete', 'day'],
      /^1 error FLOEBERG_INCOMPATIBLE_CHANGE: delete_column: column 'day': the table is partitioned by it/,
    ],
    [['--delete', 'id'], /allowIncompatibleChanges/],
    [['--rename', 'name'], /^2 error FLOEBERG_USAGE: --rename 'name' cannot be read \(Write old=new\.\)/],
    [['--add', 'x'], /^2 error FLOEBERG_USAGE: --add 'x' cannot be read/],
    [['--add', 'x list<'], /^1 error FLOEBERG_INVALID_ARGUMENT: type 'list<': a type is missing/],
    [['--move', 'name up'], /^2 error FLOEBERG_USAGE: --move 'name up' cannot be read/],
    [['--doc', 'text'], /^2 error FLOEBERG_USAGE: --doc 'text' cannot be read/],
    [[], /^2 error FLOEBERG_USAGE: there is nothing to change/],
  ])('%j is refused', async (options, expected) => {
    const work = await salesWorkspace()
    expect(await work.fails('evolve', 'demo.sales', ...options)).toMatch(expected)
  })

  test('reads defaults as values of their types', async () => {
    const work = await salesWorkspace()
    await work.manage(async (manager) => {
      await manager.upgradeFormatVersion(await manager.loadTable('demo.sales'), 3)
    })
    await work.ok(
      'evolve',
      'demo.sales',
      '--add',
      'n int required default 5',
      '--add',
      "s string default 'it''s' first",
      '--add',
      'd date default 2020-01-31',
      '--add',
      'l long default 9007199254740993',
      '--add',
      'b boolean default true',
    )
    const { fields } = (await work.json('schema', 'demo.sales')) as {
      fields: readonly Record<string, unknown>[]
    }
    const defaults = fields
      .filter((field) => 'initial-default' in field)
      .map((field) => [field['name'], field['initial-default']])
    expect(defaults).toEqual([
      ['s', "it's"],
      ['n', 5],
      ['d', '2020-01-31'],
      // The document has all its digits; the test's own parser has not.
      ['l', Number('9007199254740993')],
      ['b', true],
    ])
    expect((await work.run(['schema', 'demo.sales', '-o', 'json'])).stdout).toContain('9007199254740993')
  })
})

describe('write', () => {
  test('with --merge-schema adds what the table lacks', async () => {
    const work = await salesWorkspace()
    await work.write('more.csv', 'id,shop\n7,Oslo\n')
    expect(await work.fails('write', 'demo.sales', '--from', 'more.csv')).toMatch(
      /^1 error FLOEBERG_SCHEMA_MISMATCH/,
    )
    await work.ok('write', 'demo.sales', '--from', 'more.csv', '--merge-schema')
    expect(await work.json('scan', 'demo.sales', '--where', "shop = 'Oslo'", '--select', 'id,shop')).toEqual([
      { id: '7', shop: 'Oslo' },
    ])
  })
})

describe('partition-spec', () => {
  test('shows and changes how new files are partitioned', async () => {
    const work = await salesWorkspace()
    expect(await work.json('partition-spec', 'demo.sales')).toEqual([
      { spec_id: 0, current: true, fields: ['month(day) as day_month'] },
    ])
    await work.ok(
      'partition-spec',
      'demo.sales',
      '--replace',
      'day_month=day(day)',
      '--add',
      'bucket(16, id) as b',
    )
    await work.ok('partition-spec', 'demo.sales', '--rename', 'b=by_id', '--remove', 'day(day)')
    expect(await work.json('partition-spec', 'demo.sales')).toEqual([
      { spec_id: 0, current: false, fields: ['month(day) as day_month'] },
      { spec_id: 1, current: false, fields: ['day(day) as day_day', 'bucket(16, id) as b'] },
      { spec_id: 2, current: true, fields: ['bucket(16, id) as by_id'] },
    ])
    expect(await work.fails('partition-spec', 'demo.sales', '--remove', 'nope')).toMatch(
      /^1 error FLOEBERG_INCOMPATIBLE_CHANGE: remove_field: 'nope': the table has no such partition field/,
    )
    expect(await work.fails('partition-spec', 'demo.sales', '--replace', 'day')).toMatch(
      /^2 error FLOEBERG_USAGE: --replace/,
    )
  })
})

describe('sort-order', () => {
  test('shows and sets by what new files are sorted', async () => {
    const work = await salesWorkspace()
    await work.ok('sort-order', 'demo.sales', '--by', 'day', '--by', 'bucket(4, id) desc nulls first')
    expect(await work.json('sort-order', 'demo.sales')).toEqual([
      { order_id: 0, current: false, fields: [] },
      { order_id: 1, current: true, fields: ['day asc nulls first', 'bucket(4, id) desc nulls first'] },
    ])
    expect(await work.ok('sort-order', 'demo.sales', '--unsorted')).toMatch(/0 +current +\(unsorted\)/)
    expect(await work.fails('sort-order', 'demo.sales', '--by', 'id', '--unsorted')).toMatch(
      /exclude each other/,
    )
  })
})

describe('schema --diff', () => {
  test('shows how a table differs from a contract, and says so by its status', async () => {
    const work = await salesWorkspace()
    const contract = {
      fields: [
        { name: 'id', type: 'long' },
        { name: 'name', type: 'string' },
        { name: 'price', type: 'double' },
        { name: 'shop', type: 'string', required: true },
      ],
    }
    await work.write('contract.json', JSON.stringify(contract))
    const { exitCode, stdout, stderr } = await work.run([
      'schema',
      'demo.sales',
      '--diff',
      'contract.json',
      '-o',
      'json',
    ])
    expect([exitCode, stderr]).toEqual([1, ''])
    expect(JSON.parse(stdout)).toEqual([
      { column: 'shop', finding: 'missing', expected: 'string required', actual: null },
      { column: 'price', finding: 'type', expected: 'double', actual: 'decimal(9, 2)' },
      { column: 'id', finding: 'nulls', expected: 'optional', actual: 'required' },
      { column: 'day', finding: 'extra', expected: null, actual: 'date' },
    ])
    await work.write('same.json', (await work.run(['schema', 'demo.sales', '-o', 'json'])).stdout)
    expect(await work.json('schema', 'demo.sales', '--diff', 'same.json')).toEqual([])
  })
})
