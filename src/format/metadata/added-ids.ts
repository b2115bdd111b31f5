/**
 * Ids that a commit takes for granted. What it adds is named by its own snapshots and their files, by
 * the ids that were next when it was built; no requirement can say which these are.
 */
import { sameFields, specFromJson } from '../partition-spec.ts'
import { sameSchema, schemaFromJson } from '../schema.ts'
import { sameSortFields, sortOrderFromJson } from '../sort-order.ts'
import type { TableMetadata } from './table-metadata.ts'
import { newSpec } from './update-specs.ts'
import type { TableUpdate } from './updates.ts'

/** Whether schemas, specs and orders that came with snapshots have the ids that the updates gave them. */
export function hasStatedIds(after: TableMetadata, updates: readonly TableUpdate[]): boolean {
  const schemaIds = updates.flatMap((update) =>
    update.action === 'add-snapshot' ? [update.snapshot['schema-id']] : [],
  )
  return schemaIds.length === 0 || updates.every((update) => isAsStated(after, update, schemaIds))
}

function isAsStated(
  after: TableMetadata,
  update: TableUpdate,
  schemaIds: readonly (number | undefined)[],
): boolean {
  switch (update.action) {
    case 'add-schema': {
      const { schema } = update
      // One that no snapshot names can have any id.
      if (!schemaIds.includes(schema['schema-id'])) return true
      const found = after.schemas.find((each) => each['schema-id'] === schema['schema-id'])
      return found !== undefined && sameSchema(schemaFromJson(found), schemaFromJson(schema))
    }
    case 'add-spec': {
      const { 'spec-id': id } = update.spec
      if (id === undefined) return true
      const found = after['partition-specs'].find((each) => each['spec-id'] === id)
      return found !== undefined && sameFields(specFromJson(found), newSpec(update.spec))
    }
    case 'add-sort-order': {
      const { 'sort-order': order } = update
      const found = after['sort-orders'].find((each) => each['order-id'] === order['order-id'])
      return found !== undefined && sameSortFields(sortOrderFromJson(found), sortOrderFromJson(order))
    }
    default:
      return true
  }
}
