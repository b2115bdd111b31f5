/** Parquet files that are there already join a table as they are. */
import { copyFile, mkdir, readFile, rename, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CommitConflictError,
  CorruptFileError,
  IcebergTableManager,
  InvalidArgumentError,
  InvalidDataError,
  InvalidLocationError,
  MissingFileError,
  NoSuchRefError,
  SchemaMismatchError,
  UnsupportedFeatureError,
  type Table,
  type TableConfig,
} from '../../src/index.ts'
import {
  isList,
  isStruct,
  readThrift,
  writeThrift,
  type ThriftField,
  type ThriftStruct,
  type ThriftValue,
} from '../../src/engine/duckdb/thrift-tree.ts'
import { temporaryFolder } from '../support/folders.ts'
import {
  createTable,
  evolutionWorlds,
  rowsOf,
  schemaFromText,
  valueText,
  type EvolutionWorld,
} from './evolution-world.ts'

const open = evolutionWorlds()

let writer: DuckDBConnection
beforeAll(async () => {
  writer = await (await DuckDBInstance.create()).connect()
})
afterAll(() => writer.closeSync())

interface Lake extends EvolutionWorld {
  readonly tbl: Table
  /** Makes a file of a query, by DuckDB itself, without field ids unless they are given; answers its location. */
  file(name: string, query: string, options?: string, folder?: string): Promise<string>
}

async function lake(columns: string, config: Partial<Omit<TableConfig, 'schema'>> = {}): Promise<Lake> {
  const world = await open()
  const tbl = await createTable(world, columns, config)
  return {
    ...world,
    tbl,
    async file(name, query, options = '', folder = `${tbl.location}/data`) {
      const path = join(world.scratchDir, 'made', name)
      await mkdir(dirname(path), { recursive: true })
      await writer.run(`COPY (${query}) TO '${path}' (FORMAT parquet${options})`)
      const location = `${folder}/${name}`
      await world.store().put(location, new Uint8Array(await readFile(path)))
      return location
    },
  }
}

const text = (rows: readonly object[]): string[] => rows.map(valueText).sort()
const ROWS = "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(id, v)"
const EXPECTED = text([
  { id: 1, v: 'a' },
  { id: 2, v: 'b' },
])

describe('files without field ids', () => {
  test('are read by a name mapping, made in the same commit', async () => {
    const { manager, tbl, file, reload } = await lake('id: int, v: string')
    const location = await file('f1.parquet', ROWS)
    const before = tbl.metadata['last-updated-ms']
    const result = await manager.addFiles(tbl, [location])
    expect(result).toMatchObject({
      files: 1,
      rows: 2,
      skipped: [],
      readded: [],
      nameMappingCreated: true,
      attempts: 1,
    })
    expect(JSON.parse(tbl.properties['schema.name-mapping.default'] ?? '')).toEqual([
      { 'field-id': 1, names: ['id'] },
      { 'field-id': 2, names: ['v'] },
    ])
    expect(tbl.currentSnapshot?.['snapshot-id']).toBe(result.snapshotId)
    expect(tbl.metadata.snapshots).toHaveLength(1)
    expect(tbl.currentSnapshot?.summary?.operation).toBe('append')
    expect(tbl.metadata['last-updated-ms']).toBeGreaterThanOrEqual(before)
    expect(await rowsOf(await reload())).toEqual(EXPECTED)
    // It is the file itself, not a copy.
    expect((await tbl.scan().plan()).tasks.map(({ entry }) => entry.file.location)).toEqual([location])
  })

  test('use the mapping that the table has, also for a column that was renamed', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string')
    await manager.addFiles(tbl, [await file('f1.parquet', ROWS)])
    await manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'v', newName: 'w' }])
    const result = await manager.addFiles(tbl, [await file('f2.parquet', "SELECT 3 AS id, 'c' AS v")])
    expect(result.nameMappingCreated).toBe(false)
    await manager.addFiles(tbl, [await file('f3.parquet', "SELECT 4 AS id, 'd' AS w")])
    expect(await rowsOf(tbl)).toEqual(text(['a', 'b', 'c', 'd'].map((w, at) => ({ id: at + 1, w }))))
  })

  test('may lack optional columns and order them as they like', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string, s: struct<x: int, y: string>')
    await manager.addFiles(tbl, [await file('f.parquet', "SELECT {'y': 'in'} AS s, 7 AS id")])
    expect(await rowsOf(tbl)).toEqual(text([{ id: 7, v: null, s: { x: null, y: 'in' } }]))
  })
})

