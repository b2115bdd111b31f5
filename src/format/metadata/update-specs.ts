/** Updates of partition specs and sort orders. */
import {
  FIRST_PARTITION_FIELD_ID,
  sameFields,
  samePartition,
  specFromJson,
  specProblems,
  type PartitionField,
  type PartitionSpec,
} from '../partition-spec.ts'
import { sourceProblem } from '../partition-validation.ts'
import { schemaFromJson, type Schema } from '../schema.ts'
import { fieldName, findField } from '../schema-lookup.ts'
import { sameSortFields, sortOrderFromJson, UNSORTED, type SortOrder } from '../sort-order.ts'
import { transformToString } from '../transforms/transform.ts'
import { changed, reject, resolveId, type Draft } from './draft.ts'
import type { PartitionFieldJson, SortOrderJson, TableMetadata } from './table-metadata.ts'
import type { NewPartitionSpecJson } from './updates.ts'

export function addSpec(draft: Draft, json: NewPartitionSpecJson): Draft {
  const { metadata } = draft
  const fields = assignFieldIds(metadata, json)
  const spec = specFromJson({ 'spec-id': 0, fields })
  const same = metadata['partition-specs'].find((each) => sameFields(specFromJson(each), spec))
  if (same !== undefined) return { ...draft, lastSpecId: same['spec-id'] }
  checkSpec(spec, schemaOf(draft), knownFields(metadata))
  checkFieldIds(metadata, spec)
  const id = nextSpecId(metadata)
  const next = changed(draft, {
    'partition-specs': [...metadata['partition-specs'], { 'spec-id': id, fields }],
    'last-partition-id': Math.max(metadata['last-partition-id'], ...fields.map((field) => field['field-id'])),
  })
  return { ...next, lastSpecId: id }
}

/** A spec that is to be added; the ids of its fields, which the table gives, mean nothing yet. */
export function newSpec({ 'spec-id': id = 0, fields }: NewPartitionSpecJson): PartitionSpec {
  return specFromJson({ 'spec-id': id, fields: fields.map((field) => ({ ...field, 'field-id': 0 })) })
}

/** The id that a new spec of the table gets. */
export function nextSpecId(metadata: TableMetadata): number {
  return Math.max(-1, ...metadata['partition-specs'].map((each) => each['spec-id'])) + 1
}

/**
 * Fields without an id get that of the field which holds the same values in another spec, else a
 * new one. In v1 ids count up within each spec (Iceberg spec, "Partition Evolution").
 */
function assignFieldIds(metadata: TableMetadata, json: NewPartitionSpecJson): readonly PartitionFieldJson[] {
  const known = knownFields(metadata)
  let last = metadata['last-partition-id']
  return json.fields.map((field, position) => {
    const given = field['field-id']
    if (given !== undefined) return { ...field, 'field-id': given }
    if (metadata['format-version'] === 1) return { ...field, 'field-id': FIRST_PARTITION_FIELD_ID + position }
    const [parsed] = newSpec({ fields: [field] }).fields
    const same = known.find((each) => parsed !== undefined && samePartition(each, parsed))
    return { ...field, 'field-id': same?.fieldId ?? ++last }
  })
}

function knownFields(metadata: TableMetadata): readonly PartitionField[] {
  return metadata['partition-specs'].flatMap((spec) => specFromJson(spec).fields)
}

/** A partition field id means one thing for ever: tuples of all specs are read by it. */
function checkFieldIds(metadata: TableMetadata, spec: PartitionSpec): void {
  const known = knownFields(metadata)
  const seen = new Set<number>()
  spec.fields.forEach((field, position) => {
    if (seen.has(field.fieldId)) throw reject(`partition field id ${field.fieldId} is there twice`)
    seen.add(field.fieldId)
    if (metadata['format-version'] === 1) {
      if (field.fieldId === FIRST_PARTITION_FIELD_ID + position) return
      throw reject('partition field ids must count up from 1000 in format version 1')
    }
    const same = known.filter((each) => each.fieldId === field.fieldId)
    if (same.some((each) => !samePartition(each, field))) {
      throw reject(`partition field id ${field.fieldId} of '${field.name}' belongs to another field`)
    }
    if (same.length === 0 && field.fieldId <= metadata['last-partition-id']) {
      throw reject(
        `partition field id ${field.fieldId} of '${field.name}' was used before`,
        `give new partition fields ids above ${metadata['last-partition-id']}`,
      )
    }
  })
}

/**
 * Rejects a spec that does not fit the schema it is added under. Fields that the table has in other
 * specs already are taken as they are, names and all.
 */
