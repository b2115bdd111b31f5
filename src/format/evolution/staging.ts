/** A schema in the middle of a call's changes: each sees what those before it made. */
import { IncompatibleChangeError, InvalidExpressionError } from '../../errors.ts'
import type { FormatVersion } from '../metadata/table-metadata.ts'
import { childFields } from '../nested-fields.ts'
import type { PartitionSpec } from '../partition-spec.ts'
import { fieldName, fieldPath, findFieldByName } from '../schema-lookup.ts'
import type { Schema } from '../schema.ts'
import type { SortOrder } from '../sort-order.ts'
import type { NestedField, Type } from '../types.ts'
import { columnNameToString, type ColumnName } from './schema-edit.ts'

/** The table that a schema is evolved for. */
export interface EvolutionBase {
  readonly schema: Schema
  /** Ids up to this one were given out before, and never will be again. */
  readonly lastColumnId: number
  readonly formatVersion: FormatVersion
  /** Every spec that the table keeps. */
  readonly specs: readonly PartitionSpec[]
  readonly defaultSpec: PartitionSpec
  readonly sortOrder: SortOrder
}

export interface EvolutionOptions {
  /** Default false: what readers and writers of the old schema could trip over is refused. */
  readonly allowIncompatibleChanges?: boolean
  /** Default true. False: names are looked up in any case, and two that differ in case only clash. */
  readonly caseSensitive?: boolean
}

export interface Staging {
  readonly base: EvolutionBase
  readonly options: Required<EvolutionOptions>
  readonly schema: Schema
  readonly lastColumnId: number
  /** Fields that this call has changed, with the change's word: they cannot be deleted by it too. */
  readonly touched: ReadonlyMap<number, string>
  /** Names that this call took away, and how: for errors about them. */
  readonly gone: ReadonlyMap<string, string>
  /** Fields that this call made required; their data has to be looked at. */
  readonly madeRequired: ReadonlySet<number>
  /**
   * What the changes so far were about: the columns that their names meant, and values that they
   * replace. Where it differs on another base, the same words would mean something else.
   */
  readonly witness: readonly string[]
}

export function startStaging(base: EvolutionBase, options: EvolutionOptions): Staging {
  return {
    base,
    options: {
      allowIncompatibleChanges: options.allowIncompatibleChanges ?? false,
      caseSensitive: options.caseSensitive ?? true,
    },
    schema: base.schema,
    lastColumnId: base.lastColumnId,
    touched: new Map(),
    gone: new Map(),
    madeRequired: new Set(),
    witness: [],
  }
}

/** The staging with other fields; everything that was looked up by the old ones is looked up anew. */
export function withFields(staging: Staging, fields: readonly NestedField[]): Staging {
  return { ...staging, schema: { ...staging.schema, fields } }
}

export function withTouched(staging: Staging, id: number, word: string): Staging {
  return { ...staging, touched: new Map(staging.touched).set(id, word) }
}

/** Notes that a field, with all inside it, no longer goes by its name. */
export function withGone(staging: Staging, id: number, how: string): Staging {
  const gone = new Map(staging.gone)
  for (const field of [id, ...descendantIds(staging.schema, id)]) {
    gone.set(foldName(staging, fullName(staging, field)), how)
  }
  return { ...staging, gone }
}

export function withWitness(staging: Staging, ...words: readonly string[]): Staging {
  return { ...staging, witness: [...staging.witness, ...words] }
}

/** An id as a witness has it: those that this call gives out differ from base to base. */
export function witnessOf(staging: Staging, id: number): string {
  return id > staging.base.lastColumnId ? 'new' : String(id)
}

/** The field that a name means now. IncompatibleChangeError when there is none, or more than one. */
export function resolve(staging: Staging, name: ColumnName): NestedField {
  const field = lookUp(staging, name)
  if (field !== undefined) return field
  const text = columnNameToString(name)
  const how = staging.gone.get(foldName(staging, text))
  throw refuse(
    text,
    how === undefined ? 'there is no such column' : `an earlier change of this call ${how} it`,
    how === undefined
      ? `Columns: ${staging.schema.fields.map((each) => each.name).join(', ')}.`
      : 'Changes apply in order: use the name that the column has by then.',
  )
}

/** The same, undefined when no field answers to the name. */
export function lookUp(staging: Staging, name: ColumnName): NestedField | undefined {
  const text = columnNameToString(name)
  try {
    return findFieldByName(staging.schema, text, staging.options)
  } catch (cause) {
    if (!(cause instanceof InvalidExpressionError)) throw cause
    throw refuse(text, 'several columns answer to this name', cause.hint, cause)
  }
}

/** A column of a table by its name, in its own case; undefined when there is none. */
export function lookUpColumn(base: EvolutionBase, name: ColumnName): NestedField | undefined {
  return lookUp(startStaging(base, {}), name)
}

/** A member of a struct, or of the schema where `structId` is null, by its own name. */
export function memberNamed(
  staging: Staging,
  structId: number | null,
  name: string,
): NestedField | undefined {
  return membersOf(staging, structId).find((each) => foldName(staging, each.name) === foldName(staging, name))
}

export function membersOf(staging: Staging, structId: number | null): readonly NestedField[] {
  if (structId === null) return staging.schema.fields
  const { type } = lastOf(fieldPath(staging.schema, structId))
  return type.kind === 'struct' ? type.fields : []
}

/** The field that holds a field directly; null for a top-level one. */
export function parentOf(staging: Staging, id: number): NestedField | null {
  return fieldPath(staging.schema, id).at(-2) ?? null
}

export function fullName(staging: Staging, id: number): string {
  return fieldName(staging.schema, id) ?? fieldName(staging.base.schema, id) ?? `id ${id}`
}

export function foldName(staging: Staging, name: string): string {
  return staging.options.caseSensitive ? name : name.toLowerCase()
}

/** A map's key, or something inside one: rows are found by it, so nothing of it may change. */
export function isWithinMapKey(schema: Schema, id: number): boolean {
  const path = fieldPath(schema, id)
  return path.some((field, depth) => {
    const above = path[depth - 1]?.type
    return above?.kind === 'map' && above.keyId === field.id
  })
}

export function refuseMapKeys(staging: Staging, field: NestedField): void {
  if (!isWithinMapKey(staging.schema, field.id)) return
  throw refuse(
    fullName(staging, field.id),
    'keys of maps cannot be changed, nor anything inside them',
    'Add a new map column and move the data over.',
  )
}

/** Ids of all fields inside a field, at any depth. */
export function descendantIds(schema: Schema, id: number): readonly number[] {
  return idsInside(lastOf(fieldPath(schema, id)).type)
}

function idsInside(type: Type): readonly number[] {
  return childFields(type).flatMap((field) => [field.id, ...idsInside(field.type)])
}

function lastOf(path: readonly NestedField[]): NestedField {
  // A path always ends in the field that it leads to.
  return path[path.length - 1]!
}

/** A change that the format's rules forbid: the column, the rule, what to do. */
export function refuse(
  column: string,
  rule: string,
  hint?: string,
  cause?: unknown,
): IncompatibleChangeError {
  return new IncompatibleChangeError(`column '${column}': ${rule}`, { column, hint, cause })
}
