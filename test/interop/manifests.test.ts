/** Our manifests and lists as any Avro reader sees them: what the format and Java require of them. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IcebergTableManager, Table } from '../../src/index.ts'
import { everyType } from './support/every-type.ts'
import { openFloeberg, rowsIn } from './support/floeberg.ts'
import { PyIceberg } from './support/pyiceberg.ts'
import type { AvroDescription } from './support/pyiceberg.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
let manager: IcebergTableManager
let pyiceberg: PyIceberg

beforeAll(async () => {
  manager = await openFloeberg(shared)
  await manager.createNamespace('m')
  pyiceberg = new PyIceberg(shared)
})

afterAll(async () => {
  await Promise.all([manager?.close(), pyiceberg?.close()])
  shared.remove()
})

interface AvroField {
  readonly name: string
  readonly type: unknown
  readonly 'field-id'?: number
  readonly default?: unknown
}

const schema = { ...everyType.schema, fields: everyType.schema.fields.filter((field) => field.name !== 'fx') }

async function writtenTable(name: string, formatVersion: 1 | 2): Promise<Table> {
  const partitionSpec = everyType.transforms
    .filter(({ source }) => source !== 'fx')
    .map(({ source, transform }) => ({ source, transform }))
  const table = await manager.createTable({ namespace: 'm', name, schema, partitionSpec, formatVersion })
  await manager.writeData(table, rowsIn(schema, everyType.rows))
  return table
}

async function manifestOf(
  table: Table,
): Promise<{ readonly list: AvroDescription; readonly manifest: AvroDescription }> {
  const list = await pyiceberg.readAvro(fileURLToPath(table.currentSnapshot?.['manifest-list'] ?? ''))
  const path = String(list.records[0]?.['manifest_path']).slice(2)
  return { list, manifest: await pyiceberg.readAvro(fileURLToPath(path)) }
}

/** Every record's fields, at every depth. */
function allFields(type: unknown): readonly AvroField[] {
  if (Array.isArray(type)) return type.flatMap(allFields)
  if (typeof type !== 'object' || type === null) return []
  const {
    fields,
    items,
    values,
    type: inner,
  } = type as {
    readonly fields?: readonly AvroField[]
    readonly items?: unknown
    readonly values?: unknown
    readonly type?: unknown
  }
  return [
    ...(fields ?? []).flatMap((field) => [field, ...allFields(field.type)]),
    ...[items, values, inner].flatMap(allFields),
  ]
}

describe.each([1, 2] as const)('format version %i', (version) => {
  test('every field has its field id, an optional one defaults to null, a required one is no union', async () => {
    const { list, manifest } = await manifestOf(await writtenTable(`ids_v${version}`, version))
    for (const { schema: avro } of [list, manifest]) {
      const fields = allFields(avro)
      expect(fields.length).toBeGreaterThan(10)
      expect(fields.filter((field) => typeof field['field-id'] !== 'number')).toEqual([])
      const unions = fields.filter((field) => Array.isArray(field.type))
      expect(unions.filter((field) => (field.type as unknown[])[0] !== 'null')).toEqual([])
      expect(unions.filter((field) => field.default !== null)).toEqual([])
    }
    const required = allFields(manifest.schema).filter((field) => !Array.isArray(field.type))
    expect(required.map((field) => field.name)).toEqual(
      expect.arrayContaining([
        'status',
        'data_file',
        'file_path',
        'file_format',
        'partition',
        'record_count',
      ]),
    )
  })

  test('the header of a manifest: schema, id, partition fields as an array, version', async () => {
    const table = await manager.loadTable(`m.ids_v${version}`)
    const { manifest } = await manifestOf(table)
    const { header } = manifest
    expect(JSON.parse(header['schema'] ?? '')).toMatchObject({ type: 'struct', 'schema-id': 0 })
    expect(header['schema-id']).toBe('0')
    const spec: unknown = JSON.parse(header['partition-spec'] ?? '')
    expect(spec).toEqual(table.metadata['partition-specs'][0]?.fields)
    expect(header['partition-spec-id']).toBe('0')
    expect(header['format-version']).toBe(String(version))
    if (version === 2) expect(header['content']).toBe('data')
  })

  test('partition values have the Avro types of the format', async () => {
    const { manifest } = await manifestOf(await manager.loadTable(`m.ids_v${version}`))
    const partition = allFields(manifest.schema).find((field) => field.name === 'partition')?.type
    const { fields } = partition as { readonly fields: readonly AvroField[] }
    const types = Object.fromEntries(
      fields.map((field) => [field.name, (field.type as readonly unknown[])[1]]),
    )
    expect(types['u']).toMatchObject({ type: 'fixed', size: 16, logicalType: 'uuid' })
    expect(types['i_bucket']).toBe('int')
    // decimal(38,10) needs 16 bytes, decimal(18,4) 8: the least for the precision.
    expect(types['d38']).toMatchObject({
      type: 'fixed',
      size: 16,
      logicalType: 'decimal',
      precision: 38,
      scale: 10,
    })
    expect(types['d18_trunc']).toMatchObject({
      type: 'fixed',
      size: 8,
      logicalType: 'decimal',
      precision: 18,
      scale: 4,
    })
    expect(types['ts_hour']).toBe('int')
  })

  test('maps with int keys are arrays with logicalType map', async () => {
    const { manifest } = await manifestOf(await manager.loadTable(`m.ids_v${version}`))
    const counts = allFields(manifest.schema).find((field) => field.name === 'value_counts')
    const types = counts?.type as readonly unknown[] | undefined
    expect(types?.[1]).toMatchObject({ type: 'array', logicalType: 'map' })
  })
})
