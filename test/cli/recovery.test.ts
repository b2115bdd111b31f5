/** `floeberg orphans`, `repair` and `relocate`, as somebody at a terminal and as a script sees them. */
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { salesWorkspace, type Workspace } from './support.ts'

const SALES = 'demo.sales'

let work: Workspace
/** The table's folder. */
let folder: string
beforeEach(async () => {
  work = await salesWorkspace()
  const [name = ''] = await readdir(join(work.folder, 'warehouse', 'demo'))
  folder = join(work.folder, 'warehouse', 'demo', name)
})

async function stray(name: string, days: number): Promise<void> {
  const path = join(folder, 'data', name)
  await writeFile(path, 'xx')
  const then = new Date(Date.now() - days * 86_400_000)
  await utimes(path, then, then)
}

const dataFiles = async (): Promise<readonly string[]> =>
  (await readdir(join(folder, 'data'))).filter((name) => name.startsWith('stray')).sort()

describe('orphans', () => {
  test('shows what it would delete, and deletes it', async () => {
    await stray('stray-old', 4)
    await stray('stray-young', 2)
    const shown = await work.ok('orphans', SALES, '--dry-run')
    const [head, ...lines] = shown.split('\n')
    expect(head).toMatch(/^file +size +last_modified +why$/)
    expect(lines).toEqual([
      'data/stray-old SIZE TIME unreachable',
      '',
      'Looked in file://FOLDER/warehouse/demo/sales-HEX for files older than TIME.',
      '1 file that nothing reaches, SIZE.',
      'Tables of other catalogs cannot be seen from here: if one has files below these folders, they are among the items.',
      'Nothing was changed.',
      '',
    ])
    expect(await dataFiles()).toEqual(['stray-old', 'stray-young'])
    expect(await work.fails('orphans', SALES)).toMatch(/^2 .*--yes/)
    const done = await work.ok('orphans', SALES, '--yes')
    expect(done.trimEnd().split('\n').at(-1)).toBe('Deleted 1 file of demo.sales (SIZE)')
    expect(await dataFiles()).toEqual(['stray-young'])
    expect(await work.ok('orphans', SALES, '--yes')).toBe('demo.sales has no orphan files.\n')
  })

  test('for programs: the plan itself, files as lines, and one document', async () => {
    await stray('stray-old', 4)
    expect(await work.json('orphans', SALES, '--dry-run')).toMatchObject({
      kind: 'orphans',
      items: [{ size: 2, reason: 'unreachable' }],
    })
    expect(await work.ok('orphans', SALES, '--dry-run', '--output', 'csv')).toBe(
      'file,size,last_modified,why\nfile://FOLDER/warehouse/demo/sales-HEX/data/stray-old,2,TIME,unreachable\n',
    )
    const options = [
      '--older-than',
      '2d',
      '--equal-schemes',
      's3,cos',
      '--prefix-mismatch',
      'ignore',
      '--nearby-tables',
    ]
    expect(await work.json('orphans', SALES, '--yes', ...options)).toEqual({
      table: SALES,
      deleted_files: 1,
      deleted_bytes: 2,
      skipped: [],
      failure: null,
    })
  })

  test('a limit of less than a day has to be allowed', async () => {
    await stray('stray-new', 0)
    expect(await work.fails('orphans', SALES, '--older-than', '1h', '--yes')).toMatch(/--allow-recent/)
    expect(await work.fails('orphans', SALES, '--older-than', 'soon', '--yes')).toMatch(
      /^2 .*--older-than 'soon'/,
    )
    await work.ok('orphans', SALES, '--older-than', '0s', '--allow-recent', '--yes')
    expect(await dataFiles()).toEqual([])
  })
})

