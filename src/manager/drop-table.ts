/** Dropping a table, with or without its files. */
import type { TableIdentifier } from '../catalog/catalog.ts'
import {
  checkPurgeAllowed,
  executePurge,
  planPurge,
  purgeContext,
  type PurgeResult,
} from '../maintenance/purge.ts'
import type { Runtime } from '../table/runtime.ts'
import { TableHandle } from '../table/table.ts'

/**
 * Drops the catalog's entry first and the files after it, so that nobody finds a table without its
 * files. null without purge, and where the catalog's server deletes the files itself.
 */
export async function dropTable(
  runtime: Runtime,
  id: TableIdentifier,
  options: { readonly purge: boolean; readonly signal?: AbortSignal | undefined },
): Promise<PurgeResult | null> {
  const { catalog } = runtime
  const { purge, signal } = options
  if (!purge || catalog.capabilities.purge === 'server') {
    await catalog.dropTable(id, { purge, signal })
    return null
  }
  const loaded = await catalog.loadTable(id, { signal })
  checkPurgeAllowed(loaded.metadata)
  const { state } = await TableHandle.open(runtime, id, loaded)
  const context = purgeContext(runtime, state.storage, loaded.metadata)
  const plan = await planPurge(context, loaded)
  await catalog.dropTable(id, { signal })
  return executePurge(context, plan)
}
