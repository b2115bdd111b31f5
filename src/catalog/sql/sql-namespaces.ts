/**
 * Namespaces in the two tables. A namespace exists when it has a property row, or when a table or
 * a namespace below it does. Names are compared exactly: `LIKE` would take `_` and `%` for
 * wildcards and, on SQLite, ignore case.
 */
import { sql } from 'kysely'
import type { Namespace, Properties } from '../catalog.ts'
import type { NamespaceChanges } from '../pointers.ts'
import type { CatalogDb } from './sql-engine.ts'

/** PyIceberg's marker of a namespace without properties. */
const EXISTS_MARKER = 'exists'

export function joinLevels(namespace: Namespace): string {
  return namespace.join('.')
}

export async function namespaceExists(db: CatalogDb, catalog: string, namespace: string): Promise<boolean> {
  if (namespace === '') return true
  if ((await ownProperties(db, catalog, namespace)).length > 0) return true
  const names = await knownNamespaces(db, catalog)
  return names.some((name) => name === namespace || name.startsWith(`${namespace}.`))
}

/** null: no such namespace. */
export async function readNamespace(
  db: CatalogDb,
  catalog: string,
  namespace: string,
): Promise<Properties | null> {
  const rows = await ownProperties(db, catalog, namespace)
  if (rows.length === 0 && !(await namespaceExists(db, catalog, namespace))) return null
  const own = rows.filter(({ property_key }) => property_key !== EXISTS_MARKER)
  return Object.fromEntries(own.map((row) => [row.property_key, row.property_value ?? '']))
}

/** Direct children, as full names; of the root when `parent` is empty. */
export async function childNamespaces(
  db: CatalogDb,
  catalog: string,
  parent: string,
): Promise<readonly string[]> {
  const prefix = parent === '' ? '' : `${parent}.`
  const below = (await knownNamespaces(db, catalog)).filter(
    (name) => name.startsWith(prefix) && name !== parent,
  )
  const children = below.map((name) => {
    const end = name.indexOf('.', prefix.length)
    return end === -1 ? name : name.slice(0, end)
  })
  return [...new Set(children)].sort()
}

/** False when it exists already. */
export async function insertNamespace(
  db: CatalogDb,
  catalog: string,
  levels: Namespace,
  properties: Properties,
): Promise<boolean> {
  if (await namespaceExists(db, catalog, joinLevels(levels))) return false
  for (let depth = 1; depth < levels.length; depth += 1) {
    const parent = joinLevels(levels.slice(0, depth))
    if (!(await namespaceExists(db, catalog, parent))) await insertProperties(db, catalog, parent, {})
  }
  await insertProperties(db, catalog, joinLevels(levels), properties)
  return true
}

/** False: no such namespace. One whose last property goes stays. */
export async function changeNamespace(
  db: CatalogDb,
  catalog: string,
  namespace: string,
  changes: NamespaceChanges,
): Promise<boolean> {
  if (!(await namespaceExists(db, catalog, namespace))) return false
  const gone = [...changes.remove, ...Object.keys(changes.set)]
  if (gone.length > 0) {
    await ofNamespace(db, catalog, namespace).where('property_key', 'in', gone).execute()
  }
  const left = await ownProperties(db, catalog, namespace)
  if (left.length === 0 || Object.keys(changes.set).length > 0) {
    await insertProperties(db, catalog, namespace, changes.set)
  }
  return true
}

export async function deleteNamespace(
  db: CatalogDb,
  catalog: string,
  namespace: string,
): Promise<'dropped' | 'no-namespace' | 'not-empty'> {
  if (!(await namespaceExists(db, catalog, namespace))) return 'no-namespace'
  const table = await db
    .selectFrom('iceberg_tables')
    .select('table_name')
    .where('catalog_name', '=', catalog)
    .where('table_namespace', '=', namespace)
    .limit(1)
    .executeTakeFirst()
  const children = await childNamespaces(db, catalog, namespace)
  if (table !== undefined || children.length > 0) return 'not-empty'
  await ofNamespace(db, catalog, namespace).execute()
  return 'dropped'
}

function ofNamespace(db: CatalogDb, catalog: string, namespace: string) {
  return db
    .deleteFrom('iceberg_namespace_properties')
    .where('catalog_name', '=', catalog)
    .where('namespace', '=', namespace)
}

async function ownProperties(db: CatalogDb, catalog: string, namespace: string) {
  return db
    .selectFrom('iceberg_namespace_properties')
    .select(['property_key', 'property_value'])
    .where('catalog_name', '=', catalog)
    .where('namespace', '=', namespace)
    .execute()
}

async function insertProperties(
  db: CatalogDb,
  catalog: string,
  namespace: string,
  properties: Properties,
): Promise<void> {
  const entries = Object.keys(properties).length > 0 ? properties : { [EXISTS_MARKER]: 'true' }
  const rows = Object.entries(entries).map(([property_key, property_value]) => ({
    catalog_name: catalog,
    namespace,
    property_key,
    property_value,
  }))
  await db.insertInto('iceberg_namespace_properties').values(rows).execute()
}

/** Every namespace that has a row of its own or a table (or view) in it. */
async function knownNamespaces(db: CatalogDb, catalog: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('iceberg_tables')
    .select(sql<string>`table_namespace`.as('namespace'))
    .where('catalog_name', '=', catalog)
    .union(
      db.selectFrom('iceberg_namespace_properties').select('namespace').where('catalog_name', '=', catalog),
    )
    .execute()
  return rows.map(({ namespace }) => namespace)
}