describe('files with field ids', () => {
  test('need no mapping', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string')
    const result = await manager.addFiles(tbl, [await file('f.parquet', ROWS, ', FIELD_IDS {id: 1, v: 2}')])
    expect(result.nameMappingCreated).toBe(false)
    expect(tbl.properties).not.toHaveProperty(['schema.name-mapping.default'])
    expect(await rowsOf(tbl)).toEqual(EXPECTED)
  })

  test('of another table are refused, also where the types would fit', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string, w: string')
    const location = await file('f.parquet', ROWS, ', FIELD_IDS {id: 1, v: 3}')
    await expect(manager.addFiles(tbl, [location])).rejects.toThrow(SchemaMismatchError)
    await expect(manager.addFiles(tbl, [location])).rejects.toMatchObject({ file: location, column: 'v' })
  })

  test('of this table before a column was renamed', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string')
    await manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'v', newName: 'w' }])
    await manager.addFiles(tbl, [await file('f.parquet', ROWS, ', FIELD_IDS {id: 1, v: 2}')])
    expect(await rowsOf(tbl)).toEqual(
      text([
        { id: 1, w: 'a' },
        { id: 2, w: 'b' },
      ]),
    )
  })
})

describe('what does not fit is refused, and nothing is added', () => {
  const cases: readonly (readonly [
    string,
    string,
    string,
    typeof SchemaMismatchError | typeof InvalidDataError,
    string,
  ])[] = [
    ['a column that the table lacks', 'id: int', "SELECT 1 AS id, 'x' AS more", SchemaMismatchError, 'more'],
    [
      'a member that the table lacks',
      's: struct<x: int>',
      "SELECT {'x': 1, 'y': 2} AS s",
      SchemaMismatchError,
      's.y',
    ],
    ['a text for a number', 'id: int', "SELECT 'x' AS id", SchemaMismatchError, 'id'],
    ['a wider number', 'id: int', 'SELECT 1::BIGINT AS id', SchemaMismatchError, 'id'],
    [
      'an unsigned number, which others read otherwise',
      'id: long',
      'SELECT 1::UINTEGER AS id',
      SchemaMismatchError,
      'id',
    ],
    ['another scale', 'd: decimal(9,2)', 'SELECT 1.234::DECIMAL(9,3) AS d', SchemaMismatchError, 'd'],
    [
      'a zone where there is none',
      't: timestamp',
      "SELECT '2026-01-01 00:00:00+00'::TIMESTAMPTZ AS t",
      SchemaMismatchError,
      't',
    ],
    [
      'nanoseconds',
      't: timestamp',
      "SELECT '2026-01-01 00:00:00'::TIMESTAMP_NS AS t",
      SchemaMismatchError,
      't',
    ],
    [
      'a required column that is missing',
      'id: int required, v: string',
      "SELECT 'a' AS v",
      SchemaMismatchError,
      'id',
    ],
    ['a null in a required column', 'id: int required', 'SELECT NULL::INT AS id', InvalidDataError, 'id'],
    [
      'a null in a required member',
      's: struct<x: int required>',
      "SELECT {'x': NULL::INT} AS s",
      InvalidDataError,
      's.x',
    ],
    [
      'a null in a list of required elements',
      'l: list<int required>',
      'SELECT [1, NULL::INT] AS l',
      InvalidDataError,
      'l.element',
    ],
  ]
  test.each(cases)('%s', async (_, columns, query, error, column) => {
    const { manager, tbl, file, reload } = await lake(columns)
    const location = await file('bad.parquet', query)
    await expect(manager.addFiles(tbl, [location])).rejects.toThrow(error)
    await expect(manager.addFiles(tbl, [location])).rejects.toMatchObject({ file: location, column })
    expect((await reload()).metadata.snapshots).toEqual([])
  })

  test('a required member of a struct that is null is not missing', async () => {
    const { manager, tbl, file } = await lake('s: struct<x: int required>')
    await manager.addFiles(tbl, [
      await file('f.parquet', "SELECT NULL::STRUCT(x INT) AS s UNION ALL SELECT {'x': 1}"),
    ])
    expect(await rowsOf(tbl)).toEqual(text([{ s: null }, { s: { x: 1 } }]))
  })

  test('no Parquet file, a missing one, and one elsewhere', async () => {
    const { manager, tbl, file, store, objects } = await lake('id: int, v: string')
    const good = await file('good.parquet', ROWS)
    const bad = `${tbl.location}/data/bad.parquet`
    await store().put(bad, new TextEncoder().encode('PAR1 this is no Parquet file PAR1'))
    const before = await objects()
    const outside = await file('outside.parquet', ROWS, '', 'memory://bucket/wh/elsewhere')
    await expect(manager.addFiles(tbl, [good, bad])).rejects.toThrow(CorruptFileError)
    await expect(manager.addFiles(tbl, [good, `${bad}.gone`])).rejects.toThrow(MissingFileError)
    await expect(manager.addFiles(tbl, [good, outside])).rejects.toThrow(InvalidLocationError)
    await expect(
      manager.addFiles(tbl, [`${tbl.location}/data/../../elsewhere/outside.parquet`]),
    ).rejects.toThrow(InvalidLocationError)
    await expect(manager.addFiles(tbl, [`${tbl.location}/none/`])).rejects.toThrow(MissingFileError)
    await expect(manager.addFiles(tbl, [])).rejects.toThrow(InvalidArgumentError)
    await expect(manager.addFiles(tbl, [good], { branch: 'gone' })).rejects.toThrow(NoSuchRefError)
    expect(await objects()).toEqual([...before, outside].sort())
  })

  test('files elsewhere, unless their folder is allowed', async () => {
    const { tbl, file, open: openManager } = await lake('id: int, v: string')
    const outside = await file('outside.parquet', ROWS, '', 'memory://bucket/wh/elsewhere')
    const manager = await openManager({ extraRoots: ['memory://bucket/wh/elsewhere'] })
    const again = await manager.loadTable('demo.t')
    await manager.addFiles(again, [outside])
    expect(await rowsOf(again)).toEqual(EXPECTED)
    await manager.close()
    expect(tbl.currentSnapshot).toBeNull()
  })

  test('a link, whatever the engine has read before', async () => {
    const root = await temporaryFolder()
    const manager = await IcebergTableManager.open({
      catalog: { name: 'local', uri: `sqlite:///${root}/catalog.db`, warehouse: join(root, 'wh') },
      scratchDir: join(root, 'scratch'),
    })
    try {
      const tbl = await manager.createTable(
        { namespace: 'demo', name: 't', schema: schemaFromText('id: int, v: string') },
        { createNamespace: true },
      )
      const data = join(tbl.location.replace('file://', ''), 'data')
      await mkdir(data, { recursive: true })
      await writer.run(`COPY (${ROWS}) TO '${data}/plain.parquet' (FORMAT parquet)`)
      await manager.addFiles(tbl, [`${data}/plain.parquet`])
      await rename(`${data}/plain.parquet`, `${root}/elsewhere.parquet`)
      await copyFile(`${root}/elsewhere.parquet`, `${data}/plain.parquet`)
      await symlink(`${root}/elsewhere.parquet`, `${data}/link.parquet`)
      await expect(manager.addFiles(tbl, [`${data}/link.parquet`])).rejects.toThrow(InvalidLocationError)
      await expect(manager.addFiles(tbl, [`${data}/`], { onDuplicate: 'skip' })).rejects.toThrow(
        InvalidLocationError,
      )
      expect(await rowsOf(tbl)).toEqual(EXPECTED)
    } finally {
      await manager.close()
    }
  })

  test('tables of format version 3', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string', { formatVersion: 3 })
    await expect(manager.addFiles(tbl, [await file('f.parquet', ROWS)])).rejects.toThrow(
      UnsupportedFeatureError,
    )
  })
})

