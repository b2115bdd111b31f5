/**
 * Turns a writer's Avro schema into functions that decode only what is wanted.
 *
 * Fields are found by their Iceberg field id and, where a writer gave none, by name. A plan is made
 * once per file; decoding then runs without looking at the schema again.
 */
import { CorruptFileError } from '../../errors.ts'
import type { Cursor } from './avro-cursor.ts'
import type { AvroField, AvroRecord, AvroType } from './avro-schema.ts'
import { unexpectedType } from './avro-schema.ts'

export type Read<T> = (cursor: Cursor) => T
export type Skip = (cursor: Cursor) => void
/** Decodes one field into its place in the target. */
export type Step<Target> = (cursor: Cursor, target: Target) => void

/** A field that the reader wants, of the Iceberg spec's id and name. */
export interface Wanted<Target> {
  readonly id: number
  readonly name: string
  /** Names that older writers used. */
  readonly aliases?: readonly string[]
  /** The file makes no sense without it. */
  readonly required?: boolean
  /** Makes the step, once per file, for the type that the writer gave the field. */
  readonly plan: (type: AvroType, field: string) => Step<Target>
}

/** The steps of a record, in the writer's order; fields that nobody wants are skipped. */
export function planRecord<Target>(
  record: AvroRecord,
  wanted: readonly Wanted<Target>[],
  file: string,
): readonly Step<Target>[] {
  const found = new Set<Wanted<Target>>()
  const steps = record.fields.map((field): Step<Target> => {
    const match = wanted.find((candidate) => matches(field, candidate))
    if (match === undefined || found.has(match)) return planSkip(field.type)
    found.add(match)
    return match.plan(field.type, match.name)
  })
  const missing = wanted.find((candidate) => candidate.required === true && !found.has(candidate))
  if (missing !== undefined) {
    throw new CorruptFileError(`the field ${missing.name} (${missing.id}) is missing from the file`, { file })
  }
  return steps
}

function matches(field: AvroField, wanted: Wanted<never>): boolean {
  if (field.id !== null) return field.id === wanted.id
  return field.name === wanted.name || (wanted.aliases?.includes(field.name) ?? false)
}

export function runSteps<Target>(steps: readonly Step<Target>[], cursor: Cursor, target: Target): void {
  for (const step of steps) step(cursor, target)
}

/**
 * A reader of a value that may be missing, whatever place null has in the union. `plan` makes the
 * reader of the value itself.
 */
export function planNullable<T>(type: AvroType, plan: (type: AvroType) => Read<T>): Read<T | null> {
  if (type.kind === 'null') return () => null
  if (type.kind !== 'union') return plan(type)
  const branches = type.branches.map((branch) => (branch.kind === 'null' ? null : plan(branch)))
  return (cursor) => {
    const branch = branches[cursor.int()]
    if (branch === undefined) return cursor.fail('a union has no such branch')
    return branch === null ? null : branch(cursor)
  }
}

/** As planNullable, for a value that must be there: null is a CorruptFileError. */
export function planPresent<T>(type: AvroType, field: string, plan: (type: AvroType) => Read<T>): Read<T> {
  if (type.kind !== 'union' && type.kind !== 'null') return plan(type)
  const read = planNullable(type, plan)
  return (cursor) => read(cursor) ?? cursor.fail(`the field ${field} has no value`)
}

export function planInt(type: AvroType, field: string, file: string): Read<number> {
  if (type.kind !== 'int' && type.kind !== 'long') throw unexpectedType(file, field, type)
  return (cursor) => cursor.int()
}

/** A long that is a safe integer. */
export function planLong(type: AvroType, field: string, file: string): Read<number> {
  if (type.kind !== 'int' && type.kind !== 'long') throw unexpectedType(file, field, type)
  return (cursor) => cursor.long()
}

export function planBigLong(type: AvroType, field: string, file: string): Read<bigint> {
  if (type.kind !== 'int' && type.kind !== 'long') throw unexpectedType(file, field, type)
  return (cursor) => cursor.bigLong()
}

