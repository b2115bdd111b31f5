/** `floeberg execute`: plans that other commands stored, as people and programs carry them out. */
import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { salesWorkspace, type Workspace } from './support.ts'

const SALES = 'demo.sales'

let work: Workspace
/** The table's folder. */
let folder: string

/** Three snapshots, the first two with files of their own; the settings keep one of a branch. */
beforeEach(async () => {
  work = await salesWorkspace()
  await work.write(
    'floeberg.yaml',
    [
      'catalog:',
      '  default: {uri: "sqlite:///catalog.db", warehouse: warehouse}',
      '  other: {uri: "sqlite:///other.db", warehouse: other}',
      'engine: {threads: 1}',
      'retention: {min-snapshots-to-keep: 1}',
    ].join('\n'),
  )
  await work.manage(async (manager) => {
    const sales = await manager.loadTable(SALES)
    for (const id of [7n, 8n]) await manager.writeData(sales, [{ id }], { mode: 'overwrite' })
  })
  const [name = ''] = await readdir(join(work.folder, 'warehouse', 'demo'))
  folder = join(work.folder, 'warehouse', 'demo', name)
}, 60_000)

/** What `floeberg …args --dry-run --output json` prints, in a file. */
async function store(name: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await work.run([...args, '--dry-run', '--output', 'json'])
  if (stdout === '') throw new Error(`${args.join(' ')} planned nothing: ${stderr}`)
  return work.write(name, stdout)
}

const storeExpire = (): Promise<string> => store('plan.json', 'expire', SALES, '--older-than', '0s')

/** The stored plan with other text in it. */
async function changed(name: string, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(join(work.folder, name), 'utf8')
  const other = text.replace(from, to)
  if (other === text) throw new Error(`${name} has no ${String(from)}`)
  await work.write(name, other)
}

async function stray(): Promise<void> {
  const path = join(folder, 'data', 'stray')
  await writeFile(path, 'xx')
  const then = new Date(Date.now() - 5 * 86_400_000)
  await utimes(path, then, then)
}

const snapshots = (): Promise<unknown> => work.json('snapshots', SALES)
const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? ''

describe('a stored expiry', () => {
  test('is shown as its own command shows it, then carried out; there is nothing left for a second time', async () => {
    await storeExpire()
    const own = await work.ok('expire', SALES, '--older-than', '0s', '--dry-run')
    expect(await work.ok('execute', 'plan.json', '--dry-run')).toBe(own)
    expect(await work.json('execute', 'plan.json', '--dry-run')).toEqual(
      JSON.parse(await readFile(join(work.folder, 'plan.json'), 'utf8')),
    )
    expect(await work.fails('execute', 'plan.json')).toBe(
      '2 error FLOEBERG_USAGE: nobody is there to be asked (Pass --yes, or --dry-run to see what would be done.)\n',
    )
    expect(await snapshots()).toHaveLength(3)
    const done = await work.ok('execute', 'plan.json', '--yes')
    expect(done).toBe(
      own.replace(
        'Nothing was changed.',
        'demo.sales: 2 snapshots expired; deleted 3 data files (SIZE), 3 manifests (SIZE), 2 manifest lists (SIZE).',
      ),
    )
    expect(await snapshots()).toHaveLength(1)
    const again = await work.ok('execute', 'plan.json', '--yes')
    expect(again).toContain('demo.sales: 0 snapshots expired; deleted no file.\nLeft snapshot ID')
  }, 60_000)

  test('from standard input, for programs', async () => {
    const stdin = await readFile(await storeExpire(), 'utf8')
    const { stdout, exitCode } = await work.run(['execute', '-', '--yes', '--output', 'json'], { stdin })
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      table: SALES,
      expired_snapshots: [expect.stringMatching(/^\d+$/), expect.stringMatching(/^\d+$/)],
      deleted_files: { data_files: { count: 3 } },
      failure: null,
    })
    const unasked = await work.run(['execute', '-'], { stdin })
    expect(unasked).toMatchObject({ exitCode: 2, stdout: '' })
  }, 60_000)

  test('that a store cut short is taken up where it ended', async () => {
    await store('plan.json', 'expire', SALES, '--older-than', '0s', '--list-files')
    const plan = JSON.parse(await readFile(join(work.folder, 'plan.json'), 'utf8')) as {
      readonly files: { readonly names: readonly string[] }
    }
    const file = plan.files.names.find((name) => name.endsWith('.parquet')) ?? ''
    const path = new URL(file).pathname
    await rename(path, `${path}.away`)
    // A folder with something in it is not deleted as a file is.
    await mkdir(join(path, 'full'), { recursive: true })
    const cut = await work.run(['execute', 'plan.json', '--yes', '--output', 'json'])
    expect(cut.exitCode).toBe(1)
    expect(JSON.parse(cut.stdout)).toMatchObject({
      kept_file_count: 2,
      // The list of what is to go stays as long as that is not all gone.
      kept_files: [file, expect.stringMatching(/-expired\.jsonl\.gz$/)],
    })
    await rm(path, { recursive: true })
    await rename(`${path}.away`, path)
    expect(await work.json('execute', 'plan.json', '--yes')).toMatchObject({
      expired_snapshots: [],
      kept_files: [],
      failure: null,
    })
    await expect(readFile(path)).rejects.toThrow(/ENOENT/)
    const left = await readdir(join(folder, 'metadata'))
    expect(left.filter((name) => name.includes('expired'))).toEqual([])
  }, 60_000)
})

