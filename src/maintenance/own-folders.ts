/** The folders that are a table's own. */
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { isWithin } from '../storage/location.ts'

/** The table's location and its configured paths, without trailing slashes, none within another. */
export function ownFolders({ location, properties }: TableMetadata): readonly string[] {
  const configured = [properties['write.data.path'], properties['write.metadata.path']]
  const all = [location, ...configured.filter((root) => root !== undefined)].map(withoutSlash)
  return all.filter(
    (folder, at) => !all.some((other, index) => index !== at && covers(other, folder, index < at)),
  )
}

/** Of two that are the same, the first covers the second. */
function covers(other: string, folder: string, comesFirst: boolean): boolean {
  return isWithin(folder, other) && (comesFirst || !isWithin(other, folder))
}

/** `s3://b/t` of `s3://b/t/`. */
export function withoutSlash(location: string): string {
  return location.replace(/\/+$/, '')
}
