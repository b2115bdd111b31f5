/** Catalogs, namespaces and tables by name: what the command changes besides rows, and what is broken. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { t, table } from '../../src/index.ts'
import { salesWorkspace, steady, workspace, type Workspace } from './support.ts'

/** Three tables, of which the second's metadata file is gone. */
async function brokenWorkspace(): Promise<Workspace> {
  const work = await workspace()
  let metadata = ''
  await work.manage(async (manager) => {
    for (const name of ['a', 'b', 'c']) {
      const schema = table({ id: t.long() })
      const made = await manager.createTable({ namespace: 'demo', name, schema }, { createNamespace: true })
      await manager.writeData(made, [{ id: 1n }, { id: 2n }])
      if (name === 'b') metadata = made.metadataLocation ?? ''
    }
  })
  await rm(fileURLToPath(metadata))
  return work
}

describe('a broken table among others', () => {
  test('is shown as broken by list, and the others as they are', async () => {
    const work = await brokenWorkspace()
    const list = await work.run(['list'])
    expect(list).toMatchObject({ exitCode: 1, stderr: '' })
    expect(squeezed(steady(list.stdout, work.folder)))
      .toBe(`table  status  rows  files  size  last_updated  error
demo.a  ok  2  1 SIZE TIME
demo.b  broken  FLOEBERG_MISSING_FILE
demo.c  ok  2  1 SIZE TIME
`)
    const json = await work.run(['list', 'demo', '--output', 'json'])
    expect(json).toMatchObject({ exitCode: 1, stderr: '' })
    expect(JSON.parse(json.stdout)).toMatchObject([
      { table: 'demo.a', status: 'ok', rows: 2, error: null },
      { table: 'demo.b', status: 'broken', rows: null, error: 'FLOEBERG_MISSING_FILE' },
      { table: 'demo.c', status: 'ok', rows: 2, error: null },
    ])
    expect(await work.ok('list', '--names', '-o', 'csv')).toBe('table\ndemo.a\ndemo.b\ndemo.c\n')
  })

  test('is shown as broken by describe --all', async () => {
    const work = await brokenWorkspace()
    const text = await work.run(['describe', '--all'])
    expect(text).toMatchObject({ exitCode: 1, stderr: '' })
    expect(text.stdout).toContain('\ntable   demo.b\nstatus  broken\nerror   FLOEBERG_MISSING_FILE\n')
    expect(text.stdout.match(/^format_version/gm)).toHaveLength(2)
    const json = await work.run(['describe', '--all', '--output', 'json'])
    expect(json).toMatchObject({ exitCode: 1, stderr: '' })
    expect((JSON.parse(json.stdout) as { status: string }[]).map(({ status }) => status)).toEqual([
      'ok',
      'broken',
      'ok',
    ])
  })

  test('can be dropped', async () => {
    const work = await brokenWorkspace()
    expect(await work.ok('drop', 'demo.b', '--yes')).toBe('Dropped demo.b\n')
    expect(await work.run(['list'])).toMatchObject({ exitCode: 0 })
  })
})

test('describe shows a table whole', async () => {
  const work = await salesWorkspace()
  await work.ok('properties', 'set', 'demo.sales', 'owner=me')
  expect(await work.ok('describe', 'demo.sales')).toBe(`table                demo.sales
uuid                 UUID
location             file://FOLDER/warehouse/demo/sales-HEX
metadata_location    file://FOLDER/warehouse/demo/sales-HEX/metadata/00002-UUID.metadata.json
format_version       2
last_updated TIME
current_snapshot_id ID
snapshots            1
rows                 3
files                2
size SIZE
partitioned_by       month(day) as day_month
sorted_by            none
refs                 main

id  name   type           required  doc
 1  id     long           required
 2  name   string
 3  price  decimal(9, 2)
 4  day    date

property  value
owner     me
`)
  expect(await work.json('describe', 'demo.sales')).toMatchObject({
    table: 'demo.sales',
    rows: 3,
    properties: { owner: 'me' },
    partitioned_by: ['month(day) as day_month'],
    schema: [{ id: 1, name: 'id', type: 'long', required: true }, {}, {}, {}],
  })
})

test('metadata views', async () => {
  const work = await salesWorkspace()
  expect(await work.ok('partitions', 'demo.sales'))
    .toBe(`partition          spec_id  record_count  file_count  total_data_file_size_in_bytes  delete_file_count
day_month=2020-01        0             1           1 SIZE 0
day_month=2020-02        0             2           1 SIZE 0
`)
  expect(squeezed(await work.ok('snapshots', 'demo.sales'))).toBe(
    `snapshot_id  committed_at  operation  added_rows  deleted_rows  total_rows  refs
ID TIME append  3  3  main
`,
  )
  expect(await work.json('refs', 'demo.sales')).toMatchObject([{ name: 'main', type: 'branch' }])
  expect(await work.json('history', 'demo.sales')).toMatchObject([
    { parent_id: null, is_current_ancestor: true },
  ])
  expect(await work.json('manifests', 'demo.sales')).toMatchObject([
    { content: 'data', added_files_count: 2 },
  ])
  const files = await work.json('files', 'demo.sales')
  expect(files).toMatchObject([{ partition: { day_month: 600 }, record_count: 1 }, { record_count: 2 }])
  expect(files).toMatchObject([{ readable_metrics: { id: { lower_bound: '1' } } }, {}])
  expect(await work.fails('files', 'demo.sales', '--snapshot', '7')).toMatch(
    /^1 error FLOEBERG_NO_SUCH_SNAPSHOT: /,
  )
})

