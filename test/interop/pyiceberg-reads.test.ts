/** PyIceberg lists, loads and reads every table that we wrote. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IcebergTableManager } from '../../src/index.ts'
import type { SchemaJson } from '../../src/format/metadata/table-metadata.ts'
import { encodeRow, inAnyOrder } from '../support/exact-values.ts'
import { asPyIcebergShows, everyType } from './support/every-type.ts'
import { openFloeberg, rowsIn } from './support/floeberg.ts'
import { PyIceberg } from './support/pyiceberg.ts'
import type { ExactRow } from './support/pyiceberg.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let manager: IcebergTableManager
let pyiceberg: PyIceberg

beforeAll(async () => {
  manager = await openFloeberg(shared)
  await manager.createNamespace('ours')
  pyiceberg = new PyIceberg(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), pyiceberg?.close()])
  shared.remove()
})

/** The columns of the schema of every type that can be written: see docs on `fixed`. */
function columns(...names: readonly string[]): SchemaJson {
  const chosen = everyType.schema.fields.filter((field) => names.length === 0 || names.includes(field.name))
  return { ...everyType.schema, fields: chosen }
}

function rowsOf(schema: SchemaJson): readonly ExactRow[] {
  return everyType.rows.map((row) =>
    Object.fromEntries(schema.fields.map(({ name }) => [name, row[name] ?? null])),
  )
}

const writable = everyType.schema.fields.map((field) => field.name).filter((name) => name !== 'fx')

describe('every type', () => {
  test('comes back value by value: extremes, nulls, NaN, infinities, empty strings, nested', async () => {
    const schema = columns(...writable)
    const table = await manager.createTable({ namespace: 'ours', name: 'types', schema })
    await manager.writeData(table, rowsIn(schema, everyType.rows))
    expect(inAnyOrder(await pyiceberg.scan('ours.types'))).toEqual(
      inAnyOrder(asPyIcebergShows(rowsOf(schema))),
    )
  })

  test.each(['zstd', 'gzip', 'snappy', 'uncompressed'])(
    'comes back out of pages of some hundred rows, with dictionaries, by %s',
    async (codec) => {
      const schema = columns(...writable)
      const properties = { 'write.parquet.compression-codec': codec }
      const table = await manager.createTable({
        namespace: 'ours',
        name: `pages_${codec}`,
        schema,
        properties,
      })
      const many = Array.from({ length: 20 }, () => everyType.rows).flat()
      await manager.writeData(table, rowsIn(schema, many))
      const expected = Array.from({ length: 20 }, () => asPyIcebergShows(rowsOf(schema))).flat()
      expect(inAnyOrder(await pyiceberg.scan(`ours.pages_${codec}`))).toEqual(inAnyOrder(expected))
    },
  )

  test('is stored as the format says: nulls stay nulls, field ids at every depth', async () => {
    const [entry] = await pyiceberg.entries('ours.types')
    const file = await pyiceberg.readParquet(new URL(entry?.file_path ?? '').pathname)
    expect(inAnyOrder(file.rows)).toEqual(inAnyOrder(rowsOf(columns(...writable))))
    expect(Object.values(file.ids)).not.toContain('')
    const physical = Object.fromEntries(file.columns.map((column) => [column.path, column]))
    expect(physical['d9']?.physical).toBe('INT32')
    expect(physical['d18']?.physical).toBe('INT64')
    expect(physical['d38']).toMatchObject({ physical: 'FIXED_LEN_BYTE_ARRAY', length: 16 })
    expect(physical['u']).toMatchObject({ physical: 'FIXED_LEN_BYTE_ARRAY', length: 16, logical: 'UUID' })
    expect(physical['ts']?.logical).toMatch(/isAdjustedToUTC=false, timeUnit=microseconds/)
    expect(physical['tz']?.logical).toMatch(/isAdjustedToUTC=true, timeUnit=microseconds/)
    expect(physical['t']?.logical).toMatch(/isAdjustedToUTC=false, timeUnit=microseconds/)
  })

  test('has the same schema for both, with fresh ids level by level', async () => {
    const table = await manager.loadTable('ours.types')
    const theirs = await pyiceberg.loadTable('ours.types')
    const ours = table.metadata.schemas[0]
    expect(normalised(ours?.fields)).toEqual(normalised(theirs.schema.fields))
    expect(theirs.uuid).toBe(table.uuid)
    expect(theirs.location).toBe(table.location)
  })

  test('survives a second reading by ourselves', async () => {
    const table = await manager.loadTable('ours.types')
    const rows = await table.scan().toArray()
    const { fields } = table.metadata.schemas[0] as SchemaJson
    expect(inAnyOrder(rows.map((row) => encodeRow(fields, row)))).toEqual(
      inAnyOrder(rowsOf(columns(...writable))),
    )
  })
})

