/** Writes table metadata as its format version has it (Iceberg spec, "Table Metadata Fields"). */
import { CorruptFileError } from '../../errors.ts'
import { concatBytes, encodeList } from './encoded-lists.ts'
import { stringifyLossless } from './lossless-json.ts'
import type { TableMetadata } from './table-metadata.ts'

/** In the order in which they are written; what we do not know follows in its own order. */
const KNOWN_MEMBERS = [
  'format-version',
  'table-uuid',
  'location',
  'last-sequence-number',
  'last-updated-ms',
  'last-column-id',
  'schema',
  'current-schema-id',
  'schemas',
  'partition-spec',
  'default-spec-id',
  'partition-specs',
  'last-partition-id',
  'default-sort-order-id',
  'sort-orders',
  'properties',
  'current-snapshot-id',
  'next-row-id',
  'encryption-keys',
  'refs',
  'snapshots',
  'snapshot-log',
  'metadata-log',
  'statistics',
  'partition-statistics',
] as const

const KNOWN = new Set<string>(KNOWN_MEMBERS)
/** Lists that grow with the table: their bytes are kept from commit to commit. */
const LONG_LISTS = new Set<string>(['schemas', 'snapshots', 'snapshot-log', 'metadata-log'])

/**
 * The metadata file's bytes: JSON without white space, the same for the same value.
 *
 * A snapshot id is always a JSON integer, "no current snapshot" is -1 in v1 and v2 (older Java
 * versions insist on a number) and null in v3, and v1 gets the old forms beside the new ones.
 */
export function serializeTableMetadata(metadata: TableMetadata): Uint8Array {
  const members = writtenMembers(metadata)
  const out: Uint8Array[] = []
  const encoder = new TextEncoder()
  let text = '{'
  members.forEach(([name, value], index) => {
    text += `${index === 0 ? '' : ','}${JSON.stringify(name)}:`
    if (!LONG_LISTS.has(name) || !isListOfObjects(value)) {
      text += stringifyLossless(value)
      return
    }
    out.push(encoder.encode(`${text}[`))
    encodeList(value, out)
    text = ']'
  })
  out.push(encoder.encode(`${text}}`))
  return concatBytes(out)
}

/** Members that are there, in order, with their values as this version writes them. */
function writtenMembers(metadata: TableMetadata): (readonly [string, unknown])[] {
  const version = metadata['format-version']
  const values: Readonly<Record<string, unknown>> = {
    ...metadata,
    'current-snapshot-id': metadata['current-snapshot-id'] ?? (version === 3 ? null : -1),
    ...(version === 1 ? v1Members(metadata) : {}),
  }
  const known = KNOWN_MEMBERS.map((name) => [name, values[name]] as const)
  const unknown = Object.entries(values).filter(([name]) => !KNOWN.has(name))
  return [...known, ...unknown].filter(([, value]) => value !== undefined)
}

/** v1 has no sequence numbers, and readers that know no lists look for the current two. */
function v1Members(metadata: TableMetadata): Readonly<Record<string, unknown>> {
  const schema = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
  const spec = metadata['partition-specs'].find((each) => each['spec-id'] === metadata['default-spec-id'])
  if (schema === undefined || spec === undefined) {
    throw new CorruptFileError(`the table at ${metadata.location} lacks its current schema or partition spec`)
  }
  return { 'last-sequence-number': undefined, schema, 'partition-spec': spec.fields }
}

function isListOfObjects(value: unknown): value is readonly object[] {
  return Array.isArray(value)
}