describe('a file that is in the table already', () => {
  test('is refused: added again, twice in one call, under another name of its store', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string')
    const f1 = await file('f1.parquet', ROWS)
    const f2 = await file('f2.parquet', ROWS)
    await manager.addFiles(tbl, [f1])
    await expect(manager.addFiles(tbl, [f1])).rejects.toThrow(InvalidArgumentError)
    await expect(manager.addFiles(tbl, [f2, f2])).rejects.toThrow(InvalidArgumentError)
    await expect(manager.addFiles(tbl, [f2, f1])).rejects.toThrow(InvalidArgumentError)
    expect(await rowsOf(tbl)).toEqual(EXPECTED)
    // Nor files that the table's own writes made.
    await manager.writeData(tbl, [{ id: 3, v: 'c' }])
    const own = (await tbl.scan({ filter: 'id = 3' }).plan()).tasks[0]?.entry.file.location ?? ''
    await expect(manager.addFiles(tbl, [own])).rejects.toThrow(InvalidArgumentError)
  })

  test('is left out where that is asked for', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string')
    const f1 = await file('f1.parquet', ROWS)
    const f2 = await file('f2.parquet', "SELECT 3 AS id, 'c' AS v")
    await manager.addFiles(tbl, [f1])
    const result = await manager.addFiles(tbl, [f1, f2, f2], { onDuplicate: 'skip' })
    expect(result).toMatchObject({ files: 1, rows: 1, skipped: [f1, f2] })
    expect(await manager.addFiles(tbl, [f1, f2], { onDuplicate: 'skip' })).toMatchObject({
      snapshotId: null,
      files: 0,
      skipped: [f1, f2],
      attempts: 0,
    })
    expect(tbl.metadata.snapshots).toHaveLength(2)
    expect(await tbl.scan().count()).toBe(3)
  })

  test('is added twice by whoever says not to look', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string')
    const f1 = await file('f1.parquet', ROWS)
    await manager.addFiles(tbl, [f1])
    await manager.addFiles(tbl, [f1], { checkDuplicates: false })
    expect(await tbl.scan().count()).toBe(4)
  })

  test('may come back after it was removed, and the result says so', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string')
    const f1 = await file('f1.parquet', ROWS)
    await manager.addFiles(tbl, [f1])
    await manager.deleteRows(tbl, 'true')
    expect(await tbl.scan().count()).toBe(0)
    expect(await manager.addFiles(tbl, [f1])).toMatchObject({ files: 1, readded: [f1] })
    expect(await rowsOf(tbl)).toEqual(EXPECTED)
  })

  test('on one branch may still be added on another', async () => {
    const { manager, tbl, file } = await lake('id: int, v: string')
    await manager.writeData(tbl, [{ id: 0, v: 'first' }])
    await manager.catalog.commitTable(tbl.identifier, {
      requirements: [],
      updates: [
        {
          action: 'set-snapshot-ref',
          'ref-name': 'side',
          type: 'branch',
          'snapshot-id': tbl.currentSnapshot?.['snapshot-id'] ?? 0n,
        },
      ],
    })
    await tbl.refresh()
    const f1 = await file('f1.parquet', ROWS)
    await manager.addFiles(tbl, [f1], { branch: 'side' })
    expect(await tbl.scan().count()).toBe(1)
    expect(await tbl.scan({ ref: 'side' }).count()).toBe(3)
    await expect(manager.addFiles(tbl, [f1], { branch: 'side' })).rejects.toThrow(InvalidArgumentError)
    await manager.addFiles(tbl, [f1])
    expect(await tbl.scan().count()).toBe(3)
  })

  test('added by somebody else meanwhile is found when the commit is tried again', async () => {
    const { manager, tbl, file, reload } = await lake('id: int, v: string')
    const f1 = await file('f1.parquet', ROWS)
    const f2 = await file('f2.parquet', ROWS)
    const stale = await reload()
    await manager.addFiles(tbl, [f1])
    await expect(manager.addFiles(stale, [f1])).rejects.toThrow(InvalidArgumentError)
    expect((await stale.refresh()).metadata.snapshots).toHaveLength(1)
    const older = await reload()
    await manager.addFiles(tbl, [f2])
    expect(await manager.addFiles(older, [f1, f2], { onDuplicate: 'skip' })).toMatchObject({ files: 0 })
    const oldest = await reload()
    await manager.writeData(tbl, [{ id: 9, v: 'z' }])
    const f3 = await file('f3.parquet', ROWS)
    expect(await manager.addFiles(oldest, [f2, f3], { onDuplicate: 'skip' })).toMatchObject({
      files: 1,
      skipped: [f2],
      attempts: 2,
    })
  })

  test('a name mapping that somebody else set meanwhile is a conflict, unless it is the same', async () => {
    const { manager, tbl, file, reload } = await lake('id: int, v: string')
    const [stale, same] = [await reload(), await reload()]
    await manager.addFiles(tbl, [await file('f1.parquet', ROWS)])
    await manager.addFiles(same, [await file('f2.parquet', ROWS)])
    const other = JSON.stringify([
      { 'field-id': 2, names: ['id'] },
      { 'field-id': 1, names: ['v'] },
    ])
    await manager.updateProperties(tbl, { set: { 'schema.name-mapping.default': other } })
    await expect(manager.addFiles(stale, [await file('f3.parquet', ROWS)])).rejects.toThrow(
      CommitConflictError,
    )
  })

  test('which files are there is seen anew at every try, also where as many are', async () => {
    const { manager, tbl, file, reload } = await lake('id: int, v: string')
    const a = await file('a.parquet', ROWS)
    const b = await file('b.parquet', "SELECT 3 AS id, 'c' AS v")
    await manager.addFiles(tbl, [a])
    const stale = await reload()
    await manager.deleteRows(tbl, 'id < 3')
    await manager.addFiles(tbl, [b])
    expect(await manager.addFiles(stale, [a, b], { onDuplicate: 'skip' })).toMatchObject({
      files: 1,
      rows: 2,
      skipped: [b],
      readded: [a],
    })
    expect(await rowsOf(await reload())).toEqual(
      text([1, 2, 3].map((id) => ({ id, v: 'abc'.charAt(id - 1) }))),
    )
  })

  test('a name mapping is made for the columns that there are when the files join', async () => {
    const { manager, tbl, file, reload } = await lake('id: int, v: string, s: struct<x: int>')
    const stale = await reload()
    await manager.evolveSchema(tbl, [
      { type: 'rename_column', name: 'v', newName: 'w' },
      { type: 'add_column', name: 's.y', fieldType: 'int' },
    ])
    await manager.addFiles(stale, [await file('f1.parquet', "SELECT 1 AS id, 'a' AS v, {'x': 5} AS s")])
    const current = await reload()
    await manager.addFiles(current, [
      await file('f2.parquet', "SELECT 2 AS id, 'b' AS w, {'x': 6, 'y': 7} AS s"),
    ])
    expect(await rowsOf(current)).toEqual(
      text([
        { id: 1, w: 'a', s: { x: 5, y: null } },
        { id: 2, w: 'b', s: { x: 6, y: 7 } },
      ]),
    )
  })

  test('a name that another column has meanwhile is a conflict', async () => {
    const { manager, tbl, file, reload } = await lake('id: int, v: string')
    const stale = await reload()
    await manager.evolveSchema(tbl, [{ type: 'rename_column', name: 'v', newName: 'w' }])
    await manager.evolveSchema(tbl, [{ type: 'add_column', name: 'v', fieldType: 'string' }])
    await expect(manager.addFiles(stale, [await file('f1.parquet', ROWS)])).rejects.toThrow(
      CommitConflictError,
    )
    const current = await reload()
    await manager.addFiles(current, [await file('f2.parquet', ROWS)])
    expect(await rowsOf(current)).toEqual(
      text([
        { id: 1, w: null, v: 'a' },
        { id: 2, w: null, v: 'b' },
      ]),
    )
  })
})

