/** Documents and metadata that the tests here share. */
import { newTableMetadata } from '../../../src/format/metadata/create.ts'
import { parseTableMetadata } from '../../../src/format/metadata/parse.ts'
import type { SchemaJson, TableMetadata } from '../../../src/format/metadata/table-metadata.ts'
import { applyUpdates, type TableUpdate } from '../../../src/format/metadata/updates.ts'
import type { Snapshot } from '../../../src/format/snapshot.ts'

export const FILE = 's3://bucket/db/t/metadata/00002-x.metadata.json'
export const ID = 3051729675574597004n
export const UUID = '9c12d441-03fe-4693-9a96-a0705ddf69c1'

export const SCHEMA: SchemaJson = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    { id: 2, name: 'ts', required: false, type: 'timestamp' },
    { id: 3, name: 'name', required: false, type: 'string' },
  ],
}

/** What a v2 table with two snapshots, a tag and statistics looks like on disk. */
export const V2 = `{
  "format-version": 2,
  "table-uuid": "${UUID}",
  "location": "s3://bucket/db/t",
  "last-sequence-number": 2,
  "last-updated-ms": 1700000002000,
  "last-column-id": 3,
  "current-schema-id": 0,
  "schemas": [${JSON.stringify(SCHEMA)}],
  "default-spec-id": 0,
  "partition-specs": [{"spec-id": 0, "fields": [
    {"source-id": 2, "field-id": 1000, "name": "ts_day", "transform": "day"}]}],
  "last-partition-id": 1000,
  "default-sort-order-id": 0,
  "sort-orders": [{"order-id": 0, "fields": []}],
  "properties": {"owner": "me"},
  "current-snapshot-id": 3051729675574597004,
  "refs": {
    "main": {"snapshot-id": 3051729675574597004, "type": "branch"},
    "q1": {"snapshot-id": 1, "type": "tag", "max-ref-age-ms": 9223372036854775807}},
  "snapshots": [
    {"snapshot-id": 1, "sequence-number": 1, "timestamp-ms": 1700000001000, "schema-id": 0,
     "manifest-list": "s3://bucket/db/t/metadata/snap-1.avro",
     "summary": {"operation": "append", "added-records": "3"}},
    {"snapshot-id": 3051729675574597004, "parent-snapshot-id": 1, "sequence-number": 2,
     "timestamp-ms": 1700000002000, "schema-id": 0,
     "manifest-list": "s3://bucket/db/t/metadata/snap-2.avro",
     "summary": {"operation": "append", "added-records": "4"}}],
  "snapshot-log": [
    {"snapshot-id": 1, "timestamp-ms": 1700000001000},
    {"snapshot-id": 3051729675574597004, "timestamp-ms": 1700000002000}],
  "metadata-log": [
    {"timestamp-ms": 1700000001000, "metadata-file": "s3://bucket/db/t/metadata/00001-x.metadata.json"}],
  "statistics": [
    {"snapshot-id": 1, "statistics-path": "s3://bucket/db/t/metadata/1.stats", "file-size-in-bytes": 10,
     "file-footer-size-in-bytes": 4, "blob-metadata": [{"type": "apache-datasketches-theta-v1",
       "snapshot-id": 3051729675574597004, "sequence-number": 1, "fields": [1]}]},
    {"snapshot-id": 3051729675574597004, "statistics-path": "s3://bucket/db/t/metadata/2.stats",
     "file-size-in-bytes": 10, "file-footer-size-in-bytes": 4, "blob-metadata": []}],
  "partition-statistics": [
    {"snapshot-id": 1, "statistics-path": "s3://bucket/db/t/metadata/1.parquet", "file-size-in-bytes": 7}]
}`

export function parse(text: string): TableMetadata {
  return parseTableMetadata(new TextEncoder().encode(text), FILE)
}

/** The document with some of its top-level members replaced; undefined leaves one out. */
export function edited(text: string, members: Readonly<Record<string, string | undefined>>): string {
  // Only for editing in tests: the texts of members stay as they are.
  const all = new Map<string, string>()
  for (const [key, value] of Object.entries(members)) if (value !== undefined) all.set(key, value)
  const kept = topLevel(text).filter(([key]) => !(key in members))
  return `{${[...kept, ...all].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`
}

/** Top-level members of a JSON object with their texts. */
export function topLevel(text: string): (readonly [string, string])[] {
  const members: (readonly [string, string])[] = []
  let at = text.indexOf('{') + 1
  for (;;) {
    const match = /\s*"([^"]*)"\s*:\s*/y
    match.lastIndex = at
    const found = match.exec(text)
    if (found === null) return members
    const start = match.lastIndex
    at = endOfValue(text, start)
    members.push([found[1] ?? '', text.slice(start, at).trim()])
    at = text.indexOf(',', at)
    if (at < 0) return members
    at += 1
  }
}

function endOfValue(text: string, start: number): number {
  let depth = 0
  let quoted = false
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at++
    else if (char === '"') quoted = !quoted
    else if (quoted) continue
    else if (char === '{' || char === '[') depth++
    else if (depth === 0 && (char === ',' || char === '}' || char === ']')) return at
    else if (char === '}' || char === ']') depth--
  }
  return text.length
}

export function emptyTable(properties: Readonly<Record<string, string>> = {}): TableMetadata {
  return newTableMetadata({
    schema: SCHEMA,
    location: 's3://bucket/db/t',
    properties,
    uuid: UUID,
    nowMs: 1000,
  })
}

export function apply(base: TableMetadata, nowMs: number, ...updates: readonly TableUpdate[]): TableMetadata {
  return applyUpdates(base, updates, { nowMs })
}

/** A snapshot that fits the table, with a parent when there is a current one. */
export function nextSnapshot(base: TableMetadata, id: bigint, timestampMs: number): Snapshot {
  const parent = base['current-snapshot-id']
  return {
    'snapshot-id': id,
    ...(parent === null ? {} : { 'parent-snapshot-id': parent }),
    ...(base['format-version'] === 1 ? {} : { 'sequence-number': base['last-sequence-number'] + 1 }),
    'timestamp-ms': timestampMs,
    'manifest-list': `s3://bucket/db/t/metadata/snap-${id}.avro`,
    summary: { operation: 'append' },
    'schema-id': base['current-schema-id'],
  }
}

/** The two updates of a commit to a branch. */
export function commitTo(
  base: TableMetadata,
  id: bigint,
  timestampMs: number,
  branch = 'main',
): readonly TableUpdate[] {
  return [
    { action: 'add-snapshot', snapshot: nextSnapshot(base, id, timestampMs) },
    { action: 'set-snapshot-ref', 'ref-name': branch, type: 'branch', 'snapshot-id': id },
  ]
}

export function append(base: TableMetadata, id: bigint, timestampMs: number): TableMetadata {
  return applyUpdates(base, commitTo(base, id, timestampMs), { nowMs: timestampMs })
}
