/** The name mapping that a table gives to files without field ids. */
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { parseNameMapping, type NameMapping } from '../format/name-mapping.ts'

/** Of `schema.name-mapping.default`; null where the table has none. */
export function nameMappingOf({ properties }: TableMetadata): NameMapping | null {
  const text = properties['schema.name-mapping.default']
  return text === undefined ? null : parseNameMapping(text)
}
