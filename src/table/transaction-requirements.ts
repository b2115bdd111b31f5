/** What a transaction requires of the table as it is committed to. */
import type { TableRequirement } from '../format/metadata/requirements.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { refUnchanged } from '../format/refs/refs.ts'

/**
 * Requirements of steps, which each met what the steps before had made, in terms of the base. What
 * a step relied on follows from the base and from earlier steps: so that the same thing of the base
 * must not have changed. Each is named once.
 */
export function requirementsOn(
  base: TableMetadata,
  requirements: readonly TableRequirement[],
): readonly TableRequirement[] {
  const byThing = new Map<string, TableRequirement>()
  for (const requirement of requirements) {
    const thing = requirement.type === 'assert-ref-snapshot-id' ? `ref ${requirement.ref}` : requirement.type
    byThing.set(thing, requirementOn(base, requirement))
  }
  return [...byThing.values()]
}

function requirementOn(base: TableMetadata, requirement: TableRequirement): TableRequirement {
  switch (requirement.type) {
    case 'assert-ref-snapshot-id':
      // How long it is kept may be a step's own change too.
      return refUnchanged(base.refs, requirement.ref)
    case 'assert-current-schema-id':
      return { ...requirement, 'current-schema-id': base['current-schema-id'] }
    case 'assert-last-assigned-field-id':
      return { ...requirement, 'last-assigned-field-id': base['last-column-id'] }
    case 'assert-default-spec-id':
      return { ...requirement, 'default-spec-id': base['default-spec-id'] }
    case 'assert-last-assigned-partition-id':
      return { ...requirement, 'last-assigned-partition-id': base['last-partition-id'] }
    case 'assert-default-sort-order-id':
      return { ...requirement, 'default-sort-order-id': base['default-sort-order-id'] }
    case 'assert-create':
    case 'assert-table-uuid':
      return requirement
    default: {
      const unknown: { readonly type: string } = requirement satisfies never
      throw new TypeError(`A requirement that is not known: ${unknown.type}`)
    }
  }
}