test('a stored compaction: as its own command, its progress and its result', async () => {
  await work.manage(async (manager) => {
    const sales = await manager.loadTable(SALES)
    for (const id of [9n, 10n]) await manager.writeData(sales, [{ id }])
  })
  const options = ['--min-input-files', '2']
  await store('plan.json', 'compact', SALES, ...options)
  expect(await work.ok('execute', 'plan.json', '--dry-run')).toBe(
    await work.ok('compact', SALES, ...options, '--dry-run'),
  )
  const csv = await work.ok('execute', 'plan.json', '--dry-run', '--output', 'csv')
  expect(csv.split('\n')[0]).toBe('partition,spec,file,bytes,rows,delete_files,why')
  expect(lastLine(await work.ok('execute', 'plan.json', '--yes'))).toBe(
    'demo.sales: 3 files (SIZE) became 1 (SIZE): snapshot ID',
  )
  expect(lastLine(await work.ok('execute', 'plan.json', '--yes'))).toBe(
    'Nothing to do: nothing was committed to demo.sales.',
  )
  expect(await work.ok('scan', SALES, '--count')).toBe('3\n')
}, 60_000)

test('plans of manifests, of position deletes, and of a relocation', async () => {
  await work.manage(async (manager) => {
    await manager.writeData(await manager.loadTable(SALES), [{ id: 9n }])
  })
  const plans = [
    ['rewrite-manifests', SALES, '--cluster-by', 'day_month'],
    ['rewrite-position-deletes', SALES],
    ['relocate', SALES, '--to', 'elsewhere', '--no-register'],
  ]
  for (const [at, args] of plans.entries()) {
    await store(`${at}.json`, ...args)
    expect(await work.ok('execute', `${at}.json`, '--dry-run')).toBe(await work.ok(...args, '--dry-run'))
  }
  expect(await work.json('execute', '2.json', '--yes')).toMatchObject({ table: null, reused_files: 0 })
  expect(await work.json('execute', '0.json', '--yes')).toMatchObject({ table: SALES, created_manifests: 1 })
  expect(await work.ok('execute', '1.json', '--yes')).toBe(
    'Nothing to do: nothing was committed to demo.sales.\n',
  )
}, 60_000)

