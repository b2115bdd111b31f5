/**
 * Reads what table metadata says of the table's shape: schemas, partition specs, sort orders
 * (Iceberg spec, Appendix C). Types, transforms and defaults that we do not know are carried, and
 * judged by whoever uses them: an old schema must not keep a table from opening.
 */
import { asBoolean, asInt, asString, malformed } from '../json-checks.ts'
import { FIRST_PARTITION_FIELD_ID } from '../partition-spec.ts'
import { asRecord, listOrEmpty, type JsonRecord } from './json-fields.ts'
import type {
  FieldJson,
  FormatVersion,
  PartitionFieldJson,
  PartitionSpecJson,
  SchemaJson,
  SortFieldJson,
  SortOrderJson,
  TypeJson,
} from './table-metadata.ts'

export interface Structure {
  readonly schemas: readonly SchemaJson[]
  readonly 'current-schema-id': number
  readonly 'partition-specs': readonly PartitionSpecJson[]
  readonly 'default-spec-id': number
  readonly 'last-partition-id': number
  readonly 'sort-orders': readonly SortOrderJson[]
  readonly 'default-sort-order-id': number
}

export function readStructure(root: JsonRecord, version: FormatVersion): Structure {
  const specs = readSpecs(root, version)
  return { ...readSchemas(root, version), ...specs, ...readSortOrders(root) }
}

/** v1 documents may have nothing but `schema`; then that is the one and current. */
function readSchemas(root: JsonRecord, version: FormatVersion) {
  const list = listOrEmpty(root['schemas'], 'schemas')
  if (list.length === 0 && version === 1) {
    const schema = readSchema(root['schema'], 'schema')
    return { schemas: [schema], 'current-schema-id': schema['schema-id'] }
  }
  const schemas = list.map((schema, index) => readSchema(schema, `schemas[${index}]`))
  const current = asInt(root['current-schema-id'], 'current-schema-id')
  if (!schemas.some((schema) => schema['schema-id'] === current)) {
    throw malformed('current-schema-id', 'the id of one of schemas')
  }
  return { schemas, 'current-schema-id': current }
}

function readSchema(value: unknown, path: string): SchemaJson {
  const raw = asRecord(value, path)
  if (raw['type'] !== 'struct') throw malformed(`${path}.type`, '"struct"')
  const identifiers = raw['identifier-field-ids']
  return {
    ...raw,
    type: 'struct',
    // Schemas older than schema ids have none.
    'schema-id': asInt(raw['schema-id'] ?? 0, `${path}.schema-id`),
    fields: readFields(raw['fields'], path),
    ...(identifiers === undefined
      ? {}
      : {
          'identifier-field-ids': listOrEmpty(identifiers, `${path}.identifier-field-ids`).map((id, index) =>
            asInt(id, `${path}.identifier-field-ids[${index}]`),
          ),
        }),
  }
}

function readFields(value: unknown, path: string): readonly FieldJson[] {
  if (!Array.isArray(value)) throw malformed(`${path}.fields`, 'a JSON array')
  return value.map((field: unknown, index) => readField(field, `${path}.fields[${index}]`))
}

function readField(value: unknown, path: string): FieldJson {
  const raw = asRecord(value, path)
  const { doc, ...others } = raw
  return {
    ...others,
    id: asInt(raw['id'], `${path}.id`),
    name: asString(raw['name'], `${path}.name`),
    required: asBoolean(raw['required'], `${path}.required`),
    type: readType(raw['type'], `${path}.type`),
    ...(doc === undefined || doc === null ? {} : { doc: asString(doc, `${path}.doc`) }),
  }
}

function readType(value: unknown, path: string): TypeJson {
  if (typeof value === 'string') return value
  const raw = asRecord(value, path)
  switch (raw['type']) {
    case 'struct':
      return { ...raw, type: 'struct', fields: readFields(raw['fields'], path) }
    case 'list':
      return {
        ...raw,
        type: 'list',
        'element-id': asInt(raw['element-id'], `${path}.element-id`),
        element: readType(raw['element'], `${path}.element`),
        'element-required': asBoolean(raw['element-required'], `${path}.element-required`),
      }
    case 'map':
      return {
        ...raw,
        type: 'map',
        'key-id': asInt(raw['key-id'], `${path}.key-id`),
        key: readType(raw['key'], `${path}.key`),
        'value-id': asInt(raw['value-id'], `${path}.value-id`),
        value: readType(raw['value'], `${path}.value`),
        'value-required': asBoolean(raw['value-required'], `${path}.value-required`),
      }
    default:
      throw malformed(`${path}.type`, 'struct, list or map')
  }
}