test('rename, drop and register', async () => {
  const work = await salesWorkspace()
  expect(await work.ok('rename', 'demo.sales', 'demo.sold')).toBe('Renamed demo.sales to demo.sold\n')
  const { metadata_location: metadata } = (await work.json('drop', 'demo.sold', '--yes')) as {
    metadata_location: string
  }
  expect(await work.json('list')).toEqual([])
  expect(await work.run(['register', 'demo.back', fileURLToPath(metadata)])).toMatchObject({ exitCode: 0 })
  expect(await work.ok('scan', 'demo.back', '--count')).toBe('3\n')
  // A manifest list, a manifest, two data files, and the metadata of the creation and of the write.
  expect(await work.ok('drop', 'demo.back', '--purge', '--yes')).toBe(
    'Dropped demo.back and deleted 6 files\n',
  )
})

test('properties and namespaces', async () => {
  const work = await salesWorkspace()
  expect(await work.ok('properties', 'set', 'demo.sales', 'a=1', 'b.c=x=y')).toBe(
    'property  value\na         1\nb.c       x=y\n',
  )
  expect(await work.json('properties', 'remove', 'demo.sales', 'a', 'none')).toEqual({ 'b.c': 'x=y' })
  expect(await work.fails('properties', 'set', 'demo.sales', 'write.target-file-size-bytes=big')).toMatch(
    /^1 error FLOEBERG_INVALID_TABLE_CONFIG: .*write\.target-file-size-bytes/,
  )
  expect(await work.ok('namespace', 'create', 'a.b', '--property', 'owner=me')).toBe(
    'Created namespace a.b\n',
  )
  expect(await work.ok('namespace', 'list')).toBe('namespace\na\na.b\ndemo\n')
  expect(await work.ok('namespace', 'list', 'a')).toBe('namespace\na.b\n')
  expect(await work.json('namespace', 'set', 'a.b', 'x=1', '--remove', 'owner')).toEqual({ x: '1' })
  expect(await work.json('namespace', 'describe', 'a.b')).toEqual({ x: '1' })
  expect(await work.fails('namespace', 'drop', 'demo')).toMatch(/^1 error FLOEBERG_NAMESPACE_NOT_EMPTY: /)
  expect(await work.ok('namespace', 'drop', 'a.b')).toBe('Dropped namespace a.b\n')
})

describe('which catalog', () => {
  test('--catalog-uri and --warehouse need no file', async () => {
    const work = await workspace()
    await work.write('rows.csv', 'id\n1\n')
    const place = [
      '--catalog-uri',
      `sqlite:///${join(work.folder, 'own.db')}`,
      '--warehouse',
      'own',
      '--catalog',
      'mine',
    ]
    await work.ok('create', 'demo.t', '--from', 'rows.csv', '--create-namespace', ...place)
    expect(await work.ok('list', '--names', '-o', 'csv', ...place)).toBe('table\ndemo.t\n')
    expect(await work.json('list')).toEqual([])
  })

  test('a .pyiceberg.yaml and its variables, as PyIceberg reads them', async () => {
    const work = await workspace()
    await rm(join(work.folder, 'floeberg.yaml'))
    await work.write('rows.csv', 'id\n1\n')
    await work.write(
      '.pyiceberg.yaml',
      'catalog:\n  lab:\n    type: sql\n    uri: sqlite:///lab.db\n    warehouse: lab\n',
    )
    await work.ok('create', 'demo.t', '--from', 'rows.csv', '--create-namespace', '--catalog', 'lab')
    const env = { ...work.env, PYICEBERG_DEFAULT_CATALOG: 'lab' }
    const listed = await work.run(['list', '--names', '-o', 'csv'], { env })
    expect(listed.stdout).toBe('table\ndemo.t\n')
    const other = { ...env, PYICEBERG_CATALOG__LAB__URI: 'sqlite:///other.db' }
    expect((await work.run(['list', '--names', '-o', 'json'], { env: other })).stdout).toBe('[]\n')
  })

  test('config shows every setting and where it comes from, and no secret', async () => {
    const work = await workspace()
    const env = { ...work.env, FLOEBERG_CATALOG__DEFAULT__S3__SECRET_ACCESS_KEY: 'hunter2' }
    const { stdout } = await work.run(['config', '-o', 'csv', '--warehouse', 'elsewhere'], { env })
    expect(stdout).not.toContain('hunter2')
    const lines = steady(stdout, work.folder).split('\n')
    expect(lines).toContain('catalog.default.uri,sqlite:///catalog.db,FOLDER/floeberg.yaml')
    expect(lines).toContain('catalog.default.warehouse,elsewhere,argument')
    expect(lines).toContain(
      'catalog.default.s3.secret-access-key,***,FLOEBERG_CATALOG__DEFAULT__S3__SECRET_ACCESS_KEY',
    )
    expect(lines).toContain('engine.threads,1,FOLDER/floeberg.yaml')
  })
})

test('versions', async () => {
  const work = await workspace()
  expect(await work.ok('--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(await work.json('version')).toMatchObject({ node: process.versions.node })
})

/** Columns as wide as ids and sizes of this run made them, at one width. */
function squeezed(text: string): string {
  return text.replaceAll(/ {2,}/g, '  ')
}
