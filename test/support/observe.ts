/** What a catalog shows to somebody who looks at all of it, and which files it needs for that. */
import type { TableIdentifier } from '../../src/catalog/catalog.ts'
import { MissingFileError, type IcebergTableManager, type Table } from '../../src/index.ts'

/** Everything that a user can see, without ids and times, which no two runs share. */
export interface Observation {
  readonly namespaces: Readonly<Record<string, unknown>>
  /** 'broken' for one whose metadata file is gone. */
  readonly tables: Readonly<Record<string, TableObservation | 'broken'>>
}

interface TableObservation {
  readonly properties: Readonly<Record<string, string>>
  readonly formatVersion: number
  readonly columns: readonly unknown[]
  /** Source, transform and name of each field. */
  readonly partitionedBy: readonly string[]
  readonly sortedBy: readonly string[]
  /** Operation and total of rows, oldest first. */
  readonly snapshots: readonly string[]
  /** Kind, name, retention, and which of the snapshots each names, from 0; sorted. */
  readonly refs: readonly string[]
  /** As text, sorted. */
  readonly rows: readonly string[]
}

/** Namespaces of one level, their tables, and all rows. */
export async function observe(manager: IcebergTableManager): Promise<Observation> {
  const namespaces: Record<string, unknown> = {}
  const tables: Record<string, TableObservation | 'broken'> = {}
  for (const namespace of await manager.listNamespaces()) {
    namespaces[namespace.join('.')] = await manager.loadNamespace(namespace)
  }
  for (const [name, table] of await allTables(manager)) {
    tables[name] = table === 'broken' ? table : await observeTable(table)
  }
  return { namespaces, tables }
}

async function observeTable(table: Table): Promise<TableObservation> {
  const rows = await table.scan().toArray()
  return {
    properties: table.properties,
    formatVersion: table.formatVersion,
    columns: table.schema.fields,
    partitionedBy: table.partitionSpec.fields.map(
      ({ sourceId, transform, name }) => `${transform.kind} of ${sourceId}: ${name}`,
    ),
    sortedBy: table.sortOrder.fields.map(({ sourceId, direction }) => `${sourceId} ${direction}`),
    snapshots: table.inspect
      .snapshots()
      .map(({ operation, summary }) => `${operation} ${summary['total-records']}`),
    refs: refsOf(table),
    rows: rows.map(rowText).sort(),
  }
}

function refsOf({ metadata }: Table): readonly string[] {
  const ids = metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])
  return Object.entries(metadata.refs)
    .map(([name, { 'snapshot-id': id, type, ...retention }]) =>
      refText({ type, name, at: ids.indexOf(id), retention }),
    )
    .sort()
}

/** A ref as it is observed; `at`: which of the snapshots it names, from 0. */
export function refText(ref: {
  readonly type: 'branch' | 'tag'
  readonly name: string
  readonly at: number
  readonly retention?: object
}): string {
  return rowText({ retention: {}, ...ref })
}

/** A row as text; 64-bit numbers as they are. */
export function rowText(row: unknown): string {
  return JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}

/** Every file that the metadata of all tables reaches, sorted: metadata, lists, manifests, data. */
export async function reachableFiles(manager: IcebergTableManager): Promise<readonly string[]> {
  const files = new Set<string>()
  for (const [, table] of await allTables(manager)) {
    if (table === 'broken') continue
    for (const file of await filesOf(table)) files.add(file)
  }
  return [...files].sort()
}

async function filesOf(table: Table): Promise<readonly string[]> {
  const { metadata } = table
  const files = [
    ...metadata['metadata-log'].map((entry) => entry['metadata-file']),
    ...(table.metadataLocation === null ? [] : [table.metadataLocation]),
    ...metadata.snapshots.flatMap((snapshot) => snapshot['manifest-list'] ?? []),
  ]
  for (const snapshot of metadata.snapshots) {
    const travel = { snapshotId: snapshot['snapshot-id'] }
    files.push(...(await table.inspect.manifests(travel)).map(({ path }) => path))
    files.push(...(await table.inspect.files(travel)).map(({ file_path }) => file_path))
  }
  return files
}

async function allTables(
  manager: IcebergTableManager,
): Promise<readonly (readonly [string, Table | 'broken'])[]> {
  const tables: (readonly [string, Table | 'broken'])[] = []
  for (const namespace of await manager.listNamespaces()) {
    for (const id of await manager.listTables(namespace)) {
      tables.push([[...id.namespace, id.name].join('.'), await loadedOrBroken(manager, id)])
    }
  }
  return tables
}

async function loadedOrBroken(manager: IcebergTableManager, id: TableIdentifier): Promise<Table | 'broken'> {
  try {
    return await manager.loadTable(id)
  } catch (error) {
    if (error instanceof MissingFileError) return 'broken'
    throw error
  }
}
