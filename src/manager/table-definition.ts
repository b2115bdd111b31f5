/** From a table configuration to what a catalog is asked to create; nothing is written here. */
import type { CreateTableRequest } from '../catalog/catalog.ts'
import { FloebergError, InvalidTableConfigError } from '../errors.ts'
import { createSpec, specToJson, type PartitionSpec } from '../format/partition-spec.ts'
import { validateProperties } from '../format/properties.ts'
import {
  assignFreshIds,
  schemaFromJson,
  schemaProblems,
  schemaToJson,
  type Schema,
} from '../format/schema.ts'
import { createSortOrder, sortOrderToJson, type SortOrder } from '../format/sort-order.ts'
import { firstV3Feature } from '../format/v3-features.ts'
import { newLocation } from '../storage/location.ts'
import { pathToString, type ParsedTableConfig, type SchemaInput } from './models.ts'

/** A validated configuration in the format's own terms. */
export interface TableDefinition {
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  readonly request: CreateTableRequest
}

/** `defaults`: properties below those of the configuration. InvalidTableConfigError naming the path of what the format's rules forbid. */
export function defineTable(
  config: ParsedTableConfig,
  defaults: Readonly<Record<string, string>> = {},
): TableDefinition {
  const version = config.formatVersion ?? 2
  const schema = readSchema(config.schema)
  checkTypes(schema, version)
  checkProperties({ ...defaults, ...config.properties })
  const spec = readSpec(schema, config)
  const sortOrder = readSortOrder(schema, config)
  const { location } = config
  return {
    schema,
    spec,
    sortOrder,
    request: {
      schema: schemaToJson(schema),
      spec: specToJson(spec),
      sortOrder: sortOrderToJson(sortOrder),
      ...(location === undefined ? {} : { location: at(['location'], () => newLocation(location)) }),
      properties: { ...defaults, ...config.properties, 'format-version': String(version) },
    },
  }
}

/** The schema of a declaration, a schema, or a schema document. InvalidTableConfigError at `schema`. */
export function readSchema(input: SchemaInput): Schema {
  const schema = at(['schema'], () => {
    if ('columns' in input) return input.schema as Schema
    if ('schemaId' in input) return input as Schema
    return schemaFromJson(input as Parameters<typeof schemaFromJson>[0])
  })
  // Problems first, with the caller's own ids: fresh ones would hide an id that is there twice.
  const [problem] = schemaProblems(schema)
  if (problem !== undefined) throw invalid(['schema', problem.column], problem.reason)
  if (schema.fields.length === 0) throw invalid(['schema'], 'a table needs at least one column')
  return assignFreshIds(schema).schema
}

function readSpec(schema: Schema, config: ParsedTableConfig): PartitionSpec {
  const fields = config.partitionSpec ?? []
  // One field at a time, so that the error names which.
  fields.forEach((_, i) =>
    at(['partitionSpec', i], () => createSpec(schema, fields.slice(0, i + 1).map(withoutUndefined))),
  )
  return createSpec(schema, fields.map(withoutUndefined))
}

function readSortOrder(schema: Schema, config: ParsedTableConfig): SortOrder {
  const fields = config.sortOrder ?? []
  fields.forEach((_, i) =>
    at(['sortOrder', i], () => createSortOrder(schema, fields.slice(0, i + 1).map(withoutUndefined))),
  )
  return createSortOrder(schema, fields.map(withoutUndefined))
}

function checkTypes(schema: Schema, version: number): void {
  if (version >= 3) return
  for (const field of schema.fields) {
    const feature = firstV3Feature([field])
    if (feature !== null) throw invalid(['schema', field.name], `the ${feature} needs format version 3`)
  }
}

/** InvalidTableConfigError naming the first property whose value is not allowed. */
export function checkProperties(properties: Readonly<Record<string, string>>): void {
  // Other clients take it for the version itself; kept as a property it would say what is not so.
  if (properties['format-version'] !== undefined) {
    throw invalid(
      ['properties', 'format-version'],
      'the format version is no property: give formatVersion, or call upgradeFormatVersion',
    )
  }
  const [problem] = validateProperties(properties)
  if (problem !== undefined) throw invalid(['properties', problem.key], problem.reason)
}

/** Runs a check of the format and says where in the configuration it failed. */
function at<T>(path: readonly (string | number)[], check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (error instanceof FloebergError) throw invalid(path, error.message, error)
    throw error
  }
}

function invalid(
  path: readonly (string | number)[],
  reason: string,
  cause?: unknown,
): InvalidTableConfigError {
  const where = pathToString(path)
  return new InvalidTableConfigError(`Invalid table configuration: ${where}: ${reason}`, {
    path: where,
    cause,
  })
}

/** Drops keys that are there but undefined, which optional properties may not be. */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
