/** Partition specs (Iceberg spec, "Partitioning"). */
import { InvalidArgumentError } from '../errors.ts'
import { asArray, asInt, asObject, asString } from './json-checks.ts'
import type { PartitionFieldJson, PartitionSpecJson } from './metadata/table-metadata.ts'
import { findField, findFieldByName } from './schema-lookup.ts'
import type { NameLookup, Schema } from './schema.ts'
import { derivedPartitionName } from './partition-request.ts'
import type { PartitionFieldRequest } from './partition-request.ts'
import { specProblems } from './partition-validation.ts'
import {
  parseTransform,
  sameTransform,
  transformResultType,
  transformToString,
} from './transforms/transform.ts'
import type { Transform } from './transforms/transform.ts'
import { isPrimitive } from './types.ts'
import type { PrimitiveType } from './types.ts'

export interface PartitionField {
  /** Field id of the source column; for a multi-argument transform, of its first. */
  readonly sourceId: number
  /** Ids of all source columns of a multi-argument transform (v3); absent for a single one. */
  readonly sourceIds?: readonly number[]
  /** Partition field id, 1000 or above; unique across the specs of a table in v2. */
  readonly fieldId: number
  readonly name: string
  readonly transform: Transform
}

export interface PartitionSpec {
  readonly specId: number
  readonly fields: readonly PartitionField[]
}

/** The spec of an unpartitioned table: id 0, no fields. */
export const UNPARTITIONED: PartitionSpec = { specId: 0, fields: [] }

/** Whether all rows of a spec's files lie together: no fields, or, as v1 keeps them in place, only void ones. */
export function isUnpartitioned({ fields }: PartitionSpec): boolean {
  return fields.every(({ transform }) => transform.kind === 'void')
}

/** Partition field ids are assigned from here. */
export const FIRST_PARTITION_FIELD_ID = 1000

const parsed = new WeakMap<PartitionSpecJson, PartitionSpec>()

/**
 * Parses a spec that somebody wrote, whatever its names and sources: only its shape is checked.
 * Fields without an id (v1) get 1000 and on. The same JSON object gives the same spec.
 */
export function specFromJson(json: PartitionSpecJson): PartitionSpec {
  const known = parsed.get(json)
  if (known !== undefined) return known
  const object = asObject(json, 'partition-spec')
  const spec: PartitionSpec = {
    specId: asInt(object['spec-id'] ?? 0, 'partition-spec.spec-id'),
    fields: partitionFieldsFromJson(object['fields'], 'partition-spec.fields'),
  }
  parsed.set(json, spec)
  return spec
}

/** Parses the bare field list of v1's `partition-spec` and of manifest headers. */
export function partitionFieldsFromJson(json: unknown, path = 'partition-spec'): readonly PartitionField[] {
  return asArray(json, path).map((field, position) => readField(field, position, `${path}[${position}]`))
}

function readField(json: unknown, position: number, path: string): PartitionField {
  const object = asObject(json, path)
  const { sourceId, sourceIds } = readSources(object, path)
  const text = asString(object['transform'], `${path}.transform`)
  return {
    sourceId,
    ...(sourceIds === null ? {} : { sourceIds }),
    fieldId: asInt(object['field-id'] ?? FIRST_PARTITION_FIELD_ID + position, `${path}.field-id`),
    name: asString(object['name'], `${path}.name`),
    // No transform of several arguments is known yet.
    transform: sourceIds === null ? parseTransform(text) : { kind: 'unknown', text },
  }
}

/** `source-id`, or v3's `source-ids`; a list of one is the same as a single id. */
export function readSources(
  object: { readonly [key: string]: unknown },
  path: string,
): { readonly sourceId: number; readonly sourceIds: readonly number[] | null } {
  if (object['source-ids'] === undefined || object['source-ids'] === null) {
    return { sourceId: asInt(object['source-id'], `${path}.source-id`), sourceIds: null }
  }
  const ids = asArray(object['source-ids'], `${path}.source-ids`).map((id, position) =>
    asInt(id, `${path}.source-ids[${position}]`),
  )
  const sourceId = asInt(ids[0], `${path}.source-ids[0]`)
  return { sourceId, sourceIds: ids.length === 1 ? null : ids }
}

