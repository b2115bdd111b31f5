/** The catalog in an SQL database, whatever its dialect. */
import { UnsupportedFeatureError } from '../../errors.ts'
import type { Catalog } from '../catalog.ts'
import { PointerCatalog, type PointerCatalogOptions } from '../pointer-catalog.ts'
import type { SqlEngine } from './sql-engine.ts'
import { SqlPointers } from './sql-pointers.ts'
import { createTables, detectLayout, type Layout } from './tables.ts'

/** Opens the catalog on a database, making its two tables where they are missing. */
export async function openSqlCatalog(engine: SqlEngine, options: PointerCatalogOptions): Promise<Catalog> {
  const layout = (await engine.read(detectLayout)) ?? (await makeTables(engine))
  return new PointerCatalog(new SqlPointers(engine, options.name, layout), options)
}

async function makeTables(engine: SqlEngine): Promise<Layout> {
  // Another process may be doing the same: whoever comes second finds the tables there.
  await engine.write(createTables)
  const layout = await engine.read(detectLayout)
  if (layout !== null) return layout
  throw new UnsupportedFeatureError('The database does not show the catalog tables that were just made', {
    hint: "Check the connection's default schema.",
  })
}
