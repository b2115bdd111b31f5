/**
 * Expires all but the newest snapshot of a table in a process of its own; answers what it took as JSON.
 *
 *     node bench/expiry-child.ts CATALOG_URI WAREHOUSE TABLE
 */
import { IcebergTableManager } from '../src/index.ts'
import type { Expired } from './items/expiry.ts'

const [, , uri = '', warehouse = '', name = ''] = process.argv
const manager = await IcebergTableManager.open({
  catalog: { name: 'bench', uri, warehouse },
  retention: { minSnapshotsToKeep: 1 },
})
const start = performance.now()
const result = await manager.expireSnapshots(await manager.loadTable(name), { olderThanDays: 0 })
if (result.failure !== null) throw result.failure
const expired: Expired = {
  ms: performance.now() - start,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  snapshots: result.expiredSnapshotIds.length,
  files: result.deletedFiles.dataFiles.count,
  manifests: result.deletedFiles.manifests.count,
}
await manager.close()
console.log(JSON.stringify(expired))
