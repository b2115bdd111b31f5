/** A table's metadata with every location in it moved; pure. */
import type { StatisticsFileJson, TableMetadata } from '../format/metadata/table-metadata.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { PathMap } from './path-map.ts'

/**
 * The log of earlier metadata files begins anew: they name files that were expired since, and stay,
 * with all that they name, at the old place. What a snapshot's summary says is history and is kept.
 */
export function relocatedMetadata(
  metadata: TableMetadata,
  paths: PathMap,
  { uuid, nowMs }: { readonly uuid: string; readonly nowMs: number },
): TableMetadata {
  return {
    ...metadata,
    'table-uuid': uuid,
    location: paths.of(metadata.location),
    'last-updated-ms': Math.max(nowMs, metadata['last-updated-ms']),
    properties: movedProperties(metadata.properties, paths),
    snapshots: metadata.snapshots.map((snapshot) => movedSnapshot(snapshot, paths)),
    'metadata-log': [],
    statistics: metadata.statistics.map((file) => movedStatistics(file, paths)),
    'partition-statistics': metadata['partition-statistics'].map((file) => movedStatistics(file, paths)),
  }
}

/** `write.data.path`, `write.metadata.path`, and whatever else is a location below a folder that moves. */
function movedProperties(
  properties: Readonly<Record<string, string>>,
  paths: PathMap,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, paths.find(value) ?? value]),
  )
}

function movedSnapshot(snapshot: Snapshot, paths: PathMap): Snapshot {
  const { 'manifest-list': list, manifests } = snapshot
  return {
    ...snapshot,
    ...(list === undefined ? {} : { 'manifest-list': paths.of(list) }),
    ...(manifests === undefined ? {} : { manifests: manifests.map((manifest) => paths.of(manifest)) }),
  }
}

function movedStatistics(file: StatisticsFileJson, paths: PathMap): StatisticsFileJson {
  return { ...file, 'statistics-path': paths.of(file['statistics-path']) }
}
