/** The library on a shared catalog, and its rows as exact JSON. */
import { IcebergTableManager } from '../../../src/index.ts'
import type { Table, ScanOptions } from '../../../src/index.ts'
import type { FieldJson, SchemaJson } from '../../../src/format/metadata/table-metadata.ts'
import { decodeRow, encodeRow } from '../../support/exact-values.ts'
import type { ExactRow } from './pyiceberg.ts'
import type { SharedWarehouse } from './warehouse.ts'

/** The catalog's name is part of its keys: all three clients call it `c`. */
export function openFloeberg(shared: SharedWarehouse): Promise<IcebergTableManager> {
  return IcebergTableManager.open({
    catalog: { name: 'c', type: 'sql', uri: shared.catalogUri, warehouse: shared.warehouse },
    engine: { memoryLimitBytes: 2 ** 30 },
    scratchDir: `${shared.folder}/scratch`,
  })
}

/** What a scan yields, as exact JSON. */
export async function exactRows(table: Table, options: ScanOptions = {}): Promise<readonly ExactRow[]> {
  const fields = columnsOf(table, options)
  const rows: ExactRow[] = []
  for await (const row of table.scan(options)) {
    if (Object.keys(row).length !== fields.length) throw new Error(`columns: ${Object.keys(row).join(', ')}`)
    rows.push(encodeRow(fields, row))
  }
  return rows
}

/** By the format's rule: a snapshot, a time or a tag has its own schema, a branch the current one. */
function columnsOf(table: Table, options: ScanOptions): readonly FieldJson[] {
  const { metadata } = table
  const isTag = options.ref !== undefined && metadata.refs[options.ref]?.type === 'tag'
  const travels = options.snapshotId !== undefined || options.asOf !== undefined || isTag
  const travelled = travels ? table.scan(options).snapshot?.['schema-id'] : undefined
  const id = travelled ?? metadata['current-schema-id']
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === id)
  if (schema === undefined) throw new Error(`no schema ${id}`)
  const { select } = options
  return select === undefined ? schema.fields : schema.fields.filter((field) => select.includes(field.name))
}

/** Exact rows as the library takes them. */
export function rowsIn(schema: SchemaJson, rows: readonly ExactRow[]): ReturnType<typeof decodeRow>[] {
  return rows.map((row) => decodeRow(schema.fields, row))
}
