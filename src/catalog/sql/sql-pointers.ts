/** Table pointers in an SQL database, swapped by a conditional UPDATE. */
import { CorruptFileError } from '../../errors.ts'
import type { CallOptions } from '../../storage/object-store.ts'
import type { CatalogCapabilities, Namespace, Properties, TableIdentifier } from '../catalog.ts'
import { tableText } from '../names.ts'
import type { NamespaceChanges, PointerStore, TablePointer } from '../pointers.ts'
import type { CatalogDb, SqlEngine } from './sql-engine.ts'
import {
  changeNamespace,
  childNamespaces,
  deleteNamespace,
  insertNamespace,
  joinLevels,
  namespaceExists,
  readNamespace,
} from './sql-namespaces.ts'
import type { Layout } from './tables.ts'

const TABLE_TYPE = 'TABLE'

export class SqlPointers implements PointerStore {
  readonly capabilities: CatalogCapabilities = {
    nestedNamespaces: true,
    dotsInNames: false,
    namespaceProperties: true,
    stageCreate: true,
    purge: 'client',
    shared: true,
  }
  readonly #engine: SqlEngine
  readonly #catalog: string
  readonly #layout: Layout

  constructor(engine: SqlEngine, catalog: string, layout: Layout) {
    this.#engine = engine
    this.#catalog = catalog
    this.#layout = layout
  }

  async find(id: TableIdentifier, options?: CallOptions): Promise<TablePointer | null> {
    const row = await this.#engine.read((db) => this.#select(db, id).executeTakeFirst(), options)
    if (row === undefined) return null
    if (row.metadata_location === null) {
      throw new CorruptFileError("The catalog's row has no metadata location", { table: tableText(id) })
    }
    return { metadataLocation: row.metadata_location, previousLocation: row.previous_metadata_location }
  }

  async insert(
    id: TableIdentifier,
    metadataLocation: string,
    options?: CallOptions,
  ): Promise<'inserted' | 'exists' | 'no-namespace'> {
    const { table_namespace, table_name } = keyOf(id)
    const row = {
      catalog_name: this.#catalog,
      table_namespace,
      table_name,
      metadata_location: metadataLocation,
      previous_metadata_location: null,
      ...(this.#layout === 'v1' ? { iceberg_type: TABLE_TYPE } : {}),
    }
    return this.#engine.write(async (db) => {
      if (!(await namespaceExists(db, this.#catalog, table_namespace))) return 'no-namespace'
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('iceberg_tables')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirstOrThrow()
      return numInsertedOrUpdatedRows === 1n ? 'inserted' : 'exists'
    }, options)
  }

  async swap(id: TableIdentifier, expected: string, metadataLocation: string): Promise<boolean> {
    return this.#engine.write(async (db) => {
      const { numUpdatedRows } = await this.#update(db, id)
        .set({ metadata_location: metadataLocation, previous_metadata_location: expected })
        .where('metadata_location', '=', expected)
        .executeTakeFirstOrThrow()
      return numUpdatedRows === 1n
    })
  }

  async remove(id: TableIdentifier, options?: CallOptions): Promise<boolean> {
    const { table_namespace, table_name } = keyOf(id)
    return this.#engine.write(async (db) => {
      if ((await this.#select(db, id).executeTakeFirst()) === undefined) return false
      await db
        .deleteFrom('iceberg_tables')
        .where('catalog_name', '=', this.#catalog)
        .where('table_namespace', '=', table_namespace)
        .where('table_name', '=', table_name)
        .execute()
      return true
    }, options)
  }

  async rename(
    from: TableIdentifier,
    to: TableIdentifier,
    options?: CallOptions,
  ): Promise<'renamed' | 'no-table' | 'exists' | 'no-namespace'> {
    const target = keyOf(to)
    return this.#engine.write(async (db) => {
      if ((await this.#select(db, from).executeTakeFirst()) === undefined) return 'no-table'
      if (!(await namespaceExists(db, this.#catalog, target.table_namespace))) return 'no-namespace'
      // A view has the name for itself, too.
      if ((await this.#selectAny(db, to).executeTakeFirst()) !== undefined) return 'exists'
      await this.#update(db, from).set(target).execute()
      return 'renamed'
    }, options)
  }

  async names(namespace: Namespace, options?: CallOptions): Promise<readonly string[] | null> {
    const joined = joinLevels(namespace)
    return this.#engine.read(async (db) => {
      if (!(await namespaceExists(db, this.#catalog, joined))) return null
      const rows = await this.#tables(db)
        .select('table_name')
        .where('table_namespace', '=', joined)
        .orderBy('table_name')
        .execute()
      return rows.map((row) => row.table_name)
    }, options)
  }

  async createNamespace(
    namespace: Namespace,
    properties: Properties,
    options?: CallOptions,
  ): Promise<boolean> {
    return this.#engine.write((db) => insertNamespace(db, this.#catalog, namespace, properties), options)
  }

  async namespace(namespace: Namespace, options?: CallOptions): Promise<Properties | null> {
    return this.#engine.read((db) => readNamespace(db, this.#catalog, joinLevels(namespace)), options)
  }

  async children(parent: Namespace, options?: CallOptions): Promise<readonly Namespace[]> {
    const names = await this.#engine.read(
      (db) => childNamespaces(db, this.#catalog, joinLevels(parent)),
      options,
    )
    return names.map((name) => name.split('.'))
  }

  async updateNamespace(
    namespace: Namespace,
    changes: NamespaceChanges,
    options?: CallOptions,
  ): Promise<boolean> {
    const joined = joinLevels(namespace)
    return this.#engine.write((db) => changeNamespace(db, this.#catalog, joined, changes), options)
  }

  async dropNamespace(
    namespace: Namespace,
    options?: CallOptions,
  ): Promise<'dropped' | 'no-namespace' | 'not-empty'> {
    return this.#engine.write((db) => deleteNamespace(db, this.#catalog, joinLevels(namespace)), options)
  }

  async close(): Promise<void> {
    await this.#engine.close()
  }

  /** This catalog's tables; layout v1 keeps views beside them. */
  #tables(db: CatalogDb) {
    const rows = db.selectFrom('iceberg_tables').where('catalog_name', '=', this.#catalog)
    if (this.#layout === 'v0') return rows
    return rows.where((where) =>
      where.or([where('iceberg_type', '=', TABLE_TYPE), where('iceberg_type', 'is', null)]),
    )
  }

  #select(db: CatalogDb, id: TableIdentifier) {
    const { table_namespace, table_name } = keyOf(id)
    return this.#tables(db)
      .select(['metadata_location', 'previous_metadata_location'])
      .where('table_namespace', '=', table_namespace)
      .where('table_name', '=', table_name)
  }

  #selectAny(db: CatalogDb, id: TableIdentifier) {
    const { table_namespace, table_name } = keyOf(id)
    return db
      .selectFrom('iceberg_tables')
      .select('table_name')
      .where('catalog_name', '=', this.#catalog)
      .where('table_namespace', '=', table_namespace)
      .where('table_name', '=', table_name)
  }

  #update(db: CatalogDb, id: TableIdentifier) {
    const { table_namespace, table_name } = keyOf(id)
    return db
      .updateTable('iceberg_tables')
      .where('catalog_name', '=', this.#catalog)
      .where('table_namespace', '=', table_namespace)
      .where('table_name', '=', table_name)
  }
}

function keyOf(id: TableIdentifier): { readonly table_namespace: string; readonly table_name: string } {
  return { table_namespace: joinLevels(id.namespace), table_name: id.name }
}
