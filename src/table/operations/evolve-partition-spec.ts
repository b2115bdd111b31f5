/** Evolving how a table is partitioned: files that are there keep their spec, new ones get the new. */
import {
  evolvePartitionSpec,
  type PartitionBase,
  type PartitionEvolution,
} from '../../format/evolution/evolve-partition-spec.ts'
import type { PartitionEdit } from '../../format/evolution/partition-edit.ts'
import type { TableRequirement } from '../../format/metadata/requirements.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { nextSpecId } from '../../format/metadata/update-specs.ts'
import { LAST_ADDED, type TableUpdate } from '../../format/metadata/updates.ts'
import { currentSchema, defaultSpec, specsById } from '../../format/metadata/views.ts'
import { partitionFieldToJson, sameFields, type PartitionSpec } from '../../format/partition-spec.ts'
import { MetadataChange, type MetadataAttempt } from './metadata-change.ts'

/** A table as partition evolution looks at it. */
export function partitionBase(metadata: TableMetadata): PartitionBase {
  return {
    schema: currentSchema(metadata),
    spec: defaultSpec(metadata),
    specs: [...specsById(metadata).values()],
    lastPartitionId: metadata['last-partition-id'],
    formatVersion: metadata['format-version'],
  }
}

/** Changes of the default partition spec. */
export class EvolvePartitionSpecChange extends MetadataChange {
  readonly operation = 'evolution of the partition spec'
  readonly #edits: readonly PartitionEdit[]
  readonly #options: { readonly caseSensitive?: boolean }
  #sent: PartitionSpec | null = null

  constructor(edits: readonly PartitionEdit[], options: { readonly caseSensitive?: boolean } = {}) {
    super()
    this.#edits = edits
    this.#options = options
  }

  isApplied(metadata: TableMetadata): boolean {
    return this.#sent !== null && sameFields(defaultSpec(metadata), this.#sent)
  }

  protected async attempt(base: TableMetadata): Promise<MetadataAttempt | null> {
    const evolution = evolvePartitionSpec(partitionBase(base), this.#edits, this.#options)
    const spec: PartitionSpec = { specId: 0, fields: evolution.fields }
    if (sameFields(spec, defaultSpec(base))) return null
    this.#sent = spec
    const known = [...specsById(base).values()].find((each) => sameFields(each, spec))
    return {
      updates: specUpdates(base, evolution, known),
      requirements: requirements(base, known === undefined),
      witness: evolution.witness,
    }
  }
}

/** A spec that the table had before becomes the default again under its old id. */
function specUpdates(
  base: TableMetadata,
  { fields }: PartitionEvolution,
  known: PartitionSpec | undefined,
): TableUpdate[] {
  if (known !== undefined) return [{ action: 'set-default-spec', 'spec-id': known.specId }]
  return [
    { action: 'add-spec', spec: { 'spec-id': nextSpecId(base), fields: fields.map(partitionFieldToJson) } },
    { action: 'set-default-spec', 'spec-id': LAST_ADDED },
  ]
}

/** Java's requirements, and the schema: names of columns are found, and kept clear of, in it. */
function requirements(base: TableMetadata, isAdded: boolean): TableRequirement[] {
  const list: TableRequirement[] = [
    { type: 'assert-default-spec-id', 'default-spec-id': base['default-spec-id'] },
    { type: 'assert-current-schema-id', 'current-schema-id': base['current-schema-id'] },
  ]
  if (!isAdded) return list
  const last = base['last-partition-id']
  return [...list, { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': last }]
}