describe('partitions', () => {
  const at = (value: string) => `SELECT range::INT AS id, ${value} AS p FROM range(3)`
  test.each([
    ['identity', 'string', "'a'", 'a'],
    ['identity', 'string', `repeat('long', 100)`, 'long'.repeat(100)],
    ['identity', 'string', 'NULL::VARCHAR', null],
    ['identity', 'int', '-7', -7],
    ['identity', 'long', '9007199254740993', 9007199254740993n],
    ['identity', 'decimal(9,2)', '-1.25::DECIMAL(9,2)', -125n],
    ['identity', 'decimal(38,2)', '-1.25::DECIMAL(38,2)', -125n],
    ['identity', 'boolean', 'true', true],
    ['identity', 'date', "'1969-12-31'::DATE", -1],
    ['identity', 'float', '1.5::FLOAT', 1.5],
    ['identity', 'float', "'nan'::FLOAT", Number.NaN],
    ['identity', 'timestamp', "'1969-12-31 23:59:59.999999'::TIMESTAMP", -1n],
    ['month', 'timestamp', "'2026-01-05'::TIMESTAMP + INTERVAL (range) DAY", (2026 - 1970) * 12],
    ['month', 'timestamp', "'1969-12-05'::TIMESTAMP + INTERVAL (range) DAY", -1],
    ['year', 'date', "'1969-01-01'::DATE + range::INT", -1],
    ['day', 'timestamptz', "'2026-01-01 23:59:57+00'::TIMESTAMPTZ + INTERVAL (range) SECOND", 20454],
    ['hour', 'timestamp', "'1970-01-01 01:59:00'::TIMESTAMP + INTERVAL (range) SECOND", 1],
    ['truncate[10]', 'int', '-10 + range::INT', -10],
    ['truncate[2]', 'string', "'ab' || range", 'ab'],
    ['void', 'int', 'range::INT', null],
    // The format's own test value: the hash of the integer 34 is 2017239379.
    ['bucket[16]', 'int', '34', 2017239379 % 16],
    ['bucket[1]', 'int', 'range::INT', 0],
  ] as const)('%s of a %s: %s', async (transform, type, value, expected) => {
    const { manager, tbl, file } = await lake(`id: int, p: ${type}`, {
      partitionSpec: [{ source: 'p', transform }],
    })
    await manager.addFiles(tbl, [await file('f.parquet', at(value))])
    const [task] = (await tbl.scan().plan()).tasks
    expect(task?.entry.file.partition).toEqual([expected])
    expect(await tbl.scan().count()).toBe(3)
  })

  test.each([
    ['identity', 'int', 'range::INT'],
    ['identity', 'string', "'a' || range"],
    ['identity', 'string', `repeat('x', 300) || range`],
    ['identity', 'int', 'CASE WHEN range = 0 THEN NULL ELSE 1 END'],
    ['identity', 'float', "CASE WHEN range = 0 THEN 'nan'::FLOAT ELSE 1 END"],
    ['month', 'timestamp', "'2026-01-30'::TIMESTAMP + INTERVAL (range) DAY"],
    ['truncate[10]', 'int', '-1 + range::INT'],
    ['bucket[16]', 'int', 'range::INT'],
  ] as const)('%s of a %s: rows of several are refused: %s', async (transform, type, value) => {
    const { manager, tbl, file } = await lake(`id: int, p: ${type}`, {
      partitionSpec: [{ source: 'p', transform }],
    })
    const location = await file('f.parquet', at(value))
    await expect(manager.addFiles(tbl, [location])).rejects.toThrow(InvalidDataError)
    expect((await tbl.refresh()).metadata.snapshots).toEqual([])
  })

  test('a column that only the folder names is not guessed', async () => {
    const { manager, tbl, file } = await lake('id: int, p: string', { partitionSpec: [{ source: 'p' }] })
    const location = await file('p=a/f.parquet', 'SELECT 1 AS id')
    await expect(manager.addFiles(tbl, [location])).rejects.toMatchObject({
      code: 'FLOEBERG_SCHEMA_MISMATCH',
      column: 'p',
    })
  })

  test('scans are pruned by them', async () => {
    const { manager, tbl, file } = await lake('id: int, p: string', { partitionSpec: [{ source: 'p' }] })
    for (const p of ['a', 'b', 'c']) await file(`${p}.parquet`, at(`'${p}'`))
    await manager.addFiles(tbl, [`${tbl.location}/data/`])
    const { report } = await tbl.scan({ filter: "p = 'b'" }).plan()
    expect(report).toMatchObject({ filesTotal: 3, filesScanned: 1 })
    expect(await tbl.scan({ filter: "p = 'b'" }).count()).toBe(3)
  })
})

