/** A table to be read: one of the catalog by its name, or any by its files. */
import type { IcebergTableManager } from '../compose.ts'
import type { Table } from '../table/table.ts'
import { managerConfig, type Context } from './command-run.ts'

/** For the help of commands that take either. */
export const TABLE_OR_LOCATION = 'namespace.table, or the location of a table that no catalog knows: ./folder'

/** Opens a table, and a manager for as long as `work` takes. A location needs no catalog. */
export async function withTable(
  context: Context,
  given: string,
  work: (manager: IcebergTableManager, table: Table) => Promise<void>,
): Promise<void> {
  const { IcebergTableManager } = await import('../compose.ts')
  const { signal } = context.terminal
  const isFiles = isLocation(given)
  const config = isFiles ? { catalog: { name: 'none', type: 'memory' } } : managerConfig(context.options)
  const manager = await IcebergTableManager.open(config, { verify: 'read', signal })
  try {
    const table = await (isFiles
      ? manager.openTable(given, { signal })
      : manager.loadTable(given, { signal }))
    const rivals = table.opening?.rivals.length ?? 0
    if (rivals > 0) {
      context.terminal.note(
        `note: read ${table.metadataLocation ?? ''}, the newest of ${rivals + 1} files of its version\n`,
      )
    }
    await work(manager, table)
  } finally {
    await manager.close()
  }
}

/** Names of tables have no slashes that anybody would type. */
function isLocation(given: string): boolean {
  return given.includes('/') || given.endsWith('.metadata.json')
}
