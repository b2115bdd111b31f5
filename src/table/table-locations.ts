/** Where a table's files go, and where its metadata may point. */
import type { Properties } from '../catalog/catalog.ts'
import { InvalidLocationError } from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { maskedPath } from '../format/partition-path.ts'
import { murmur3 } from '../format/transforms/murmur3.ts'
import { boolProperty } from '../format/properties.ts'
import { joinLocation, within } from '../storage/location.ts'

/** Folder of metadata files, manifests and manifest lists. */
export function metadataLocation(location: string, properties: Properties): string {
  return properties['write.metadata.path'] ?? joinLocation(location, 'metadata')
}

/** Folder of data files. */
export function dataLocation(location: string, properties: Properties): string {
  return properties['write.data.path'] ?? joinLocation(location, 'data')
}

/** Names the location of each new data file, as `write.data.path` and `write.object-storage.*` say. */
export function dataFileLocator(
  location: string,
  properties: Properties,
): (partitionPath: string, fileName: string) => string {
  const folder = dataLocation(location, properties)
  if (!boolProperty(properties, 'write.object-storage.enabled')) {
    return (partitionPath, fileName) => joinLocation(folder, partitionPath, fileName)
  }
  const keepPartitions = boolProperty(properties, 'write.object-storage.partitioned-paths')
  return (partitionPath, fileName) => {
    const name = keepPartitions && partitionPath !== '' ? `${partitionPath}/${fileName}` : fileName
    return keepPartitions
      ? joinLocation(folder, hashFolders(name), name)
      : joinLocation(folder, `${hashFolders(name)}-${name}`)
  }
}

const HASH_BITS = 20
const FOLDER_BITS = 4
const FOLDERS = 3

/** Spreads files over key prefixes: the low 20 bits of a hash as `0101/0110/1001/10110010`. */
function hashFolders(name: string): string {
  const hash = murmur3(new TextEncoder().encode(name))
  const bits = ((hash | 0x80000000) >>> 0).toString(2).slice(-HASH_BITS)
  const folders = Array.from({ length: FOLDERS }, (_, i) =>
    bits.slice(i * FOLDER_BITS, (i + 1) * FOLDER_BITS),
  )
  return [...folders, bits.slice(FOLDERS * FOLDER_BITS)].join('/')
}

/**
 * Manifests and catalogs are other people's input: a table reads and deletes only under its own
 * location, its configured paths, and roots that were allowed explicitly.
 */
export class AllowedRoots {
  readonly #roots: readonly ((location: string) => boolean)[]

  constructor(metadata: TableMetadata, extraRoots: readonly string[]) {
    const { location, properties } = metadata
    const configured = [properties['write.data.path'], properties['write.metadata.path']]
    const roots = [location, ...configured.filter((root) => root !== undefined), ...extraRoots]
    this.#roots = roots.map(within)
  }

  allows(location: string): boolean {
    return this.#roots.some((isWithin) => isWithin(location))
  }

  /** InvalidLocationError naming the file. */
  check(location: string): string {
    if (this.allows(location)) return location
    throw new InvalidLocationError("The table's metadata names a file outside of the table's own locations", {
      file: maskedPath(location),
      hint: 'If this is meant, allow its folder with the extraRoots setting.',
    })
  }
}
