/** What the catalog cases are set up with, and the small tables they make. */
import type { Catalog, CatalogCapabilities, CreateTableRequest, TableIdentifier } from '../catalog/catalog.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'
import type { ObjectStore } from '../storage/object-store.ts'

/** A catalog, fresh for one case, and what the suite needs beside it. */
export interface CatalogUnderTest {
  readonly catalog: Catalog
  /**
   * Another client of the same catalog, without what the first one remembers. For a catalog that
   * cannot be shared, the same one.
   */
  readonly other: Catalog
  /** Where the catalog writes metadata files; null when a server does that out of our reach. */
  readonly store: ObjectStore | null
  /** A place of the store, outside the warehouse, without a trailing slash. */
  readonly outside: string
  tearDown?(): Promise<void>
}

/** What a catalog under test can do beyond its declared capabilities. */
export interface CatalogTraits extends CatalogCapabilities {
  /** Metadata is files that the cases can reach through `store`. */
  readonly metadataFiles: boolean
}

export interface CatalogCheck {
  readonly name: string
  /** The case only makes sense for catalogs like this. Default: all. */
  readonly needs?: (traits: CatalogTraits) => boolean
  readonly run: (fixture: CatalogUnderTest) => Promise<void>
}

export const NAMESPACE = ['ns']
export const TABLE: TableIdentifier = { namespace: NAMESPACE, name: 'events' }

/** Ids are odd on purpose: the catalog must give its own. */
export const REQUEST: CreateTableRequest = {
  schema: {
    type: 'struct',
    'schema-id': 7,
    'identifier-field-ids': [42],
    fields: [
      { id: 42, name: 'id', required: true, type: 'long' },
      { id: 10, name: 'ts', required: false, type: 'timestamp', doc: 'when' },
      {
        id: 11,
        name: 'point',
        required: false,
        type: {
          type: 'struct',
          fields: [{ id: 12, name: 'x', required: false, type: 'double' }],
        },
      },
    ],
  },
  spec: {
    'spec-id': 3,
    fields: [{ 'source-id': 10, 'field-id': 2000, name: 'ts_day', transform: 'day' }],
  },
  sortOrder: {
    'order-id': 5,
    fields: [{ 'source-id': 42, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
  },
  properties: { owner: 'me' },
}

/** The catalog with one namespace, `ns`, and the table `ns.events`. */
export async function withTable({ catalog }: CatalogUnderTest) {
  await catalog.createNamespace(NAMESPACE)
  return catalog.createTable(TABLE, REQUEST)
}

export function setProperty(key: string, value: string): TableUpdate {
  return { action: 'set-properties', updates: { [key]: value } }
}

/** A snapshot whose manifest list nobody reads. */
export function snapshot(id: bigint, sequence: number, parent: bigint | null, location: string): Snapshot {
  return {
    'snapshot-id': id,
    ...(parent === null ? {} : { 'parent-snapshot-id': parent }),
    'sequence-number': sequence,
    'timestamp-ms': Date.now(),
    'manifest-list': `${location}/metadata/snap-${id}.avro`,
    summary: { operation: 'append' },
    'schema-id': 0,
  }
}

/** Adds a snapshot and makes it the head of main. */
export function append(added: Snapshot): readonly TableUpdate[] {
  return [
    { action: 'add-snapshot', snapshot: added },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': added['snapshot-id'] },
  ]
}
