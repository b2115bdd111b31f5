/**
 * The two tables of an SQL catalog, as PyIceberg's SqlCatalog and Java's JdbcCatalog have them, so
 * that all of them can work on one database.
 */
import type { Kysely } from 'kysely'

export interface CatalogTables {
  readonly iceberg_tables: {
    /** The client's own name for the catalog: clients that share tables use the same one. */
    readonly catalog_name: string
    /** Levels joined by dots. */
    readonly table_namespace: string
    readonly table_name: string
    readonly metadata_location: string | null
    readonly previous_metadata_location: string | null
    /** `TABLE`, `VIEW`, or null from older clients, who knew tables only. */
    readonly iceberg_type: string | null
  }
  readonly iceberg_namespace_properties: {
    readonly catalog_name: string
    readonly namespace: string
    readonly property_key: string
    readonly property_value: string | null
  }
}

/** The older layout, v0, lacks `iceberg_type`. */
export type Layout = 'v0' | 'v1'

/** Which layout the database has; null when it has no catalog tables yet, or only one of the two. */
export async function detectLayout(db: Kysely<CatalogTables>): Promise<Layout | null> {
  const tables = await db.introspection.getTables()
  const properties = tables.find(({ name }) => name === 'iceberg_namespace_properties')
  const columns = tables.find(({ name }) => name === 'iceberg_tables')?.columns
  if (properties === undefined || columns === undefined) return null
  return columns.some(({ name }) => name === 'iceberg_type') ? 'v1' : 'v0'
}

/** Creates what is missing, in layout v1; what is there stays as it is. */
export async function createTables(db: Kysely<CatalogTables>): Promise<void> {
  await db.schema
    .createTable('iceberg_tables')
    .ifNotExists()
    .addColumn('catalog_name', 'varchar(255)', (column) => column.notNull())
    .addColumn('table_namespace', 'varchar(255)', (column) => column.notNull())
    .addColumn('table_name', 'varchar(255)', (column) => column.notNull())
    .addColumn('metadata_location', 'varchar(1000)')
    .addColumn('previous_metadata_location', 'varchar(1000)')
    .addColumn('iceberg_type', 'varchar(5)')
    .addPrimaryKeyConstraint('iceberg_tables_key', ['catalog_name', 'table_namespace', 'table_name'])
    .execute()
  await db.schema
    .createTable('iceberg_namespace_properties')
    .ifNotExists()
    .addColumn('catalog_name', 'varchar(255)', (column) => column.notNull())
    .addColumn('namespace', 'varchar(255)', (column) => column.notNull())
    .addColumn('property_key', 'varchar(255)', (column) => column.notNull())
    .addColumn('property_value', 'varchar(1000)')
    .addPrimaryKeyConstraint('iceberg_namespace_properties_key', [
      'catalog_name',
      'namespace',
      'property_key',
    ])
    .execute()
}
