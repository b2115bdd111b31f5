/** Sort orders (Iceberg spec, "Sorting"). */
import { InvalidArgumentError } from '../errors.ts'
import { asArray, asInt, asObject, asString, malformed } from './json-checks.ts'
import type { SortFieldJson, SortOrderJson } from './metadata/table-metadata.ts'
import { readSources } from './partition-spec.ts'
import { sourceProblem } from './partition-validation.ts'
import type { SpecProblem } from './partition-validation.ts'
import { findFieldByName } from './schema-lookup.ts'
import type { NameLookup, Schema } from './schema.ts'
import { parseTransform, sameTransform, transformToString } from './transforms/transform.ts'
import type { Transform } from './transforms/transform.ts'

export interface SortField {
  readonly sourceId: number
  /** Ids of all source columns of a multi-argument transform (v3); absent for a single one. */
  readonly sourceIds?: readonly number[]
  readonly transform: Transform
  readonly direction: 'asc' | 'desc'
  readonly nullOrder: 'nulls-first' | 'nulls-last'
}

export interface SortOrder {
  readonly orderId: number
  readonly fields: readonly SortField[]
}

/** Order id 0 always means unsorted. */
export const UNSORTED: SortOrder = { orderId: 0, fields: [] }

const parsed = new WeakMap<SortOrderJson, SortOrder>()

/**
 * Parses an order that somebody wrote: only its shape is checked, its columns may be gone. The same
 * JSON object gives the same order.
 */
export function sortOrderFromJson(json: SortOrderJson): SortOrder {
  const known = parsed.get(json)
  if (known !== undefined) return known
  const object = asObject(json, 'sort-order')
  const order: SortOrder = {
    orderId: asInt(object['order-id'], 'sort-order.order-id'),
    fields: asArray(object['fields'], 'sort-order.fields').map((field, position) =>
      readField(field, `sort-order.fields[${position}]`),
    ),
  }
  parsed.set(json, order)
  return order
}

function readField(json: unknown, path: string): SortField {
  const object = asObject(json, path)
  const { sourceId, sourceIds } = readSources(object, path)
  const text = asString(object['transform'], `${path}.transform`)
  return {
    sourceId,
    ...(sourceIds === null ? {} : { sourceIds }),
    transform: sourceIds === null ? parseTransform(text) : { kind: 'unknown', text },
    direction: readDirection(object['direction'], `${path}.direction`),
    nullOrder: readNullOrder(object['null-order'], `${path}.null-order`),
  }
}

function readDirection(json: unknown, path: string): SortField['direction'] {
  const folded = asString(json, path).toLowerCase()
  if (folded !== 'asc' && folded !== 'desc') throw malformed(path, "'asc' or 'desc'")
  return folded
}

function readNullOrder(json: unknown, path: string): SortField['nullOrder'] {
  const folded = asString(json, path).toLowerCase()
  if (folded !== 'nulls-first' && folded !== 'nulls-last')
    throw malformed(path, "'nulls-first' or 'nulls-last'")
  return folded
}

export function sortOrderToJson(order: SortOrder): SortOrderJson {
  return { 'order-id': order.orderId, fields: order.fields.map(fieldToJson) }
}

function fieldToJson(field: SortField): SortFieldJson {
  return {
    transform: transformToString(field.transform),
    'source-id': field.sourceId,
    ...(field.sourceIds === undefined ? {} : { 'source-ids': [...field.sourceIds] }),
    direction: field.direction,
    'null-order': field.nullOrder,
  }
}

/** A sort field as users ask for it: `{ source: 'ts', direction: 'desc' }`. */
export interface SortFieldRequest {
  /** Full name of the source column. */
  readonly source: string
  /** Default `identity`. */
  readonly transform?: string | undefined
  /** Default `asc`. */
  readonly direction?: 'asc' | 'desc' | undefined
  /** Default: first when ascending, last when descending. */
  readonly nullOrder?: 'nulls-first' | 'nulls-last' | undefined
}

/** Everything that makes a requested order unfit to be written; empty for a good one. */
export function sortOrderProblems(
  schema: Schema,
  fields: readonly SortFieldRequest[],
  lookup: NameLookup = {},
): readonly SpecProblem[] {
  return fields.flatMap((request, position) => {
    const source = findFieldByName(schema, request.source, lookup)
    const reason = sourceProblem(
      schema,
      request.source,
      source,
      parseTransform(request.transform ?? 'identity'),
    )
    return reason === null ? [] : [{ position, reason }]
  })
}

/**
 * An order of our own making; the unsorted order when there are no fields. `orderId` defaults to 1.
 * InvalidArgumentError names the first field at fault.
 */
export function createSortOrder(
  schema: Schema,
  fields: readonly SortFieldRequest[],
  options: NameLookup & { readonly orderId?: number } = {},
): SortOrder {
  if (fields.length === 0) return UNSORTED
  const [problem] = sortOrderProblems(schema, fields, options)
  if (problem !== undefined) {
    throw new InvalidArgumentError(`invalid sort field ${problem.position + 1}: ${problem.reason}`)
  }
  return {
    orderId: options.orderId ?? 1,
    fields: fields.map((request) => {
      const direction = request.direction ?? 'asc'
      return {
        // Its problem would have been reported above.
        sourceId: findFieldByName(schema, request.source, options)?.id ?? 0,
        transform: parseTransform(request.transform ?? 'identity'),
        direction,
        nullOrder: request.nullOrder ?? (direction === 'asc' ? 'nulls-first' : 'nulls-last'),
      }
    }),
  }
}

/** Equality but for the order id. */
export function sameSortFields(a: SortOrder, b: SortOrder): boolean {
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => {
      const other = b.fields[i]
      return (
        other !== undefined &&
        field.sourceId === other.sourceId &&
        (field.sourceIds ?? []).join() === (other.sourceIds ?? []).join() &&
        sameTransform(field.transform, other.transform) &&
        field.direction === other.direction &&
        field.nullOrder === other.nullOrder
      )
    })
  )
}