export function specToJson(spec: PartitionSpec): PartitionSpecJson {
  return { 'spec-id': spec.specId, fields: spec.fields.map(partitionFieldToJson) }
}

export function partitionFieldToJson(field: PartitionField): PartitionFieldJson {
  return {
    'source-id': field.sourceId,
    ...(field.sourceIds === undefined ? {} : { 'source-ids': [...field.sourceIds] }),
    'field-id': field.fieldId,
    name: field.name,
    transform: transformToString(field.transform),
  }
}

/** A column of the tuples that a spec's files carry. */
export interface PartitionColumn {
  readonly fieldId: number
  readonly name: string
  readonly type: PrimitiveType
}

const partitionTypes = new WeakMap<PartitionSpec, WeakMap<Schema, readonly PartitionColumn[]>>()

/**
 * The columns of a spec's partition tuples, in the spec's order. Where the source column is gone
 * the type is what the transform always gives, or unknown.
 */
export function partitionType(spec: PartitionSpec, schema: Schema): readonly PartitionColumn[] {
  let bySchema = partitionTypes.get(spec)
  if (bySchema === undefined) partitionTypes.set(spec, (bySchema = new WeakMap()))
  const known = bySchema.get(schema)
  if (known !== undefined) return known
  const columns = spec.fields.map((field) => {
    const source = findField(schema, field.sourceId)?.type
    const sourceType: PrimitiveType =
      source !== undefined && isPrimitive(source) ? source : { kind: 'unknown' }
    return {
      fieldId: field.fieldId,
      name: field.name,
      type: transformResultType(field.transform, sourceType),
    }
  })
  bySchema.set(schema, columns)
  return columns
}

/**
 * A spec of our own making, checked by every rule of the format. Field ids count up from
 * `firstFieldId` (default 1000). InvalidArgumentError names the first field at fault
 * (`specProblems` lists all).
 */
export function createSpec(
  schema: Schema,
  fields: readonly PartitionFieldRequest[],
  options: NameLookup & { readonly specId?: number; readonly firstFieldId?: number } = {},
): PartitionSpec {
  const [problem] = specProblems(schema, fields, options)
  if (problem !== undefined) {
    throw new InvalidArgumentError(`invalid partition field ${problem.position + 1}: ${problem.reason}`)
  }
  const firstFieldId = options.firstFieldId ?? FIRST_PARTITION_FIELD_ID
  return {
    specId: options.specId ?? 0,
    fields: fields.map((request, position) => {
      const transform = parseTransform(request.transform)
      return {
        // Its problem would have been reported above.
        sourceId: findFieldByName(schema, request.source, options)?.id ?? 0,
        fieldId: firstFieldId + position,
        name: request.name ?? derivedPartitionName(request.source, transform),
        transform,
      }
    }),
  }
}

/**
 * Equivalence of specs: the same sources, transforms and names in the same order, whatever the ids
 * (Iceberg spec, "Partitioning").
 */
export function sameFields(a: PartitionSpec, b: PartitionSpec): boolean {
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => {
      const other = b.fields[i]
      return other !== undefined && samePartition(field, other) && field.name === other.name
    })
  )
}

/** True when two fields hold the same values: the same sources and transform. */
export function samePartition(a: PartitionField, b: PartitionField): boolean {
  return (
    a.sourceId === b.sourceId &&
    (a.sourceIds ?? []).join() === (b.sourceIds ?? []).join() &&
    sameTransform(a.transform, b.transform)
  )
}

/** The highest partition field id of a spec; 999 when it has no fields. */
export function highestPartitionFieldId(spec: PartitionSpec): number {
  return spec.fields.reduce(
    (highest, { fieldId }) => Math.max(highest, fieldId),
    FIRST_PARTITION_FIELD_ID - 1,
  )
}

export { derivedPartitionName } from './partition-request.ts'
export type { PartitionFieldRequest } from './partition-request.ts'
export { specProblems } from './partition-validation.ts'
export type { SpecProblem } from './partition-validation.ts'