describe('metrics', () => {
  test('are those of the rows, over several row groups', async () => {
    const { manager, tbl, file } = await lake('id: long, v: string, f: double, l: list<int>', {
      properties: { 'write.metadata.metrics.default': 'full' },
    })
    const query = `SELECT range AS id, CASE WHEN range % 3 = 0 THEN NULL ELSE 'v' || range END AS v,
      range / 2 AS f, [range::INT, 1] AS l FROM range(10000)`
    await manager.addFiles(tbl, [await file('f.parquet', query, ', ROW_GROUP_SIZE 2048')])
    const [row] = await tbl.inspect.files()
    expect(row).toMatchObject({ record_count: 10000 })
    const entry = (await tbl.scan().plan()).tasks[0]?.entry.file
    expect(entry?.splitOffsets?.length).toBe(5)
    expect(entry?.splitOffsets?.[0]).toBe(4)
    const files = await tbl.inspect.files()
    const metrics = files[0]?.readable_metrics
    expect(metrics?.['id']).toMatchObject({
      value_count: 10000,
      null_value_count: 0,
      lower_bound: 0n,
      upper_bound: 9999n,
    })
    expect(metrics?.['v']).toMatchObject({
      value_count: 10000,
      null_value_count: 3334,
      lower_bound: 'v1',
      upper_bound: 'v9998',
    })
    expect(metrics?.['f']).toMatchObject({ lower_bound: -0, upper_bound: 4999.5 })
    expect(metrics?.['l.element']).toMatchObject({ value_count: null, lower_bound: null })
    // And they prune.
    expect((await tbl.scan({ filter: 'id > 9999' }).plan()).report.filesScanned).toBe(0)
    expect(await tbl.scan({ filter: 'id >= 9999' }).count()).toBe(1)
  })

  test('of every type bound the values that are there', async () => {
    const columns = `b: boolean, i: int, n: long, f: float, d: double, c9: decimal(9,2), c18: decimal(18,3),
      c38: decimal(38,4), dt: date, tm: time, ts: timestamp, tz: timestamptz, s: string, u: uuid, x: binary`
    const { manager, tbl, file } = await lake(columns)
    const query = `SELECT range % 2 = 0 AS b, (range - 5)::INT AS i, (range - 5) * 1000000007 AS n,
      ((range - 5) / 3)::FLOAT AS f, ((range - 5) / 3)::DOUBLE AS d, ((range - 5) * 1.25)::DECIMAL(9,2) AS c9,
      ((range - 5) * 1.125)::DECIMAL(18,3) AS c18, ((range - 5) * 1.125)::DECIMAL(38,4) AS c38,
      ('1970-01-01'::DATE + (range - 5)::INT) AS dt, ('00:00:00'::TIME + INTERVAL (range) SECOND) AS tm,
      ('1970-01-01'::TIMESTAMP + INTERVAL (range - 5) HOUR) AS ts,
      ('1970-01-01 00:00:00+00'::TIMESTAMPTZ + INTERVAL (range - 5) MINUTE) AS tz,
      chr((97 + range)::INT) || 'é' AS s, ('00000000-0000-0000-0000-00000000000' || range)::UUID AS u,
      ('x' || range)::BLOB AS x FROM range(10)`
    await manager.addFiles(tbl, [await file('f.parquet', query)])
    const all = await tbl.scan().toArray()
    expect(all).toHaveLength(10)
    const [metrics] = (await tbl.inspect.files()).map((each) => each.readable_metrics)
    for (const { name } of tbl.schema.fields) {
      expect(metrics?.[name]?.null_value_count, name).toBe(0)
      expect(metrics?.[name]?.lower_bound !== null, name).toBe(name !== 'u')
    }
    // Each value that is there is found, one by one, through the metrics.
    for (const { name } of tbl.schema.fields.filter(
      ({ type }) => !['binary', 'float', 'double'].includes(type.kind),
    )) {
      for (const row of all) {
        const value = row[name]
        const literal = typeof value === 'string' ? `'${value}'` : String(value)
        expect(
          await tbl.scan({ filter: `${name} = ${literal}` }).count(),
          `${name} = ${literal}`,
        ).toBeGreaterThan(0)
      }
    }
  })
})

