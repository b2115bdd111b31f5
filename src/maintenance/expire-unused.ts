/** Schemas and partition specs that nothing needs any more once snapshots have left. */
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { specsById } from '../format/metadata/views.ts'
import { leafFields, schemaFromJson } from '../format/schema.ts'
import type { ManifestContext } from '../table/manifest-reader.ts'
import { newManifests } from './reachability.ts'

/** What can be forgotten. */
export interface UnusedMetadata {
  readonly schemaIds: readonly number[]
  readonly specIds: readonly number[]
}

/**
 * Specs that no manifest of a staying snapshot is of, and schemas that no staying snapshot was written
 * with; never the default spec and the current schema. MissingFileError, CorruptFileError.
 */
export async function unusedMetadata(
  context: ManifestContext,
  leaving: ReadonlySet<bigint>,
): Promise<UnusedMetadata> {
  const { metadata } = context
  const used = await usedSpecs(context, leaving)
  used.specIds.add(metadata['default-spec-id'])
  const specIds = metadata['partition-specs'].map((spec) => spec['spec-id'])
  return {
    specIds: specIds.filter((id) => !used.specIds.has(id)),
    schemaIds: unusedSchemas(metadata, leaving, used),
  }
}

interface UsedSpecs {
  readonly specIds: Set<number>
  /** There are delete files, which may be by columns that the schema has lost. */
  readonly hasDeletes: boolean
}

async function usedSpecs(context: ManifestContext, leaving: ReadonlySet<bigint>): Promise<UsedSpecs> {
  const staying = context.metadata.snapshots.filter((snapshot) => !leaving.has(snapshot['snapshot-id']))
  const specIds = new Set<number>()
  let hasDeletes = false
  for await (const manifests of newManifests(context, staying, new Set())) {
    for (const { specId, content } of manifests) {
      specIds.add(specId)
      hasDeletes ||= content === 'deletes'
    }
  }
  return { specIds, hasDeletes }
}

function unusedSchemas(
  metadata: TableMetadata,
  leaving: ReadonlySet<bigint>,
  { specIds, hasDeletes }: UsedSpecs,
): readonly number[] {
  const used = new Set([metadata['current-schema-id']])
  for (const snapshot of metadata.snapshots) {
    if (leaving.has(snapshot['snapshot-id'])) continue
    const id = snapshot['schema-id']
    // An old snapshot that does not say its schema may be of any.
    if (id === undefined) return []
    used.add(id)
  }
  const schemas = metadata.schemas.map(schemaFromJson)
  const newestFirst = schemas.toSorted((a, b) => b.schemaId - a.schemaId)
  const known = new Set(schemas.filter(({ schemaId }) => used.has(schemaId)).flatMap(fieldIds))
  const specs = [...specsById(metadata).values()].filter(({ specId }) => specIds.has(specId))
  const sources = specs.flatMap(({ fields }) => fields.map(({ sourceId }) => sourceId))
  const needed = hasDeletes ? schemas.flatMap(fieldIds) : sources
  for (const id of needed) {
    // A column that was dropped still types what was written of it: its last schema stays.
    const last = known.has(id) ? undefined : newestFirst.find((schema) => fieldIds(schema).includes(id))
    if (last === undefined) continue
    used.add(last.schemaId)
    for (const other of fieldIds(last)) known.add(other)
  }
  return metadata.schemas.map((schema) => schema['schema-id']).filter((id) => !used.has(id))
}

function fieldIds(schema: ReturnType<typeof schemaFromJson>): readonly number[] {
  return leafFields(schema).map((field) => field.id)
}
