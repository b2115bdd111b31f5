/** Evolving a table's schema: metadata alone, whatever the table holds. */
import { evolveColumnProperties } from '../../format/evolution/evolve-column-properties.ts'
import { evolveNameMapping } from '../../format/evolution/evolve-name-mapping.ts'
import { evolveSchema, type SchemaEvolution } from '../../format/evolution/evolve-schema.ts'
import type { SchemaEdit } from '../../format/evolution/schema-edit.ts'
import type { EvolutionBase, EvolutionOptions } from '../../format/evolution/staging.ts'
import type { TableRequirement } from '../../format/metadata/requirements.ts'
import type { SchemaJson, TableMetadata } from '../../format/metadata/table-metadata.ts'
import { knownSchemas, nextSchemaId } from '../../format/metadata/update-schemas.ts'
import { LAST_ADDED, type TableUpdate } from '../../format/metadata/updates.ts'
import { currentSchema, defaultSortOrder, defaultSpec, specsById } from '../../format/metadata/views.ts'
import { NAME_MAPPING_KEY, nameMappingToJson, parseNameMapping } from '../../format/name-mapping.ts'
import { MAIN_BRANCH } from '../../format/snapshot.ts'
import { sameSchema, schemaToJson, type Schema } from '../../format/schema.ts'
import { refuseNulls } from '../refuse-nulls.ts'
import type { CommitAttempt } from '../commit.ts'
import type { TableState } from '../table-state.ts'
import { MetadataChange, type MetadataAttempt } from './metadata-change.ts'

/** A table as schema evolution looks at it. */
export function evolutionBase(metadata: TableMetadata): EvolutionBase {
  return {
    schema: currentSchema(metadata),
    lastColumnId: metadata['last-column-id'],
    formatVersion: metadata['format-version'],
    specs: [...specsById(metadata).values()],
    defaultSpec: defaultSpec(metadata),
    sortOrder: defaultSortOrder(metadata),
  }
}

/** What ends the reading of data. */
interface Abortable {
  readonly signal?: AbortSignal | undefined
}

/** Changes of a schema. Branch heads are asserted where the data had to be looked at. */
export class EvolveSchemaChange extends MetadataChange {
  readonly operation = 'evolution of the schema'
  readonly #state: TableState
  readonly #edits: readonly SchemaEdit[]
  readonly #options: EvolutionOptions & Abortable
  #sent: SentSchema | null = null

  constructor(state: TableState, edits: readonly SchemaEdit[], options: EvolutionOptions & Abortable = {}) {
    super()
    this.#state = state
    this.#edits = edits
    this.#options = options
  }

  isApplied(metadata: TableMetadata): boolean {
    const sent = this.#sent
    if (sent === null) return false
    if (sent.knownId !== null) return metadata['current-schema-id'] === sent.knownId
    return knownSchemas(metadata).some((each) => sameSchema(each, sent.schema))
  }

  protected async attempt(base: TableMetadata): Promise<MetadataAttempt | null> {
    const evolution = evolveSchema(evolutionBase(base), this.#edits, this.#options)
    const { schema } = evolution
    if (sameSchema(schema, currentSchema(base))) return null
    await this.#refuseNulls(base, evolution)
    this.#sent = { schema, knownId: knownSchemaId(base, schema) }
    return { ...schemaCommit(base, evolution), witness: evolution.witness }
  }

  async #refuseNulls(base: TableMetadata, { madeRequired }: SchemaEvolution): Promise<void> {
    for (const id of madeRequired)
      await refuseNulls({ ...this.#state, metadata: base }, id, this.#options.signal)
  }
}

/** A schema that is to become a table's. */
type NextSchema = Pick<SchemaEvolution, 'schema' | 'lastColumnId'> & Partial<SchemaEvolution>

/**
 * What makes a schema a table's: the schema, under its old id where the table had it before, and the
 * properties that name its columns.
 */
export function schemaCommit(base: TableMetadata, next: NextSchema): CommitAttempt {
  const knownId = knownSchemaId(base, next.schema)
  return {
    updates: [...schemaUpdates(base, next, knownId), ...propertyUpdates(base, next.schema)],
    requirements: requirements(base, next.madeRequired ?? [], knownId),
  }
}

interface SentSchema {
  readonly schema: Schema
  /** Id of the equal schema that the table had already; null when it was added. */
  readonly knownId: number | null
}

/** The schema of the table that equals this one. */
function knownSchemaId(base: TableMetadata, schema: Schema): number | null {
  return knownSchemas(base).find((each) => sameSchema(each, schema))?.schemaId ?? null
}

function schemaUpdates(
  base: TableMetadata,
  { schema, lastColumnId }: NextSchema,
  knownId: number | null,
): TableUpdate[] {
  if (knownId !== null) return [{ action: 'set-current-schema', 'schema-id': knownId }]
  const json: SchemaJson = schemaToJson({ ...schema, schemaId: nextSchemaId(base) })
  return [
    { action: 'add-schema', schema: json, 'last-column-id': lastColumnId },
    { action: 'set-current-schema', 'schema-id': LAST_ADDED },
  ]
}

/**
 * Java's requirements, and those on what the change was checked against: the spec and the order in
 * use, and for columns that became required the heads of all branches, where a null may be added.
 */
function requirements(
  base: TableMetadata,
  madeRequired: readonly number[],
  knownId: number | null,
): TableRequirement[] {
  const list: TableRequirement[] = [
    { type: 'assert-current-schema-id', 'current-schema-id': base['current-schema-id'] },
    { type: 'assert-default-spec-id', 'default-spec-id': base['default-spec-id'] },
    { type: 'assert-default-sort-order-id', 'default-sort-order-id': base['default-sort-order-id'] },
  ]
  if (knownId === null) {
    list.push({ type: 'assert-last-assigned-field-id', 'last-assigned-field-id': base['last-column-id'] })
  }
  return madeRequired.length === 0 ? list : [...list, ...branchHeads(base)]
}

function branchHeads({ refs }: TableMetadata): TableRequirement[] {
  const heads = Object.entries(refs)
    .filter(([name, ref]) => ref.type === 'branch' && name !== MAIN_BRANCH)
    .map(([name, ref]) => [name, ref['snapshot-id']] as const)
  // An empty table has no main yet, and must not get one meanwhile.
  const all = [[MAIN_BRANCH, refs[MAIN_BRANCH]?.['snapshot-id'] ?? null] as const, ...heads]
  return all.map(([ref, id]) => ({ type: 'assert-ref-snapshot-id', ref, 'snapshot-id': id }))
}

/** Properties that name columns, in the same commit. InvalidConfigError for a mapping that is none. */
function propertyUpdates({ properties, ...base }: TableMetadata, schema: Schema): TableUpdate[] {
  const before = currentSchema({ properties, ...base })
  const { set, remove } = evolveColumnProperties(properties, before, schema)
  const mapping = properties[NAME_MAPPING_KEY]
  const updates: Record<string, string> = { ...set }
  if (mapping !== undefined) {
    updates[NAME_MAPPING_KEY] = nameMappingToJson(
      evolveNameMapping(parseNameMapping(mapping), before, schema),
    )
  }
  return [
    ...(Object.keys(updates).length === 0 ? [] : [{ action: 'set-properties', updates } as const]),
    ...(remove.length === 0 ? [] : [{ action: 'remove-properties', removals: remove } as const]),
  ]
}