/** `decimal(9,2)` and `decimal(9, 2)` are one type; key order is nothing. */
function normalised(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll(/decimal\((\d+), ?(\d+)\)/g, 'decimal($1, $2)'))
}

test('a column of fixed length is refused by name, before anything is written', async () => {
  const schema = columns('i', 'fx')
  const table = await manager.createTable({ namespace: 'ours', name: 'fixed', schema })
  const rows = rowsIn(schema, rowsOf(schema))
  await expect(manager.writeData(table, rows)).rejects.toMatchObject({ code: 'FLOEBERG_UNSUPPORTED_FEATURE' })
  expect(await pyiceberg.scan('ours.fixed')).toEqual([])
})

describe('metrics', () => {
  test('bounds and counts are those PyIceberg decodes: never a NaN, -0.0 below 0.0', async () => {
    const [entry] = await pyiceberg.entries('ours.types')
    const id = (name: string): string => String(everyTypeIds().find((field) => field.name === name)?.id ?? '')
    expect(entry?.null_value_counts[id('i')]).toBe('i:0')
    expect(entry?.null_value_counts[id('b')]).toBe('i:2')
    // int, little-endian.
    expect(entry?.lower_bounds[id('i')]).toBe('00000080')
    expect(entry?.upper_bounds[id('i')]).toBe('ffffff7f')
    // decimal: the minimal big-endian two's complement, whatever Parquet holds.
    expect(entry?.lower_bounds[id('d9')]).toBe('8000')
    expect(entry?.upper_bounds[id('d9')]).toBe('3b9ac9ff')
    // float: -infinity to the largest float, NaN nowhere.
    expect(entry?.lower_bounds[id('f')]).toBe('000080ff')
    expect(entry?.upper_bounds[id('f')]).toBe('ffff7f7f')
  })
})

/** Fresh ids of the written schema: columns first, then level by level. */
function everyTypeIds(): readonly { readonly name: string; readonly id: number }[] {
  return writable.map((name, index) => ({ name, id: index + 1 }))
}