/** v1 documents may have nothing but `partition-spec`, the fields of spec 0. */
function readSpecs(root: JsonRecord, version: FormatVersion) {
  const list = listOrEmpty(root['partition-specs'], 'partition-specs')
  const old = list.length === 0 && version === 1
  const specs = old
    ? [{ 'spec-id': 0, fields: readSpecFields(root['partition-spec'] ?? [], 'partition-spec') }]
    : list.map((spec, index) => readSpec(spec, `partition-specs[${index}]`))
  const current = old ? 0 : asInt(root['default-spec-id'], 'default-spec-id')
  if (!specs.some((spec) => spec['spec-id'] === current)) {
    throw malformed('default-spec-id', 'the id of one of partition-specs')
  }
  return {
    'partition-specs': specs,
    'default-spec-id': current,
    'last-partition-id': asInt(root['last-partition-id'] ?? highestOfSpecs(specs), 'last-partition-id'),
  }
}

function readSpec(value: unknown, path: string): PartitionSpecJson {
  const raw = asRecord(value, path)
  return {
    ...raw,
    'spec-id': asInt(raw['spec-id'], `${path}.spec-id`),
    fields: readSpecFields(raw['fields'], `${path}.fields`),
  }
}

function readSpecFields(value: unknown, path: string): readonly PartitionFieldJson[] {
  if (!Array.isArray(value)) throw malformed(path, 'a JSON array')
  return value.map((field: unknown, index) => readSpecField(field, index, `${path}[${index}]`))
}

function readSpecField(value: unknown, index: number, path: string): PartitionFieldJson {
  const raw = asRecord(value, path)
  return {
    ...raw,
    ...readSources(raw, path),
    // Documents older than partition field ids: they were counted up from the first.
    'field-id': asInt(raw['field-id'] ?? FIRST_PARTITION_FIELD_ID + index, `${path}.field-id`),
    name: asString(raw['name'], `${path}.name`),
    transform: asString(raw['transform'], `${path}.transform`),
  }
}

/** A multi-argument transform of v3 has `source-ids` only; its first stands for it. */
function readSources(raw: JsonRecord, path: string) {
  const several = raw['source-ids']
  if (several === undefined || several === null) {
    return { 'source-id': asInt(raw['source-id'], `${path}.source-id`) }
  }
  const ids = listOrEmpty(several, `${path}.source-ids`).map((id, at) =>
    asInt(id, `${path}.source-ids[${at}]`),
  )
  return { 'source-id': asInt(raw['source-id'] ?? ids[0], `${path}.source-id`), 'source-ids': ids }
}

/** Highest id that a partition field has; one below the first when there is none. */
function highestOfSpecs(specs: readonly PartitionSpecJson[]): number {
  const ids = specs.flatMap((spec) => spec.fields.map((field) => field['field-id']))
  return Math.max(FIRST_PARTITION_FIELD_ID - 1, ...ids)
}

/** Documents older than sort orders have none: the order of such tables is 0, unsorted. */
function readSortOrders(root: JsonRecord) {
  const read = listOrEmpty(root['sort-orders'], 'sort-orders').map((order, index) =>
    readSortOrder(order, `sort-orders[${index}]`),
  )
  const current = asInt(root['default-sort-order-id'] ?? 0, 'default-sort-order-id')
  const orders = read.length === 0 ? [{ 'order-id': 0, fields: [] }] : read
  if (current !== 0 && !orders.some((order) => order['order-id'] === current)) {
    throw malformed('default-sort-order-id', 'the id of one of sort-orders')
  }
  return { 'sort-orders': orders, 'default-sort-order-id': current }
}

function readSortOrder(value: unknown, path: string): SortOrderJson {
  const raw = asRecord(value, path)
  if (!Array.isArray(raw['fields'])) throw malformed(`${path}.fields`, 'a JSON array')
  return {
    ...raw,
    'order-id': asInt(raw['order-id'], `${path}.order-id`),
    fields: raw['fields'].map((field: unknown, index) => readSortField(field, `${path}.fields[${index}]`)),
  }
}

function readSortField(value: unknown, path: string): SortFieldJson {
  const raw = asRecord(value, path)
  const direction = asString(raw['direction'], `${path}.direction`).toLowerCase()
  const nulls = asString(raw['null-order'], `${path}.null-order`).toLowerCase()
  if (direction !== 'asc' && direction !== 'desc') throw malformed(`${path}.direction`, 'asc or desc')
  if (nulls !== 'nulls-first' && nulls !== 'nulls-last') {
    throw malformed(`${path}.null-order`, 'nulls-first or nulls-last')
  }
  return {
    ...raw,
    ...readSources(raw, path),
    transform: asString(raw['transform'], `${path}.transform`),
    direction,
    'null-order': nulls,
  }
}
