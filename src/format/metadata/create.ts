/** The metadata of a new table. */
import {
  CommitRejectedError,
  InvalidArgumentError,
  InvalidExpressionError,
  InvalidTableConfigError,
  UnsupportedFeatureError,
} from '../../errors.ts'
import { assignFreshIds, schemaFromJson, schemaToJson, type FreshIds } from '../schema.ts'
import { FIRST_PARTITION_FIELD_ID, specFromJson, specToJson, UNPARTITIONED } from '../partition-spec.ts'
import { sortOrderFromJson, sortOrderToJson, UNSORTED } from '../sort-order.ts'
import { checkSchema } from './update-schemas.ts'
import { checkSortOrder, checkSpec } from './update-specs.ts'
import type {
  FormatVersion,
  PartitionSpecJson,
  SchemaJson,
  SortOrderJson,
  TableMetadata,
} from './table-metadata.ts'

export interface NewTable {
  /** Its ids only tie the spec and the order to it: the table gets ids of its own. */
  readonly schema: SchemaJson
  /** Default: unpartitioned. */
  readonly spec?: PartitionSpecJson | undefined
  /** Default: unsorted. */
  readonly sortOrder?: SortOrderJson | undefined
  readonly location: string
  /** `format-version` (default 2) is taken from here and not stored. */
  readonly properties: Readonly<Record<string, string>>
  readonly uuid: string
  /** Time of creation, ms since 1970. */
  readonly nowMs: number
}

const DEFAULT_FORMAT_VERSION = 2
const FORMAT_VERSION_PROPERTY = 'format-version'

/**
 * Metadata of a table that has no snapshot yet. Field ids are given out level by level, and spec,
 * order and identifier fields follow them (Iceberg spec, "Table Metadata Fields").
 *
 * Throws InvalidTableConfigError whose path names the part at fault.
 */
export function newTableMetadata(table: NewTable): TableMetadata {
  const version = formatVersionOf(table.properties)
  const fresh = partOf('schema', () => freshSchema(table.schema, version))
  const schema = { ...fresh.schema, schemaId: 0 }
  const spec = partOf('partitionSpec', () => freshSpec(table.spec, { ...fresh, schema }))
  const order = partOf('sortOrder', () => freshSortOrder(table.sortOrder, { ...fresh, schema }))
  const { [FORMAT_VERSION_PROPERTY]: _version, ...properties } = table.properties
  return {
    'format-version': version,
    'table-uuid': table.uuid,
    location: table.location,
    'last-sequence-number': 0,
    'last-updated-ms': table.nowMs,
    'last-column-id': fresh.lastColumnId,
    schemas: [schemaToJson(schema)],
    'current-schema-id': schema.schemaId,
    'partition-specs': [spec],
    'default-spec-id': spec['spec-id'],
    'last-partition-id': FIRST_PARTITION_FIELD_ID + spec.fields.length - 1,
    properties,
    'current-snapshot-id': null,
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    'sort-orders': [order],
    'default-sort-order-id': order['order-id'],
    refs: {},
    statistics: [],
    'partition-statistics': [],
    ...(version === 3 ? { 'next-row-id': 0n } : {}),
  }
}

function formatVersionOf(properties: Readonly<Record<string, string>>): FormatVersion {
  const text = properties[FORMAT_VERSION_PROPERTY] ?? String(DEFAULT_FORMAT_VERSION)
  const version = Number(text)
  if (version === 1 || version === 2 || version === 3) return version
  throw new InvalidTableConfigError('the format version of a table is 1, 2 or 3', {
    path: `properties.${FORMAT_VERSION_PROPERTY}`,
  })
}

function freshSchema(json: SchemaJson, version: FormatVersion): FreshIds {
  const schema = schemaFromJson(json)
  checkSchema(schema, version)
  return assignFreshIds(schema)
}

/** Column ids of the request become those of the table. */
function freshSpec(json: PartitionSpecJson | undefined, fresh: FreshIds): PartitionSpecJson {
  const requested = json === undefined ? UNPARTITIONED : specFromJson(json)
  const spec = {
    specId: 0,
    fields: requested.fields.map((field, position) => ({
      ...field,
      ...freshSources(field, fresh),
      fieldId: FIRST_PARTITION_FIELD_ID + position,
    })),
  }
  checkSpec(spec, fresh.schema)
  return specToJson(spec)
}

function freshSortOrder(json: SortOrderJson | undefined, fresh: FreshIds): SortOrderJson {
  const requested = json === undefined ? UNSORTED : sortOrderFromJson(json)
  if (requested.fields.length === 0) return sortOrderToJson(UNSORTED)
  const fields = requested.fields.map((field) => ({ ...field, ...freshSources(field, fresh) }))
  const order = { orderId: 1, fields }
  checkSortOrder(order, fresh.schema)
  return sortOrderToJson(order)
}

/** An id that the requested schema does not have must not hit a fresh one by chance. */
const NO_COLUMN = -1

function freshSources(
  field: { readonly sourceId: number; readonly sourceIds?: readonly number[] },
  fresh: FreshIds,
) {
  const freshId = (id: number) => fresh.idMap.get(id) ?? NO_COLUMN
  return {
    sourceId: freshId(field.sourceId),
    ...(field.sourceIds === undefined ? {} : { sourceIds: field.sourceIds.map(freshId) }),
  }
}

function partOf<T>(path: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    const aboutThePart =
      error instanceof CommitRejectedError ||
      error instanceof InvalidArgumentError ||
      error instanceof InvalidExpressionError ||
      error instanceof UnsupportedFeatureError
    if (!aboutThePart) throw error
    throw new InvalidTableConfigError(error.message, { path, hint: error.hint, cause: error })
  }
}
