/** The REST protocol's `TableRequirement`s (open-api, "TableRequirement"). */
import { refOf, retentionOf, sameFields } from '../refs/refs.ts'
import type { TableMetadata } from './table-metadata.ts'

/** What must hold of a table for a commit to apply (Iceberg REST protocol, `TableRequirement`). */
export type TableRequirement =
  | { readonly type: 'assert-create' }
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  /** `snapshot-id` null: the ref must not exist. */
  | {
      readonly type: 'assert-ref-snapshot-id'
      readonly ref: string
      readonly 'snapshot-id': bigint | null
      /**
       * The ref's other settings as they were known, since setting a ref replaces all of it. Ours, and
       * no part of the REST protocol: a catalog that does not know it passes it over.
       */
      readonly retention?: Readonly<Record<string, unknown>> | undefined
    }
  | { readonly type: 'assert-last-assigned-field-id'; readonly 'last-assigned-field-id': number }
  | { readonly type: 'assert-current-schema-id'; readonly 'current-schema-id': number }
  | { readonly type: 'assert-last-assigned-partition-id'; readonly 'last-assigned-partition-id': number }
  | { readonly type: 'assert-default-spec-id'; readonly 'default-spec-id': number }
  | { readonly type: 'assert-default-sort-order-id'; readonly 'default-sort-order-id': number }

/**
 * The first requirement that does not hold, in words for people; null when all do. `base` is null
 * while the table does not exist.
 */
export function checkRequirements(
  base: TableMetadata | null,
  requirements: readonly TableRequirement[],
): string | null {
  for (const requirement of requirements) {
    const failure = base === null ? failureWithoutTable(requirement) : failureOf(base, requirement)
    if (failure !== null) return failure
  }
  return null
}

function failureWithoutTable(requirement: TableRequirement): string | null {
  return requirement.type === 'assert-create' ? null : 'the table does not exist'
}

function failureOf(base: TableMetadata, requirement: TableRequirement): string | null {
  switch (requirement.type) {
    case 'assert-create':
      return 'the table exists already'
    case 'assert-table-uuid':
      return requirement.uuid.toLowerCase() === base['table-uuid'].toLowerCase()
        ? null
        : 'the table is another one than before (its uuid differs)'
    case 'assert-ref-snapshot-id':
      return refFailure(base, requirement)
    case 'assert-last-assigned-field-id':
      return differs('last assigned field id', base['last-column-id'], requirement['last-assigned-field-id'])
    case 'assert-current-schema-id':
      return differs('current schema id', base['current-schema-id'], requirement['current-schema-id'])
    case 'assert-last-assigned-partition-id':
      return differs(
        'last assigned partition field id',
        base['last-partition-id'],
        requirement['last-assigned-partition-id'],
      )
    case 'assert-default-spec-id':
      return differs('default partition spec id', base['default-spec-id'], requirement['default-spec-id'])
    case 'assert-default-sort-order-id':
      return differs(
        'default sort order id',
        base['default-sort-order-id'],
        requirement['default-sort-order-id'],
      )
    default: {
      // What was required and not understood must not be taken as fulfilled.
      const unknown: { readonly type: string } = requirement satisfies never
      return `the requirement '${unknown.type}' is not known`
    }
  }
}

type RefRequirement = Extract<TableRequirement, { readonly type: 'assert-ref-snapshot-id' }>

function refFailure(base: TableMetadata, requirement: RefRequirement): string | null {
  const { ref: name, 'snapshot-id': expected, retention } = requirement
  const ref = refOf(base.refs, name)
  if (ref === undefined) {
    return expected === null ? null : `branch or tag '${name}' is missing, expected at snapshot ${expected}`
  }
  if (expected === null) return `${ref.type} '${name}' was created by somebody else`
  const moved = differs(`${ref.type} '${name}'`, ref['snapshot-id'], expected)
  if (moved !== null || retention === undefined || sameFields(retentionOf(ref), retention)) return moved
  return `${ref.type} '${name}' is kept in another way by now`
}

function differs(what: string, actual: number | bigint, expected: number | bigint): string | null {
  return actual === expected ? null : `${what} has changed: expected ${expected}, found ${actual}`
}