export function planBoolean(type: AvroType, field: string, file: string): Read<boolean> {
  if (type.kind !== 'boolean') throw unexpectedType(file, field, type)
  return (cursor) => cursor.boolean()
}

export function planString(type: AvroType, field: string, file: string): Read<string> {
  if (type.kind !== 'string' && type.kind !== 'bytes') throw unexpectedType(file, field, type)
  return (cursor) => cursor.string()
}

/** Bytes of their own: they outlive the block that they were read from. */
export function planBytes(type: AvroType, field: string, file: string): Read<Uint8Array> {
  switch (type.kind) {
    case 'bytes':
    case 'string':
      return (cursor) => cursor.bytesView().slice()
    case 'fixed':
      return (cursor) => cursor.fixedView(type.size).slice()
    default:
      throw unexpectedType(file, field, type)
  }
}

/** An array; items that are null are left out. */
export function planArray<T>(
  type: AvroType,
  field: string,
  file: string,
  planItem: (type: AvroType) => Read<T>,
): Read<readonly T[]> {
  if (type.kind !== 'array') throw unexpectedType(file, field, type)
  const read = planNullable(type.items, planItem)
  const minSize = minimumSize(type.items)
  return (cursor) => {
    const items: T[] = []
    for (let count = cursor.blockCount(minSize); count !== 0; count = cursor.blockCount(minSize)) {
      for (let index = 0; index < count; index += 1) {
        const item = read(cursor)
        if (item !== null) items.push(item)
      }
    }
    return items
  }
}

/** A function that moves past a value of this type as fast as its encoding allows. */
export function planSkip(type: AvroType): Skip {
  switch (type.kind) {
    case 'null':
      return () => {}
    case 'boolean':
      return (cursor) => cursor.skip(1)
    case 'int':
    case 'long':
    case 'enum':
      return (cursor) => cursor.skipVarint()
    case 'float':
      return (cursor) => cursor.skip(4)
    case 'double':
      return (cursor) => cursor.skip(8)
    case 'bytes':
    case 'string':
      return (cursor) => cursor.skipBytes()
    case 'fixed':
      return (cursor) => cursor.skip(type.size)
    case 'union':
      return planSkipUnion(type.branches)
    case 'record':
      return planSkipRecord(type)
    case 'array':
      return planSkipItems(planSkip(type.items), minimumSize(type.items))
    case 'map': {
      const value = planSkip(type.values)
      const entry: Skip = (cursor) => {
        cursor.skipBytes()
        value(cursor)
      }
      return planSkipItems(entry, 1 + minimumSize(type.values))
    }
  }
}

function planSkipUnion(branches: readonly AvroType[]): Skip {
  const skips = branches.map(planSkip)
  return (cursor) => {
    const skip = skips[cursor.int()]
    if (skip === undefined) return cursor.fail('a union has no such branch')
    skip(cursor)
  }
}

const recordSkips = new WeakMap<AvroRecord, Skip>()

/** Named types may be used many times over in one schema: each is planned once. */
function planSkipRecord(record: AvroRecord): Skip {
  const known = recordSkips.get(record)
  if (known !== undefined) return known
  const skips = record.fields.map((field) => planSkip(field.type))
  const skip: Skip = (cursor) => {
    for (const step of skips) step(cursor)
  }
  recordSkips.set(record, skip)
  return skip
}

function planSkipItems(skip: Skip, minSize: number): Skip {
  return (cursor) => cursor.skipBlocks(minSize, skip)
}

const recordSizes = new WeakMap<AvroRecord, number>()

/** The fewest bytes that a value of this type takes: what bounds a count of them. */
export function minimumSize(type: AvroType): number {
  switch (type.kind) {
    case 'null':
      return 0
    case 'float':
      return 4
    case 'double':
      return 8
    case 'fixed':
      return type.size
    case 'union':
      return 1 + Math.min(...type.branches.map(minimumSize))
    case 'record': {
      const known = recordSizes.get(type)
      if (known !== undefined) return known
      const size = type.fields.reduce((total, field) => total + minimumSize(field.type), 0)
      recordSizes.set(type, size)
      return size
    }
    default:
      return 1
  }
}
