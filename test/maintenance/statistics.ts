/** Tables with files that we do not write ourselves. */
import type { IcebergTableManager, Table } from '../../src/index.ts'
import type { ManagerWorld } from '../support/manager-world.ts'

/** The table with a statistics file of each kind, as another client would have written them. */
export async function withStatistics(
  world: ManagerWorld,
  manager: IcebergTableManager,
  events: Table,
): Promise<Table> {
  const store = world.store()
  const path = `${events.location}/metadata/of-another.stats`
  await store.put(path, new Uint8Array(7))
  const id = events.currentSnapshot?.['snapshot-id']
  const entry = `{"snapshot-id":${id},"statistics-path":"${path}","file-size-in-bytes":7`
  const text = new TextDecoder().decode(await store.get(events.metadataLocation ?? ''))
  const changed = text
    .replace('"statistics":[]', `"statistics":[${entry},"file-footer-size-in-bytes":3,"blob-metadata":[]}]`)
    .replace('"partition-statistics":[]', `"partition-statistics":[${entry}}]`)
  const location = `${events.location}/metadata/00009-${crypto.randomUUID()}.metadata.json`
  await store.put(location, new TextEncoder().encode(changed))
  await manager.dropTable(events.identifier)
  const adopted = await manager.registerTable(events.identifier, location)
  const { statistics, 'partition-statistics': ofPartitions } = adopted.metadata
  if (statistics.length + ofPartitions.length !== 2)
    throw new Error('The metadata did not take the statistics')
  return adopted
}
