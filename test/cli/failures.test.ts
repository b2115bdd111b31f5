/** What goes wrong on purpose: one line on standard error, a code, an exit status, nothing left behind. */
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { NODE, startCommand } from '../support/processes.ts'
import { BIN, salesWorkspace, workspace, type Workspace } from './support.ts'

/** A command that runs the one that follows it as root to whom permissions apply. */
const WITHOUT_OVERRIDE = ['setpriv', '--bounding-set=-dac_override', '--inh-caps=-dac_override']

describe('wrong use has status 2, and a suggestion where there is one', () => {
  test.each([
    [['scna', 'demo.t'], "unknown command 'scna' (Did you mean scan?)"],
    [['scan', 'demo.t', '--limt', '3'], "unknown option '--limt' (Did you mean --limit?)"],
    [['scan', 'demo.t', '--limit', 'x'], "'x' is not a whole number, 0 or more"],
    [['scan', 'demo.t', '--count', '--plan'], '--count and --plan exclude each other'],
    [
      ['scan', 'demo.t', '-o', 'xml'],
      "option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are table, json, csv.",
    ],
    [['scan'], "missing required argument 'table'"],
    [['scan', 'demo.t', 'more'], "too many arguments for 'scan'. Expected 1 argument but got 2."],
    [['write', 'demo.t'], "required option '--from <path...>' not specified"],
    [
      ['write', 'demo.t', '--from', 'a.txt'],
      'the name does not tell the format (Pass --format parquet, --format csv, --format json.)',
    ],
    [
      ['write', 'demo.t', '--from', 'a.csv', 'b.json'],
      'the files are of several formats (Write those of one format at a time.)',
    ],
    [
      ['create', 'demo.t'],
      'the schema is missing (Pass --from with a data file, or --schema with a document.)',
    ],
    [
      ['create', 'demo.t', '--from', 'a.csv', '--partition', 'month date'],
      "--partition 'month date' cannot be read (Write date, month(date) or bucket(16, id).)",
    ],
    [['describe'], 'the table is missing (Name one, or pass --all.)'],
    [['properties', 'set', 'demo.t', 'owner'], "'owner' is not of the form key=value"],
    [['drop', 'demo.t'], 'nobody is there to be asked (Pass --yes.)'],
  ])('%j', async (args, message) => {
    const work = await workspace()
    expect(await work.fails(...args)).toBe(`2 error FLOEBERG_USAGE: ${message}\n`)
    expect(await readdir(work.folder)).toEqual(['floeberg.yaml'])
  })
})

