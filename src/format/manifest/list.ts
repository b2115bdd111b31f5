/** Manifest lists (Iceberg spec, "Manifest Lists"). */
export { liveFilesOf, liveRowsOf, UNASSIGNED_SEQUENCE_NUMBER } from './manifest-file.ts'
export type { ManifestFile, PartitionFieldSummary, VouchedCounts } from './manifest-file.ts'
export { readManifestList, visitManifestList } from './read-list.ts'
export type { ListedManifest, ReadManifestListRequest } from './read-list.ts'
export { extendManifestList, writeManifestList } from './write-list.ts'
export type { ExtendManifestListRequest, WriteManifestListRequest } from './write-list.ts'