describe('files whose footers say little', () => {
  type Statistics = ReadonlyMap<number, ThriftField>

  /** The same file with other statistics in its footer. */
  async function withStatistics(
    world: Lake,
    location: string,
    change: (statistics: Statistics) => Statistics | null,
  ): Promise<void> {
    const bytes = await world.store().get(location)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const footerAt = bytes.length - 8 - view.getUint32(bytes.length - 8, true)
    const footer = map(readThrift(bytes.subarray(footerAt, bytes.length - 8)), (field, id, path) => {
      // FileMetaData.row_groups.columns.meta_data.statistics
      if (path !== '4.1.3' || id !== 12 || !isStruct(field.value)) return field
      const changed = change(field.value)
      return changed === null ? null : { ...field, value: changed }
    })
    const written = writeThrift(footer)
    const length = new Uint8Array(8)
    new DataView(length.buffer).setUint32(0, written.length, true)
    length.set(new TextEncoder().encode('PAR1'), 4)
    const file = Buffer.concat([bytes.subarray(0, footerAt), written, length])
    await world.store().delete([location])
    await world.store().put(location, new Uint8Array(file))
  }

  type Change = (field: ThriftField, id: number, path: string) => ThriftField | null

  function map(struct: ThriftStruct, change: Change, path = ''): ThriftStruct {
    const fields = [...struct].flatMap(([id, field]) => {
      const changed = change(field, id, path)
      if (changed === null) return []
      return [
        [
          id,
          { ...changed, value: inside(changed.value, change, path === '' ? `${id}` : `${path}.${id}`) },
        ] as const,
      ]
    })
    return new Map(fields)
  }

  function inside(value: ThriftValue, change: Change, path: string): ThriftValue {
    if (isStruct(value)) return map(value, change, path)
    if (isList(value)) return { ...value, values: value.values.map((each) => inside(each, change, path)) }
    return value
  }

  const rows = (value: string) => `SELECT range::INT AS id, ${value} AS p FROM range(5)`
  const none = (): null => null

  test('no statistics: partitions and nulls are told by the rows', async () => {
    const world = await lake('id: int required, p: string', { partitionSpec: [{ source: 'p' }] })
    const { manager, tbl, file } = world
    const location = await file('f.parquet', rows("'a'"))
    await withStatistics(world, location, none)
    await manager.addFiles(tbl, [location])
    expect((await tbl.scan().plan()).tasks[0]?.entry.file.partition).toEqual(['a'])
    const [metrics] = (await tbl.inspect.files()).map((each) => each.readable_metrics)
    expect(metrics?.['id']).toMatchObject({ value_count: 5, null_value_count: null, lower_bound: null })
    expect(await tbl.scan({ filter: 'id > 3' }).count()).toBe(1)

    const several = await file('g.parquet', rows("CASE WHEN range = 4 THEN 'b' ELSE 'a' END"))
    await withStatistics(world, several, none)
    await expect(manager.addFiles(tbl, [several])).rejects.toThrow(InvalidDataError)
    const holes = await file('h.parquet', "SELECT nullif(range, 3)::INT AS id, 'a' AS p FROM range(5)")
    await withStatistics(world, holes, none)
    await expect(manager.addFiles(tbl, [holes])).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_DATA',
      column: 'id',
    })
  })

  test('the old pair of bounds is believed of numbers, and not of texts, whose order it does not say', async () => {
    const world = await lake('id: int, p: string')
    const { manager, tbl, file } = world
    const location = await file('f.parquet', rows("'v' || range"))
    await withStatistics(world, location, (statistics) => {
      const [max, min, nulls] = [5, 6, 3].map((id) => statistics.get(id))
      const old = [[1, max] as const, [2, min] as const, [3, nulls] as const]
      return new Map(old.flatMap(([id, field]) => (field === undefined ? [] : [[id, field] as const])))
    })
    await manager.addFiles(tbl, [location])
    const [metrics] = (await tbl.inspect.files()).map((each) => each.readable_metrics)
    expect(metrics?.['id']).toMatchObject({ lower_bound: 0, upper_bound: 4, null_value_count: 0 })
    expect(metrics?.['p']).toMatchObject({ lower_bound: null, upper_bound: null, null_value_count: 0 })
  })

  test('bounds that are cut within a character, or stand the wrong way round, say nothing', async () => {
    const world = await lake('id: int, p: string')
    const { manager, tbl, file } = world
    const location = await file('f.parquet', rows("'é' || range"))
    await withStatistics(world, location, (statistics) => {
      const max = statistics.get(5)
      const changed = new Map(statistics)
      if (max?.value instanceof Uint8Array && max.value.length === 4) {
        const [min] = [statistics.get(6)]
        if (min !== undefined) return changed.set(5, min).set(6, max)
      }
      return changed.set(6, { type: 8, value: new Uint8Array([0xc3]) })
    })
    await manager.addFiles(tbl, [location])
    const [metrics] = (await tbl.inspect.files()).map((each) => each.readable_metrics)
    for (const name of ['id', 'p'])
      expect(metrics?.[name]).toMatchObject({ lower_bound: null, upper_bound: null })
    expect(await tbl.scan({ filter: "p = 'é3' and id = 3" }).count()).toBe(1)
  })
})

test('v1 tables take files too', async () => {
  const { manager, tbl, file } = await lake('id: int, v: string', { formatVersion: 1 })
  await manager.addFiles(tbl, [await file('f.parquet', ROWS)])
  expect(await rowsOf(tbl)).toEqual(EXPECTED)
})

test('rows of added files are deleted as all others are', async () => {
  const { manager, tbl, file } = await lake('id: int, v: string')
  await manager.addFiles(tbl, [await file('f.parquet', ROWS)])
  await manager.deleteRows(tbl, 'id = 1')
  expect(await rowsOf(tbl)).toEqual(text([{ id: 2, v: 'b' }]))
})