test('stored orphans: what was put again since stays', async () => {
  await stray()
  await store('plan.json', 'orphans', SALES)
  const done = await work.ok('execute', 'plan.json', '--yes')
  expect(done).toContain('data/stray SIZE TIME unreachable\n')
  expect(lastLine(done)).toBe('Deleted 1 file of demo.sales (SIZE)')
  await writeFile(join(folder, 'data', 'stray'), 'another')
  expect(await work.json('execute', 'plan.json', '--yes')).toMatchObject({
    deleted_files: 0,
    skipped: [{ reason: 'changed' }],
  })
  await changed('plan.json', /"note": "/, '"note": "\\u001b[2J')
  expect(await work.ok('execute', 'plan.json', '--dry-run')).toContain('\n\\x1b[2J')
}, 60_000)

describe('a stored repair', () => {
  const metadataFiles = async (): Promise<readonly string[]> =>
    (await readdir(join(folder, 'metadata'))).filter((name) => name.endsWith('.metadata.json')).sort()

  test('is carried out on the table that cannot be read', async () => {
    const newest = (await metadataFiles()).at(-1) ?? ''
    await rm(join(folder, 'metadata', newest))
    await store('plan.json', 'repair', SALES)
    expect(lastLine(await work.ok('execute', 'plan.json', '--yes'))).toMatch(
      /^demo\.sales is back at .*\/00002-UUID\.metadata\.json$/,
    )
    expect(await snapshots()).toHaveLength(2)
  }, 60_000)

  test('without a target is only shown, and says how to choose one', async () => {
    const [first = '', ...later] = await metadataFiles()
    for (const name of later) await rm(join(folder, 'metadata', name))
    await writeFile(join(folder, 'metadata', first), '{')
    await store('plan.json', 'repair', SALES)
    const { exitCode, stdout, stderr } = await work.run(['execute', 'plan.json', '--yes'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' })
    expect(lastLine(stdout)).toBe(
      'No version is certain. Choose one of these, and name it: floeberg repair demo.sales --to …',
    )
    expect(await work.fails('execute', 'plan.json', '--yes', '--output', 'json')).toMatch(
      /^1 error FLOEBERG_INVALID_ARGUMENT/,
    )
  }, 60_000)
})

describe('what is refused', () => {
  test.each([
    ['{"version": 1', 'plan.json is no JSON'],
    ['snapshot  time  operation', 'plan.json is no JSON'],
    ['', 'plan.json is no JSON'],
    ['[]', 'the whole: Invalid input: expected object, received array'],
    ['null', 'the whole: Invalid input: expected object, received null'],
    ['{"table": "demo.sales", "expired_snapshots": []}', 'kind: Invalid input'],
  ])('%j is no plan', async (text, problem) => {
    await work.write('plan.json', text)
    const failure = await work.fails('execute', 'plan.json', '--dry-run')
    expect(failure).toMatch(/^2 error FLOEBERG_USAGE: plan\.json.*--dry-run --output json.*\n$/)
    expect(failure).toContain(problem)
  })

  test('a file that is not there', async () => {
    expect(await work.fails('execute', 'nowhere.json', '--yes')).toBe(
      '2 error FLOEBERG_USAGE: there is no plan at nowhere.json (Check the path.)\n',
    )
  })

  test('a plan with a wrong inside, before anything of it is shown', async () => {
    await storeExpire()
    await changed('plan.json', /"limits": \[\s*\{/, '"limits": [null, {')
    for (const how of ['--dry-run', '--yes']) {
      expect(await work.fails('execute', 'plan.json', how)).toMatch(
        /^2 error FLOEBERG_USAGE: plan\.json: .*limits\.0/,
      )
    }
    await storeExpire()
    await changed('plan.json', '"version": 1', '"version": 2')
    expect(await work.fails('execute', 'plan.json', '--yes')).toMatch(/^2 .*version: .*expected 1/)
  }, 60_000)

  test.each(['vacuum', 'toString', '__proto__'])('a plan of the unknown kind %s', async (kind) => {
    await storeExpire()
    await changed('plan.json', '"kind": "expire"', `"kind": "${kind}"`)
    expect(await work.fails('execute', 'plan.json', '--dry-run')).toBe(
      `1 error FLOEBERG_UNSUPPORTED_FEATURE: A plan of the kind '${kind}' cannot be executed [demo.sales] (It was made by a newer version.)\n`,
    )
  })

  test('a plan for the table of another catalog, or for one that is gone', async () => {
    await storeExpire()
    await work.write('a.csv', 'id\n1\n')
    await work.ok('create', SALES, '--from', 'a.csv', '--create-namespace', '--catalog', 'other')
    const other = await work.run(['execute', 'plan.json', '--yes', '--catalog', 'other', '-o', 'json'])
    expect(other).toMatchObject({ exitCode: 1, stdout: '' })
    expect(other.stderr).toMatch(/^error FLOEBERG_COMMIT_REJECTED: .*another table.*\[demo\.sales\]/)
    await work.ok('drop', SALES, '--yes')
    expect(await work.fails('execute', 'plan.json', '--yes', '-o', 'json')).toMatch(
      /^1 error FLOEBERG_NO_SUCH_TABLE/,
    )
  }, 60_000)
})
