/** The rules that a partition spec or sort order of our own making must keep. */
import { derivedPartitionName } from './partition-request.ts'
import type { PartitionFieldRequest } from './partition-request.ts'
import { fieldPath, findFieldByName } from './schema-lookup.ts'
import type { NameLookup, Schema } from './schema.ts'
import { canTransform, parseTransform, transformToString } from './transforms/transform.ts'
import type { Transform } from './transforms/transform.ts'
import { typeToString } from './types-json.ts'
import { isPrimitive } from './types.ts'
import type { NestedField } from './types.ts'

export interface SpecProblem {
  /** Zero-based position of the requested field. */
  readonly position: number
  readonly reason: string
}

export interface SpecCheckOptions extends NameLookup {
  /**
   * Positions of fields that the table has already: however odd, they are its own business, and
   * others must still be able to join them.
   */
  readonly settled?: ReadonlySet<number>
}

/** Everything that makes a requested spec unfit to be written; empty for a good one. */
export function specProblems(
  schema: Schema,
  fields: readonly PartitionFieldRequest[],
  options: SpecCheckOptions = {},
): readonly SpecProblem[] {
  const lookup: NameLookup = { caseSensitive: options.caseSensitive ?? true }
  const problems: SpecProblem[] = []
  const names = new Set<string>()
  const uses = new Set<string>()
  fields.forEach((request, position) => {
    const isSettled = options.settled?.has(position) ?? false
    const report = (reason: string | null): void => {
      if (reason !== null && !isSettled) problems.push({ position, reason })
    }
    const transform = parseTransform(request.transform)
    const source = findFieldByName(schema, request.source, lookup)
    const name = request.name ?? derivedPartitionName(request.source, transform)
    report(sourceProblem(schema, request.source, source, transform))
    report(nameProblem(schema, name, source, transform))
    if (names.has(name)) report(`the name '${name}' is used more than once`)
    names.add(name)
    const [exact, time] = source === undefined ? [null, null] : usesOf(source, transform)
    if ([exact, time].some((use) => use !== null && uses.has(use))) {
      report(`column '${request.source}' is already partitioned in the same way`)
    }
    if (exact !== null) uses.add(exact)
    if (time !== null && !isSettled) uses.add(time)
  })
  return problems
}

/** Why a column cannot be the source of a transform; null when it can. */
export function sourceProblem(
  schema: Schema,
  name: string,
  source: NestedField | undefined,
  transform: Transform,
): string | null {
  if (transform.kind === 'unknown') {
    return `transform '${transform.text}' is not known (identity, bucket[N], truncate[W], year, month, day, hour, void)`
  }
  if (source === undefined) {
    return `there is no column '${name}' (columns: ${schema.fields.map((field) => field.name).join(', ')})`
  }
  if (!isPrimitive(source.type))
    return `column '${name}' is of type ${typeToString(source.type)}, not primitive`
  const parents = fieldPath(schema, source.id).slice(0, -1)
  if (parents.some((parent) => parent.type.kind !== 'struct'))
    return `column '${name}' lies within a list or map`
  if (!canTransform(transform, source.type)) {
    return `transform ${transformToString(transform)} is not allowed on column '${name}' of type ${typeToString(source.type)}`
  }
  return null
}

/**
 * A partition field may carry a column's name only where it stands for that very column: by
 * identity, or as the void field that took an identity field's place.
 */
export function nameProblem(
  schema: Schema,
  name: string,
  source: Pick<NestedField, 'id'> | undefined,
  transform: Transform,
): string | null {
  if (name === '') return 'the name is empty'
  const namesakes = fieldsNamed(schema, name)
  if (namesakes.length === 0) return null
  const stands = transform.kind === 'identity' || transform.kind === 'void'
  if (stands && namesakes.every((id) => id === source?.id)) return null
  return `the name '${name}' is that of a column; give the partition field another name`
}

/** Ids of the top-level fields of that name; where there is none, of the nested one with that full name. */
function fieldsNamed(schema: Schema, name: string): readonly number[] {
  const topLevel = schema.fields.filter((field) => field.name === name).map((field) => field.id)
  if (topLevel.length > 0) return topLevel
  const nested = findFieldByName(schema, name)
  return nested === undefined ? [] : [nested.id]
}

/**
 * What a field is used for, exactly and, for parts of a time, roughly: two new fields of the same use
 * make each other redundant. null where a field has no such use.
 */
function usesOf(source: NestedField, transform: Transform): readonly [string | null, string | null] {
  const exact = `${source.id} ${transformToString(transform)}`
  switch (transform.kind) {
    case 'void':
      return [null, null]
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
      return [exact, `${source.id} time`]
    default:
      return [exact, null]
  }
}