describe('every transform', () => {
  const cases = [
    ...everyType.transforms.filter(({ source }) => source !== 'fx'),
    ...['i', 'l', 'd9', 'dt', 't', 'ts', 'tz', 's', 'bin'].map((source) => ({
      source,
      transform: 'identity',
    })),
    ...['dt', 'ts', 'tz'].flatMap((source) =>
      ['year', 'month', 'day'].map((transform) => ({ source, transform })),
    ),
    ...['ts', 'tz'].map((source) => ({ source, transform: 'hour' })),
    ...['l', 'd18', 'd38', 'dt', 'ts', 'tz', 's', 'u', 'bin'].map((source) => ({
      source,
      transform: 'bucket[4]',
    })),
    ...['i', 'd9', 'd38'].map((source) => ({ source, transform: 'truncate[2]' })),
  ]
  const distinct = [...new Map(cases.map((c) => [`${c.transform}(${c.source})`, c]))]

  test.each(distinct)('%s', async (label, { source, transform }) => {
    const name = `p_${label.replaceAll(/\W/g, '_')}`
    const schema = columns(...new Set(['i', source]))
    const config = { namespace: 'ours', name, schema, partitionSpec: [{ source, transform }] }
    const table = await manager.createTable(config)
    await manager.writeData(table, rowsIn(schema, rowsOf(schema)))
    expect(inAnyOrder(await pyiceberg.scan(`ours.${name}`))).toEqual(inAnyOrder(rowsOf(schema)))
    const { checked, wrong } = await pyiceberg.misplacedRows(`ours.${name}`)
    expect(wrong).toEqual([])
    expect(checked).toBe(everyType.rows.length)
  })

  test('all in one spec', async () => {
    const schema = columns(...writable)
    const partitionSpec = everyType.transforms
      .filter(({ source }) => source !== 'fx')
      .map(({ source, transform }) => ({ source, transform }))
    const table = await manager.createTable({ namespace: 'ours', name: 'transforms', schema, partitionSpec })
    await manager.writeData(table, rowsIn(schema, everyType.rows))
    expect(inAnyOrder(await pyiceberg.scan('ours.transforms'))).toEqual(
      inAnyOrder(asPyIcebergShows(rowsOf(schema))),
    )
    expect((await pyiceberg.misplacedRows('ours.transforms')).wrong).toEqual([])
  })
})

describe('format versions', () => {
  test('a version 1 table, and the same after its upgrade', async () => {
    const schema = columns('i', 's')
    const config = { namespace: 'ours', name: 'v1', schema, formatVersion: 1 } as const
    const table = await manager.createTable({
      ...config,
      partitionSpec: [{ source: 'i', transform: 'bucket[2]' }],
    })
    await manager.writeData(table, rowsIn(schema, everyType.rows))
    expect((await pyiceberg.loadTable('ours.v1')).format_version).toBe(1)
    expect(inAnyOrder(await pyiceberg.scan('ours.v1'))).toEqual(inAnyOrder(rowsOf(schema)))

    await manager.upgradeFormatVersion(table, 2)
    await manager.writeData(table, rowsIn(schema, everyType.rows))
    expect((await pyiceberg.loadTable('ours.v1')).format_version).toBe(2)
    expect(await pyiceberg.count('ours.v1')).toBe(2 * everyType.rows.length)
  })
})

describe('the catalog', () => {
  test('namespaces and tables are listed alike', async () => {
    await manager.createNamespace('my_ns')
    await manager.createNamespace('myXns', { owner: 'we' })
    const theirs = (await pyiceberg.listNamespaces()).map((namespace) => namespace.join('.'))
    const ours = (await manager.listNamespaces()).map((namespace) => namespace.join('.'))
    expect(inAnyOrder(theirs)).toEqual(inAnyOrder(ours))
    const tables = (await manager.listTables('ours')).map((id) => `${id.namespace.join('.')}.${id.name}`)
    expect(inAnyOrder(await pyiceberg.listTables('ours'))).toEqual(inAnyOrder(tables))
  })

  test('renamed and dropped tables are so for both', async () => {
    const schema = columns('i')
    const table = await manager.createTable({ namespace: 'ours', name: 'before', schema })
    await manager.writeData(table, rowsIn(schema, everyType.rows))
    await manager.renameTable('ours.before', 'ours.after')
    expect(await pyiceberg.count('ours.after')).toBe(everyType.rows.length)
    await pyiceberg.renameTable('ours.after', 'my_ns.moved')
    expect(await (await manager.loadTable('my_ns.moved')).scan().count()).toBe(everyType.rows.length)
    await pyiceberg.dropTable('my_ns.moved')
    expect(await manager.tableExists('my_ns.moved')).toBe(false)
  })

  test('properties that we set are theirs', async () => {
    const table = await manager.loadTable('ours.types')
    await manager.updateProperties(table, { set: { 'commit.retry.num-retries': '7', note: 'é' } })
    expect((await pyiceberg.loadTable('ours.types')).properties).toMatchObject({
      'commit.retry.num-retries': '7',
      note: 'é',
    })
  })
})
