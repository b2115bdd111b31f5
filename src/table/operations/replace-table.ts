/**
 * Putting another table in the place of one: new schema, spec and order, nothing on main, under the
 * old uuid. History, branches, tags and the ids of columns stay (Java: `buildReplacement`).
 */
import { keepFieldIds } from '../../format/evolution/keep-ids.ts'
import { replacingFields } from '../../format/evolution/replace-spec.ts'
import type { TableRequirement } from '../../format/metadata/requirements.ts'
import type { FormatVersion, TableMetadata } from '../../format/metadata/table-metadata.ts'
import { newSpec, nextSpecId } from '../../format/metadata/update-specs.ts'
import { applyUpdates, LAST_ADDED, type TableUpdate } from '../../format/metadata/updates.ts'
import { currentSchema, defaultSortOrder, defaultSpec, specsById } from '../../format/metadata/views.ts'
import { sameFields, type PartitionField, type PartitionSpec } from '../../format/partition-spec.ts'
import type { FreshIds } from '../../format/schema-ids.ts'
import { sameSchema, type Schema } from '../../format/schema.ts'
import { MAIN_BRANCH } from '../../format/snapshot.ts'
import { sameSortFields, type SortOrder } from '../../format/sort-order.ts'
import type { CommitAttempt, CommitChange } from '../commit.ts'
import { evolutionBase, schemaCommit } from './evolve-schema.ts'
import { orderUpdates } from './replace-sort-order.ts'

/** What comes in the place of a table. */
export interface TableReplacement {
  /** Its ids only tie the spec and the order to it. */
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  /** Set on top of the properties that are there. */
  readonly properties: Readonly<Record<string, string>>
  /** Set where the table has no such property. */
  readonly defaults: Readonly<Record<string, string>>
  /** null: the table's stays. */
  readonly formatVersion: FormatVersion | null
}

export class ReplaceTableChange implements CommitChange {
  readonly operation = 'replacement of the table'
  readonly snapshotId = null
  readonly #replacement: TableReplacement
  #sent: TableMetadata | null = null

  constructor(replacement: TableReplacement) {
    this.#replacement = replacement
  }

  async apply(base: TableMetadata): Promise<CommitAttempt | null> {
    const updates = this.#updates(base)
    // Only together: between one update and the next, the schema and the spec need not fit each other.
    this.#sent = applyUpdates(base, updates, { nowMs: base['last-updated-ms'] })
    return updates.length === 0 ? null : { updates, requirements: requirements(base) }
  }

  isApplied(metadata: TableMetadata): boolean {
    const sent = this.#sent
    return (
      sent !== null &&
      metadata['current-snapshot-id'] === null &&
      metadata['format-version'] >= sent['format-version'] &&
      this.#propertyUpdates(metadata).length === 0 &&
      sameSchema(currentSchema(metadata), currentSchema(sent)) &&
      sameFields(defaultSpec(metadata), defaultSpec(sent)) &&
      sameSortFields(defaultSortOrder(metadata), defaultSortOrder(sent))
    )
  }

  async discardAttempt(): Promise<void> {}

  async discardAll(): Promise<void> {}

  writtenFiles(): readonly string[] {
    return []
  }

  #updates(base: TableMetadata): readonly TableUpdate[] {
    const { schema } = this.#replacement
    const version = this.#replacement.formatVersion ?? base['format-version']
    const fresh = keepFieldIds(schema, { ...evolutionBase(base), formatVersion: version })
    const upgrade: TableUpdate = { action: 'upgrade-format-version', 'format-version': version }
    const reset: readonly TableUpdate[] = [
      { action: 'remove-snapshot-ref', 'ref-name': MAIN_BRANCH },
      // Named also where it stays: a commit about refs alone must not take main away.
      { action: 'set-current-schema', 'schema-id': base['current-schema-id'] },
    ]
    return [
      ...(version === base['format-version'] ? [] : [upgrade]),
      ...(Object.hasOwn(base.refs, MAIN_BRANCH) ? reset : []),
      ...schemaUpdates(base, fresh),
      ...this.#specUpdates(base, fresh, version),
      ...this.#orderUpdates(base, fresh),
      ...this.#propertyUpdates(base),
    ]
  }

  #propertyUpdates(base: TableMetadata): readonly TableUpdate[] {
    const { properties, defaults } = this.#replacement
    return propertyUpdates(base, { ...lacking(base, defaults), ...properties })
  }

  #specUpdates(base: TableMetadata, { idMap }: FreshIds, version: FormatVersion): readonly TableUpdate[] {
    const wanted = this.#replacement.spec.fields.map((field): PartitionField => ({
      ...field,
      sourceId: idMap.get(field.sourceId) ?? field.sourceId,
    }))
    const before = defaultSpec(base)
    const specs = [before, ...specsById(base).values()]
    const knownAs = (spec: PartitionSpec) => specs.find((each) => sameFields(each, spec))
    const added = { 'spec-id': nextSpecId(base), fields: replacingFields(wanted, before, version) }
    const known = knownAs({ specId: 0, fields: wanted }) ?? knownAs(newSpec(added))
    if (known === before) return []
    if (known !== undefined) return [{ action: 'set-default-spec', 'spec-id': known.specId }]
    return [
      { action: 'add-spec', spec: added },
      { action: 'set-default-spec', 'spec-id': LAST_ADDED },
    ]
  }

  #orderUpdates(base: TableMetadata, { idMap }: FreshIds): readonly TableUpdate[] {
    const { sortOrder } = this.#replacement
    const fields = sortOrder.fields.map((field) => ({
      ...field,
      sourceId: idMap.get(field.sourceId) ?? field.sourceId,
    }))
    const order: SortOrder = { ...sortOrder, fields }
    return sameSortFields(order, defaultSortOrder(base)) ? [] : orderUpdates(base, order)
  }
}

/** The schema, and the properties that name its columns. */
function schemaUpdates(base: TableMetadata, { schema, lastColumnId }: FreshIds): readonly TableUpdate[] {
  if (sameSchema(schema, currentSchema(base))) return []
  return schemaCommit(base, { schema, lastColumnId }).updates
}

function propertyUpdates(
  base: TableMetadata,
  wanted: Readonly<Record<string, string>>,
): readonly TableUpdate[] {
  const news = Object.entries(wanted).filter(([key, value]) => base.properties[key] !== value)
  return news.length === 0 ? [] : [{ action: 'set-properties', updates: Object.fromEntries(news) }]
}

function lacking(
  { properties }: TableMetadata,
  defaults: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(defaults).filter(([key]) => !Object.hasOwn(properties, key)))
}

/** Everything that the ids and the history of the replacement follow from. */
function requirements(base: TableMetadata): readonly TableRequirement[] {
  return [
    {
      type: 'assert-ref-snapshot-id',
      ref: MAIN_BRANCH,
      'snapshot-id': base.refs[MAIN_BRANCH]?.['snapshot-id'] ?? null,
    },
    { type: 'assert-current-schema-id', 'current-schema-id': base['current-schema-id'] },
    { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': base['last-column-id'] },
    { type: 'assert-default-spec-id', 'default-spec-id': base['default-spec-id'] },
    {
      type: 'assert-last-assigned-partition-id',
      'last-assigned-partition-id': base['last-partition-id'],
    },
    { type: 'assert-default-sort-order-id', 'default-sort-order-id': base['default-sort-order-id'] },
  ]
}
