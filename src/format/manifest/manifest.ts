/** Manifests: the files of a snapshot, with their partitions and metrics (Iceberg spec, "Manifests"). */
export { withCounts } from './manifest-summary.ts'
export { readManifest, visitManifestFiles } from './read-manifest.ts'
export type { ListedFile, ReadManifestOptions, ReadManifestRequest } from './read-manifest.ts'
export { writeManifest } from './write-manifest.ts'
export type { WriteManifestRequest, WrittenManifest } from './write-manifest.ts'
