/** Transactions of a file, keys, and tables created with their rows, as people and programs see them. */
import { expect, test } from 'vitest'
import { salesWorkspace, workspace } from './support.ts'

test('steps of a file in one commit; under a key once', async () => {
  const work = await salesWorkspace()
  await work.write('new.csv', 'id,name,price,day\n1,Ann,2.00,2020-01-31\n9,New,9.00,2020-03-01\n')
  await work.write(
    'steps.yaml',
    `- evolveSchema: [{ type: add_column, name: note, fieldType: string }]
- evolvePartitionSpec: [{ type: add_field, source: id, transform: 'bucket[4]' }]
- replaceSortOrder: [{ source: id }]
- writeData: { from: new.csv, mode: upsert, joinColumns: [id] }
- updateRows: { set: { note: seen }, where: id = 9 }
- deleteRows: id = 2
- updateProperties: { set: { owner: me } }
- createTag: { name: checked }
- createBranch: { name: dev }
- deleteRows: { where: id = 3, branch: dev }
- fastForward: { branch: main, to: dev }
- removeBranch: { name: dev }
`,
  )
  const args = ['transaction', 'demo.sales', '--file', 'steps.yaml', '--commit-key', 'k']
  expect(await work.ok(...args)).toBe(
    '12 steps in one commit to demo.sales: snapshot ID, snapshot ID, snapshot ID, snapshot ID\n' +
      '1 row inserted, 2 updated, 2 deleted\n',
  )
  const rows = 'id,name,price,day,note\n1,Ann,2.00,2020-01-31,\n9,New,9.00,2020-03-01,seen\n'
  const scan = async (): Promise<string> => {
    const [head, ...lines] = (await work.ok('scan', 'demo.sales', '-o', 'csv')).trim().split('\n')
    return [head, ...lines.toSorted(), ''].join('\n')
  }
  expect(await scan()).toBe(rows)
  expect(await work.ok(...args)).toContain('demo.sales has it already: snapshot ID')
  expect(await work.json(...args)).toMatchObject({ already_committed: true, attempts: 0 })
  expect(await scan()).toBe(rows)
})

test('a step that fails leaves the table as it was', async () => {
  const work = await salesWorkspace()
  await work.write('steps.json', '[{ "deleteRows": "id = 1" }, { "deleteRows": "nothing = 1" }]')
  expect(await work.fails('transaction', 'demo.sales', '--file', 'steps.json')).toContain('nothing')
  expect(await work.json('snapshots', 'demo.sales')).toHaveLength(1)
})

test.each<[string, string, string]>([
  ['a step of two methods', '- { deleteRows: id = 1, removeTag: { name: x } }', '[0]'],
  ['one that is none', '- { dropEverything: true }', 'dropEverything'],
  ['an option that is none', '- writeData: { from: new.csv, mode: append, keys: [id] }', '[0].writeData'],
  ['no list', 'deleteRows: id = 1', 'the whole'],
  ['no YAML', '- [', 'YAML'],
])('%s is wrong use, told before anything is done', async (_, steps, told) => {
  const work = await salesWorkspace()
  await work.write('steps.yaml', `${steps}\n`)
  const failure = await work.fails('transaction', 'demo.sales', '--file', 'steps.yaml')
  expect(failure).toMatch(/^2\b/)
  expect(failure).toContain(told)
})

test('a write with a key is there once', async () => {
  const work = await salesWorkspace()
  await work.write('new.csv', 'id,name\n9,New\n')
  const args = ['write', 'demo.sales', '--from', 'new.csv', '--commit-key', 'run 1']
  expect(await work.ok(...args)).toContain('Appended 1 row')
  expect(await work.ok(...args)).toBe('demo.sales has it already: snapshot ID. Nothing was written.\n')
  expect(await work.json(...args)).toMatchObject({ already_committed: true, rows_inserted: 1 })
  expect(await work.ok('scan', 'demo.sales', '--count')).toContain('4')
})

test('a table is created with its rows, and replaced by others', async () => {
  const work = await workspace()
  await work.write('a.csv', 'id,name\n1,Ann\n2,Bob\n')
  await work.write('b.csv', 'name,price\nCy,1.5\n')
  const create = ['create', 'demo.t', '--create-namespace']
  expect(await work.ok(...create, '--from', 'a.csv', '--rows')).toContain('\n2 rows\n')
  const replaced = await work.ok(...create, '--from', 'b.csv', '--rows', '--or-replace')
  expect(replaced).toContain('Replaced demo.t')
  expect(replaced).toContain("Before: column 'price' is missing")
  expect(replaced).toContain('\n1 row\n')
  expect(await work.json('snapshots', 'demo.t')).toHaveLength(2)
  expect(await work.ok('scan', 'demo.t', '-o', 'csv')).toBe('name,price\nCy,1.5\n')
  expect(await work.json(...create, '--from', 'a.csv', '--or-replace')).toMatchObject({
    created: false,
    replaced: true,
  })
  expect(await work.fails(...create, '--from', 'a.csv', '--or-replace', '--if-not-exists')).toMatch(/^2\b/)
  expect(await work.fails(...create, '--schema', 'a.json', '--rows')).toMatch(/^2\b/)
})
