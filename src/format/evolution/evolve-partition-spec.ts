/** Changes of a partition spec (Iceberg spec, "Partition Evolution"); nothing is committed here. */
import { IncompatibleChangeError, InvalidExpressionError } from '../../errors.ts'
import type { FormatVersion } from '../metadata/table-metadata.ts'
import { FIRST_PARTITION_FIELD_ID, samePartition } from '../partition-spec.ts'
import type { PartitionField, PartitionSpec } from '../partition-spec.ts'
import { nameProblem, sourceProblem } from '../partition-validation.ts'
import { findFieldByName } from '../schema-lookup.ts'
import type { Schema } from '../schema.ts'
import { parseTransform, sameTransform, transformToString } from '../transforms/transform.ts'
import type { Transform } from '../transforms/transform.ts'
import type { NestedField } from '../types.ts'
import { partitionFieldRefToString, type PartitionEdit, type PartitionFieldRef } from './partition-edit.ts'

/** The table that a spec is evolved for. */
export interface PartitionBase {
  readonly schema: Schema
  readonly spec: PartitionSpec
  /** Every spec that the table keeps: fields that come back get their old ids. */
  readonly specs: readonly PartitionSpec[]
  readonly lastPartitionId: number
  readonly formatVersion: FormatVersion
}

export interface PartitionEvolution {
  /** With ids; the spec's own id is the table's to give. */
  readonly fields: readonly PartitionField[]
  /** Equal on two bases exactly where the changes mean the same on both. */
  readonly witness: readonly string[]
}

/** A field in the middle of a call's changes. */
interface StagedField {
  readonly field: PartitionField
  readonly state: 'kept' | 'added' | 'removed'
}

interface Staging {
  readonly base: PartitionBase
  readonly caseSensitive: boolean
  readonly fields: readonly StagedField[]
  readonly lastPartitionId: number
  readonly witness: readonly string[]
}

/**
 * Applies changes in order. What is not named stays as it is. A removed field goes, in format
 * version 1 it becomes void in its place; a field that the table has had before gets its old id.
 *
 * IncompatibleChangeError names the change, the field and the rule.
 */
export function evolvePartitionSpec(
  base: PartitionBase,
  edits: readonly PartitionEdit[],
  options: { readonly caseSensitive?: boolean } = {},
): PartitionEvolution {
  const start: Staging = {
    base,
    caseSensitive: options.caseSensitive ?? true,
    fields: base.spec.fields.map((field) => ({ field, state: 'kept' })),
    lastPartitionId: base.lastPartitionId,
    witness: [],
  }
  const staging = edits.reduce((staged, edit) => applyEdit(staged, edit), start)
  return { fields: finished(staging), witness: staging.witness }
}

function applyEdit(staging: Staging, edit: PartitionEdit): Staging {
  switch (edit.type) {
    case 'add_field':
      return addField(staging, edit)
    case 'remove_field':
      return removeField(staging, edit.field, edit.type)
    case 'rename_field':
      return renameField(staging, edit)
    case 'replace_field':
      return addField(removeField(staging, edit.field, edit.type), edit)
  }
}

interface NewField {
  readonly type: string
  readonly source: string
  readonly transform: string
  readonly name: string | null
}

function addField(staging: Staging, edit: NewField): Staging {
  const transform = parseTransform(edit.transform)
  const source = sourceOf(staging, edit.source, transform, edit.type)
  const noted = { ...staging, witness: [...staging.witness, `${edit.transform} of ${source.id}`] }
  const same = staging.fields.find(({ field }) => isSame(field, source, transform))
  if (same?.state === 'removed') return restore(noted, same, edit.name)
  if (same !== undefined) {
    throw refuse(edit.type, same.field.name, 'the table is partitioned in this way already')
  }
  checkTimes(staging, source, transform, edit.type)
  const earlier = earlierField(staging, source, transform, edit.name)
  const name = edit.name ?? chooseName(noted, earlier, edit.source, source, transform)
  const reason = nameProblem(staging.base.schema, name, source, transform)
  if (reason !== null) throw refuse(edit.type, name, reason, 'Give the partition field another name.')
  const freed = freeName(noted, name, edit.type)
  const { formatVersion } = staging.base
  // In v1 ids count up within each spec, and its fields never leave.
  const fresh =
    formatVersion === 1 ? FIRST_PARTITION_FIELD_ID + freed.fields.length : freed.lastPartitionId + 1
  const fieldId = earlier?.fieldId ?? fresh
  const added: StagedField = { field: { sourceId: source.id, fieldId, name, transform }, state: 'added' }
  return {
    ...freed,
    fields: [...freed.fields, added],
    lastPartitionId: Math.max(freed.lastPartitionId, fieldId),
  }
}