export function checkSpec(spec: PartitionSpec, schema: Schema, known: readonly PartitionField[] = []): void {
  for (const field of spec.fields) {
    if (field.transform.kind !== 'void' && findField(schema, field.sourceId) === undefined) {
      throw reject(`partition field '${field.name}' is of column id ${field.sourceId}, which does not exist`)
    }
  }
  // Void fields of v1 stand for columns that may be gone.
  const fields = spec.fields.filter((field) => fieldName(schema, field.sourceId) !== undefined)
  const requests = fields.map((field) => ({
    source: fieldName(schema, field.sourceId) ?? '',
    transform: transformToString(field.transform),
    name: field.name,
  }))
  const settled = new Set(
    fields.flatMap((field, position) =>
      known.some((each) => samePartition(each, field) && each.name === field.name) ? [position] : [],
    ),
  )
  const [problem] = specProblems(schema, requests, { settled })
  if (problem !== undefined) throw reject(`invalid partition spec: ${problem.reason}`)
}

export function setDefaultSpec(draft: Draft, specId: number): Draft {
  const { metadata } = draft
  const id = resolveId(specId, draft.lastSpecId, 'partition spec')
  if (id === metadata['default-spec-id']) return draft
  if (!metadata['partition-specs'].some((spec) => spec['spec-id'] === id)) {
    throw reject(`the table has no partition spec ${id}`)
  }
  return changed(draft, { 'default-spec-id': id })
}

/** Whether manifests still use a spec, only the caller can know. */
export function removeSpecs(draft: Draft, ids: readonly number[]): Draft {
  const { metadata } = draft
  if (ids.includes(metadata['default-spec-id'])) throw reject('the default partition spec cannot be removed')
  const specs = metadata['partition-specs'].filter((spec) => !ids.includes(spec['spec-id']))
  return specs.length === metadata['partition-specs'].length
    ? draft
    : changed(draft, { 'partition-specs': specs })
}

export function addSortOrder(draft: Draft, json: SortOrderJson): Draft {
  const { metadata } = draft
  const order = sortOrderFromJson(json)
  const same = metadata['sort-orders'].find((each) => sameSortFields(sortOrderFromJson(each), order))
  if (same !== undefined) return { ...draft, lastOrderId: same['order-id'] }
  checkSortOrder(order, schemaOf(draft))
  const id = nextOrderId(metadata, order)
  const added = { ...json, 'order-id': id }
  return { ...changed(draft, { 'sort-orders': [...metadata['sort-orders'], added] }), lastOrderId: id }
}

/** The id that a new sort order of the table gets. */
export function nextOrderId(metadata: TableMetadata, { fields }: SortOrder): number {
  if (fields.length === 0) return UNSORTED.orderId
  return Math.max(UNSORTED.orderId, ...metadata['sort-orders'].map((each) => each['order-id'])) + 1
}

/** Rejects an order that does not fit the schema it is added under. */
export function checkSortOrder(order: SortOrder, schema: Schema): void {
  for (const field of order.fields) {
    const name = fieldName(schema, field.sourceId)
    if (name === undefined)
      throw reject(`a sort field is of column id ${field.sourceId}, which does not exist`)
    const problem = sourceProblem(schema, name, findField(schema, field.sourceId), field.transform)
    if (problem !== null) throw reject(`invalid sort order: ${problem}`)
  }
}

export function setDefaultSortOrder(draft: Draft, orderId: number): Draft {
  const { metadata } = draft
  const id = resolveId(orderId, draft.lastOrderId, 'sort order')
  if (id === metadata['default-sort-order-id']) return draft
  if (!metadata['sort-orders'].some((order) => order['order-id'] === id)) {
    throw reject(`the table has no sort order ${id}`)
  }
  return changed(draft, { 'default-sort-order-id': id })
}

/** Writers use the current schema, spec and order together: they must fit each other. */
export function checkDefaultsFit(metadata: TableMetadata): void {
  const schemaJson = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
  if (schemaJson === undefined) return
  const schema = schemaFromJson(schemaJson)
  const spec = metadata['partition-specs'].find((each) => each['spec-id'] === metadata['default-spec-id'])
  const order = metadata['sort-orders'].find((each) => each['order-id'] === metadata['default-sort-order-id'])
  for (const field of spec === undefined ? [] : specFromJson(spec).fields) {
    if (field.transform.kind === 'void' || field.transform.kind === 'unknown') continue
    const name = fieldName(schema, field.sourceId) ?? `id ${field.sourceId}`
    const problem = sourceProblem(schema, name, findField(schema, field.sourceId), field.transform)
    if (problem !== null)
      throw reject(`the current schema does not fit partition field '${field.name}': ${problem}`)
  }
  for (const field of order === undefined ? [] : sortOrderFromJson(order).fields) {
    if (findField(schema, field.sourceId) === undefined) {
      throw reject(`the current schema lacks column id ${field.sourceId}, by which the table is sorted`)
    }
  }
}

function schemaOf(draft: Draft): Schema {
  const { metadata } = draft
  const json = metadata.schemas.find((each) => each['schema-id'] === metadata['current-schema-id'])
  if (json === undefined)
    throw reject('a schema must be current before a partition spec or sort order is added')
  return schemaFromJson(json)
}