describe('failures have status 1', () => {
  test('no such catalog, and none at all', async () => {
    const work = await workspace()
    expect(await work.fails('list', '--catalog', 'defualt')).toBe(
      '1 error FLOEBERG_INVALID_CONFIG: no catalog is configured under the name defualt (Did you mean default?)\n',
    )
    expect(await work.fails('list', '--config', 'none.yaml')).toBe(
      '1 error FLOEBERG_INVALID_CONFIG: the configuration file that was named is not there [none.yaml]\n',
    )
  })

  test('no such table or namespace', async () => {
    const work = await salesWorkspace()
    expect(await work.fails('scan', 'demo.sale')).toBe(
      '1 error FLOEBERG_NO_SUCH_TABLE: No such table: demo.sale (Check its name: listTables (`floeberg list`) shows those that are there.)\n',
    )
    expect(await work.fails('list', 'nowhere')).toMatch(/^1 error FLOEBERG_NO_SUCH_NAMESPACE: .*nowhere.*\n$/)
    expect(await work.fails('scan', 'sales')).toMatch(
      /^1 error FLOEBERG_INVALID_ARGUMENT: .*'namespace\.table'.*\n$/,
    )
  })

  test('no such column', async () => {
    const work = await salesWorkspace()
    expect(await work.fails('scan', 'demo.sales', '--where', 'nam = 1')).toBe(
      '1 error FLOEBERG_INVALID_EXPRESSION: Filter on nam: the table has no such column (Did you mean name?)\n',
    )
    expect(await work.fails('scan', 'demo.sales', '--select', 'id,cost')).toBe(
      "1 error FLOEBERG_INVALID_EXPRESSION: there is no column 'cost' (Columns: id, name, price, day.)\n",
    )
  })

  test('a filter that cannot be read is shown with its place marked, literals blotted out', async () => {
    const work = await salesWorkspace()
    const error = await work.fails('scan', 'demo.sales', '--where', "name = 'secret' and price > = 3")
    const [line = '', excerpt = '', mark = ''] = error.split('\n')
    expect(line).toMatch(/^1 error FLOEBERG_INVALID_EXPRESSION: The filter cannot be read at character 29: /)
    expect(excerpt).toBe('  name = ******** and price > * …')
    expect(mark.indexOf('^')).toBe(excerpt.lastIndexOf('*'))
  })

  test('rows that do not fit: column, file and row are named, and nothing is written', async () => {
    const work = await salesWorkspace()
    const before = await files(work)
    await work.write('bad.csv', 'id,name,price,day\n9,x,1.00,2020-01-01\n,secret,2.00,2020-01-01\n')
    const error = await work.fails('write', 'demo.sales', '--from', 'bad.csv')
    expect(error).toMatch(/^1 error FLOEBERG_INVALID_DATA: .*\bid\b.*\n$/)
    expect(error).not.toContain('secret')
    await work.write('more.csv', 'id,colour\n9,red\n')
    expect(await work.fails('write', 'demo.sales', '--from', 'more.csv')).toMatch(
      /^1 error FLOEBERG_SCHEMA_MISMATCH: .*\bcolour\b.*\n$/,
    )
    expect(await work.fails('write', 'demo.sales', '--from', 'nothing-*.csv')).toMatch(/^1 error FLOEBERG_/)
    expect(await files(work)).toEqual(before)
  })

  test('a warehouse that cannot be reached', async () => {
    const work = await workspace()
    await work.write('file', '')
    await work.write('rows.csv', 'id\n1\n')
    const args = [
      'create',
      'demo.t',
      '--from',
      'rows.csv',
      '--create-namespace',
      '--warehouse',
      'file/warehouse',
    ]
    expect(await work.fails(...args)).toMatch(/^1 error FLOEBERG_(STORAGE|INVALID)_\w+: .*\n$/)
  })

  test('a warehouse that may not be written: refused at once for a write, and read all the same', async () => {
    const work = await salesWorkspace()
    await chmod(join(work.folder, 'warehouse'), 0o555)
    // Who is root may write everywhere: then the command runs without that right. Not as somebody else,
    // who may not even enter the folder that all of this is in.
    const through = process.getuid?.() === 0 ? WITHOUT_OVERRIDE : []
    const run = (...args: readonly string[]) => {
      const child = startCommand([...through, NODE, BIN, ...args], { cwd: work.folder, env: work.env })
      child.end()
      return child.result
    }
    const written = await run('write', 'demo.sales', '--from', 'sales.csv')
    expect(written).toMatchObject({ exitCode: 1, stdout: '' })
    expect(written.stderr).toMatch(/^error FLOEBERG_STORAGE_DENIED: .*\n$/)
    const read = await run('scan', 'demo.sales', '--count')
    expect(read).toMatchObject({ exitCode: 0, stdout: '3\n', stderr: '' })
  })

  test('an output that cannot be written', async () => {
    const work = await salesWorkspace()
    for (const args of ['list', 'scan demo.sales', '--help']) {
      const command = `'${NODE}' '${BIN}' ${args} > /dev/full`
      const child = startCommand(['bash', '-c', command], { cwd: work.folder, env: work.env })
      child.end()
      expect(await child.result).toMatchObject({
        exitCode: 1,
        stderr: 'error FLOEBERG_OUTPUT: standard output cannot be written (ENOSPC)\n',
      })
    }
  })

  test('--verbose adds the errors behind it, by code', async () => {
    const work = await salesWorkspace()
    await work.write('two.csv', 'id,id\n1,2\n')
    const quiet = await work.run(['create', 'demo.t', '--from', 'sales.csv', '--partition', 'month(id)'])
    const verbose = await work.run([
      'create',
      'demo.t',
      '--from',
      'sales.csv',
      '--partition',
      'month(id)',
      '-v',
    ])
    expect(quiet.stderr.split('\n')).toHaveLength(2)
    expect(verbose.stderr.startsWith(quiet.stderr)).toBe(true)
    expect(verbose.stderr.slice(quiet.stderr.length)).toMatch(/^ {2}caused by FLOEBERG_\w+: .*\n$/)
  })
})

describe('an interrupt', () => {
  test('while standard input is read', async () => {
    const work = await salesWorkspace()
    const before = await files(work)
    const child = work.start(['write', 'demo.sales', '--from', '-', '--format', 'csv'])
    child.tell('id,name')
    await vi.waitFor(
      async () => expect((await readdir(work.folder)).join()).toContain('floeberg-stdin-'),
      30_000,
    )
    child.kill('SIGINT')
    expect(await child.result).toEqual({
      exitCode: 130,
      signal: null,
      stdout: '',
      stderr: 'error FLOEBERG_OPERATION_ABORTED: stopped\n',
    })
    expect(await files(work)).toEqual(before)
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s while files are written: nothing is left, nothing is visible', async (signal, status) => {
    const work = await salesWorkspace()
    const rows = Array.from({ length: 1_000_000 }, (_, id) => `${id},${'x'.repeat(id % 50)},1.00,2020-01-01`)
    await work.write('many.csv', `id,name,price,day\n${rows.join('\n')}\n`)
    const before = await files(work)
    const child = work.start(['write', 'demo.sales', '--from', 'many.csv'])
    const begun = vi.waitFor(async () => expect((await files(work)).length).toBeGreaterThan(before.length), {
      timeout: 30_000,
      interval: 5,
    })
    // One that ends by itself is told by what it said.
    await Promise.race([begun, child.result.then(({ stderr }) => expect(stderr).toBe('still running'))])
    child.kill(signal)
    expect(await child.result).toMatchObject({ exitCode: status, signal: null, stdout: '' })
    expect(await files(work)).toEqual(before)
    expect(await work.ok('scan', 'demo.sales', '--count')).toBe('3\n')
  })
})

/** Everything in the folder but the catalog's own database. */
async function files({ folder }: Workspace): Promise<readonly string[]> {
  await mkdir(join(folder, 'warehouse'), { recursive: true })
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/catalog\.db|(bad|more)\.csv$/.test(path))
    .toSorted()
}