function isSame(field: PartitionField, source: NestedField, transform: Transform): boolean {
  return (
    field.sourceIds === undefined && field.sourceId === source.id && sameTransform(field.transform, transform)
  )
}

function sourceOf(staging: Staging, name: string, transform: Transform, word: string): NestedField {
  const { schema } = staging.base
  const source = findSource(staging, name, word)
  const reason = sourceProblem(schema, name, source, transform)
  if (reason !== null || source === undefined) throw refuse(word, name, reason ?? 'there is no such column')
  return source
}

function findSource({ base, caseSensitive }: Staging, name: string, word: string): NestedField | undefined {
  try {
    return findFieldByName(base.schema, name, { caseSensitive })
  } catch (cause) {
    if (!(cause instanceof InvalidExpressionError)) throw cause
    throw refuse(word, name, 'several columns answer to this name', cause.hint)
  }
}

/** A field that this call has removed comes back where it was. */
function restore(staging: Staging, { field }: StagedField, name: string | null): Staging {
  const restored = withField(staging, field.fieldId, (each) => ({ ...each, state: 'kept' }))
  if (name === null || name === field.name) return restored
  return renameField(restored, { type: 'rename_field', name: field.name, newName: name })
}

const TIMES: ReadonlySet<string> = new Set(['year', 'month', 'day', 'hour'])

/** Of two parts of the same time the finer one says all that the other does. */
function checkTimes(staging: Staging, source: NestedField, transform: Transform, word: string): void {
  if (!TIMES.has(transform.kind)) return
  const other = staging.fields.find(
    ({ field, state }) =>
      state === 'added' && field.sourceId === source.id && TIMES.has(field.transform.kind),
  )
  if (other === undefined) return
  throw refuse(
    word,
    other.field.name,
    `${transformToString(transform)} of the same column would be redundant`,
    'Add the finer of the two only.',
  )
}

/**
 * v2: the table's field with the same values, which must keep its id; where names differ, the same name
 * wins. Specs from when the table was v1 may share ids: one that is in use is not given again.
 */
function earlierField(
  { base, fields }: Staging,
  source: NestedField,
  transform: Transform,
  name: string | null,
): PartitionField | undefined {
  if (base.formatVersion === 1) return undefined
  const wanted: PartitionField = { sourceId: source.id, fieldId: 0, name: '', transform }
  const used = new Set(fields.map(({ field }) => field.fieldId))
  const same = base.specs
    .flatMap((spec) => spec.fields)
    .filter((field) => samePartition(field, wanted) && !used.has(field.fieldId))
  return same.findLast((field) => field.name === name) ?? same.at(-1)
}

function chooseName(
  staging: Staging,
  earlier: PartitionField | undefined,
  sourceName: string,
  source: NestedField,
  transform: Transform,
): string {
  const derived = evolvedPartitionName(sourceName, transform)
  if (earlier === undefined) return derived
  const isTaken = liveFields(staging).some(({ field }) => field.name === earlier.name)
  return isTaken || nameProblem(staging.base.schema, earlier.name, source, transform) !== null
    ? derived
    : earlier.name
}

/**
 * The name of a field that joins a spec: with the transform's parameter, so that `bucket[8]` can take
 * over from `bucket[16]`.
 */
export function evolvedPartitionName(source: string, transform: Transform): string {
  switch (transform.kind) {
    case 'identity':
      return source
    case 'bucket':
      return `${source}_bucket_${transform.buckets}`
    case 'truncate':
      return `${source}_trunc_${transform.width}`
    case 'void':
      return `${source}_null`
    case 'unknown':
      return `${source}_${transform.text}`
    default:
      return `${source}_${transform.kind}`
  }
}