describe('repair', () => {
  const newest = async (): Promise<string> => {
    const files = await readdir(join(folder, 'metadata'))
    return join(
      folder,
      'metadata',
      files
        .filter((name) => name.endsWith('.metadata.json'))
        .sort()
        .at(-1) ?? '',
    )
  }

  test('says what is broken, shows the versions, and goes back', async () => {
    await work.manage(async (manager) => {
      await manager.writeData(await manager.loadTable(SALES), [{ id: 4n, price: '1.00' }])
    })
    await rm(await newest())
    const failure = await work.fails('scan', SALES)
    expect(failure).toMatch(/^1 error FLOEBERG_MISSING_FILE/)
    expect(failure).toContain('floeberg repair')
    const lines = (await work.ok('repair', SALES, '--dry-run')).split('\n')
    expect(lines[1]).toMatch(/^00001-UUID.metadata.json TIME ID 3 {2}previous-pointer {2}committed/)
    expect(lines.slice(4)).toEqual([
      'demo.sales cannot be read: file://FOLDER/warehouse/demo/sales-HEX/metadata/00002-UUID.metadata.json is missing.',
      'It would go back to file://FOLDER/warehouse/demo/sales-HEX/metadata/00001-UUID.metadata.json.',
      'What was committed since is given up; no file is deleted.',
      'Nothing was changed.',
      '',
    ])
    expect(await work.json('repair', SALES, '--yes')).toMatchObject({
      table: SALES,
      snapshot_id: expect.any(String),
    })
    expect(await work.json('scan', SALES, '--select', 'id')).toHaveLength(3)
    expect(await work.fails('repair', SALES, '--yes')).toMatch(/nothing to repair/)
  })

  test('a version that is not certain has to be named', async () => {
    const [first = ''] = (await readdir(join(folder, 'metadata'))).filter((name) => name.startsWith('00000-'))
    await rm(await newest())
    await writeFile(join(folder, 'metadata', first), '{')
    const { exitCode, stdout } = await work.run(['repair', SALES, '--yes'])
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/corrupt[^]*No version is certain/)
    expect(await work.fails('repair', SALES, '--yes', '--output', 'json')).toMatch(
      /FLOEBERG_INVALID_ARGUMENT/,
    )
    const named = await work.fails('repair', SALES, '--yes', '--to', join(folder, 'metadata', first))
    expect(named).toMatch(/FLOEBERG_CORRUPT_FILE/)
  })
})

describe('relocate', () => {
  test('shows what it would copy, copies it, and the table is there', async () => {
    const to = join(work.folder, 'elsewhere', 'sales')
    expect(await work.ok('relocate', SALES, '--to', to, '--dry-run')).toBe(`files           count   bytes
data                2 SIZE
manifests           1 SIZE
manifest lists      1

demo.sales with 1 snapshot:
  file://FOLDER/warehouse/demo/sales-HEX
  → file://FOLDER/elsewhere/sales
Then demo.sales is there. The old files stay, for you to delete.
Nothing was changed.
`)
    const done = (await work.ok('relocate', SALES, '--to', 'elsewhere/sales', '--yes')).trimEnd().split('\n')
    expect(done.slice(-2)).toEqual([
      'Copied 5 files (SIZE)',
      'demo.sales is at file://FOLDER/elsewhere/sales',
    ])
    await rm(folder, { recursive: true })
    expect(await work.json('scan', SALES, '--select', 'id')).toHaveLength(3)
  })

  test('as another table, or for another catalog', async () => {
    const copy = await work.json(
      'relocate',
      SALES,
      '--to',
      join(work.folder, 'a'),
      '--as',
      'demo.copy',
      '--yes',
    )
    expect(copy).toMatchObject({ table: 'demo.copy', copied_files: 5, reused_files: 0 })
    const alone = await work.ok('relocate', SALES, '--to', join(work.folder, 'b'), '--no-register', '--yes')
    expect(alone).toMatch(
      /In another catalog: floeberg register demo.sales file:\/\/FOLDER\/b\/metadata\/00000-UUID/,
    )
    const list = await work.json('list', 'demo')
    expect(JSON.stringify(list)).toContain('copy')
  })

  test('a place that is not free is refused', async () => {
    const full = join(work.folder, 'full')
    await mkdir(full)
    await writeFile(join(full, 'x'), 'x')
    expect(await work.fails('relocate', SALES, '--to', full, '--yes')).toMatch(
      /^1 error FLOEBERG_INVALID_ARGUMENT.*files already/,
    )
    expect(await work.fails('relocate', SALES, '--yes')).toMatch(/^2 .*--to/)
    const both = ['--as', 'demo.x', '--no-register']
    expect(await work.fails('relocate', SALES, '--to', full, '--yes', ...both)).toMatch(
      /^2 .*exclude each other/,
    )
  })
})