function removeField(staging: Staging, ref: PartitionFieldRef, word: string): Staging {
  const { field, state } = fieldAt(staging, ref, word)
  if (state === 'added') {
    throw refuse(
      word,
      field.name,
      'it was added by an earlier change of this call',
      'Leave out both changes.',
    )
  }
  const noted = { ...staging, witness: [...staging.witness, `remove ${field.fieldId}`] }
  return withField(noted, field.fieldId, (each) => ({ ...each, state: 'removed' }))
}

function renameField(
  staging: Staging,
  edit: { readonly type: string; readonly name: string; readonly newName: string },
): Staging {
  const { field } = fieldAt(staging, edit.name, edit.type)
  const noted = { ...staging, witness: [...staging.witness, `rename ${field.fieldId}`] }
  if (edit.newName === field.name) return noted
  const reason = renameProblem(staging, field, edit.newName)
  if (reason !== null) throw refuse(edit.type, field.name, reason, 'Choose another name.')
  const freed = freeName(noted, edit.newName, edit.type)
  return withField(freed, field.fieldId, (each) => ({
    ...each,
    field: { ...each.field, name: edit.newName },
  }))
}

function renameProblem({ base }: Staging, field: PartitionField, name: string): string | null {
  const source: Pick<NestedField, 'id'> = { id: field.sourceId }
  return nameProblem(base.schema, name, source, field.transform)
}

function fieldAt(staging: Staging, ref: PartitionFieldRef, word: string): StagedField {
  const found = liveFields(staging).find(({ field }) => isMeant(staging, field, ref, word))
  if (found !== undefined) return found
  const text = partitionFieldRefToString(ref)
  const wasRemoved = staging.fields.some(
    ({ field, state }) => state === 'removed' && isMeant(staging, field, ref, word),
  )
  throw refuse(
    word,
    text,
    wasRemoved ? 'an earlier change of this call removed it' : 'the table has no such partition field',
    `Partition fields: ${
      liveFields(staging)
        .map(({ field }) => field.name)
        .join(', ') || 'none'
    }.`,
  )
}

function isMeant(staging: Staging, field: PartitionField, ref: PartitionFieldRef, word: string): boolean {
  if (typeof ref === 'string') return field.name === ref
  const source = findSource(staging, ref.source, word)
  return source !== undefined && isSame(field, source, parseTransform(ref.transform))
}

function liveFields({ fields }: Staging): readonly StagedField[] {
  return fields.filter(({ state }) => state !== 'removed')
}

/**
 * Takes a name from a field that is only a place-holder: a void one of v1, now or soon, gives its
 * name away. Any other field keeps it.
 */
function freeName(staging: Staging, name: string, word: string): Staging {
  const holder = staging.fields.find(({ field, state }) => field.name === name && holdsName(staging, state))
  if (holder === undefined) return staging
  const isPlaceHolder = holder.state === 'removed' || holder.field.transform.kind === 'void'
  if (!isPlaceHolder) {
    throw refuse(word, name, 'there is a partition field of that name already', 'Choose another name.')
  }
  return withField(staging, holder.field.fieldId, (each) => ({
    ...each,
    field: { ...each.field, name: `${name}_${each.field.fieldId}` },
  }))
}

function holdsName({ base }: Staging, state: StagedField['state']): boolean {
  return state !== 'removed' || base.formatVersion === 1
}

function withField(staging: Staging, fieldId: number, change: (field: StagedField) => StagedField): Staging {
  return {
    ...staging,
    fields: staging.fields.map((each) => (each.field.fieldId === fieldId ? change(each) : each)),
  }
}

function finished(staging: Staging): readonly PartitionField[] {
  const fields = staging.fields.flatMap(({ field, state }): PartitionField[] => {
    if (state !== 'removed') return [field]
    return staging.base.formatVersion === 1 ? [{ ...field, transform: { kind: 'void' } }] : []
  })
  const unknown = fields.find(({ transform }) => transform.kind === 'unknown')
  if (unknown !== undefined) {
    throw refuse(
      'evolution of the partition spec',
      unknown.name,
      `its transform '${transformToString(unknown.transform)}' is not known, and a new spec cannot carry it on`,
      'Remove the field in the same call.',
    )
  }
  return fields
}

function refuse(word: string, field: string, rule: string, hint?: string): IncompatibleChangeError {
  return new IncompatibleChangeError(`${word}: '${field}': ${rule}`, { column: field, hint })
}
