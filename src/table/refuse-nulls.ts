/** Whether a column has no null in any row of any branch, so that it may become required. */
import { IncompatibleChangeError } from '../errors.ts'
import { isNull } from '../format/expressions/expression.ts'
import { currentSchema } from '../format/metadata/views.ts'
import { fieldName, fieldPath, type Schema } from '../format/schema.ts'
import { isPrimitive, type NestedField } from '../format/types.ts'
import type { Row, Value } from '../format/values/value.ts'
import { createScan, type ScanOptions } from './scan.ts'
import type { TableState } from './table-state.ts'

/**
 * IncompatibleChangeError when a row of a branch has a null there. Null counts of the files decide
 * where they are there and exact; the rest is read, until `signal` ends it: OperationAbortedError.
 */
export async function refuseNulls(state: TableState, fieldId: number, signal?: AbortSignal): Promise<void> {
  const schema = currentSchema(state.metadata)
  const column = fieldName(schema, fieldId) ?? `id ${fieldId}`
  const path = fieldPath(schema, fieldId)
  for (const [ref, { type }] of Object.entries(state.metadata.refs)) {
    // A tag is read with the schema of its own time.
    if (type !== 'branch' || !(await hasNull(state, { ref, signal }, schema, path))) continue
    throw new IncompatibleChangeError(
      `make_required: column '${column}': rows of branch '${ref}' have nulls there`,
      { column, hint: 'Replace or delete these rows first, or leave the column optional.' },
    )
  }
}

async function hasNull(
  state: TableState,
  read: Pick<ScanOptions, 'ref' | 'signal'>,
  schema: Schema,
  path: readonly NestedField[],
): Promise<boolean> {
  const name = fieldName(schema, path.at(-1)?.id ?? 0) ?? ''
  if (isPlain(path)) {
    const scan = createScan(state, { ...read, filter: isNull(name), limit: 1 })
    return (await scan.count()) > 0
  }
  const scan = createScan<Row>(state, { ...read, select: [name] })
  for await (const batch of scan.batches()) {
    if (batch.some((row) => nullWithin(row, path))) return true
  }
  return false
}

/** A null of such a column is a null of nothing else: no optional struct, list or map is around it. */
function isPlain(path: readonly NestedField[]): boolean {
  const field = path.at(-1)
  const around = path.slice(0, -1)
  return (
    field !== undefined &&
    isPrimitive(field.type) &&
    around.every(({ type, required }) => type.kind === 'struct' && required)
  )
}

/** Whether the last field of a path is null somewhere in a struct's value, where all above it is there. */
function nullWithin(value: Value, path: readonly NestedField[]): boolean {
  const [field, ...below] = path
  if (field === undefined) return value === null
  return partsOf(value, field).some((part) =>
    below.length === 0 ? part === null : part !== null && nullWithin(part, below),
  )
}

/** The values that a field has within the value of what holds it. */
function partsOf(value: Value, field: NestedField): readonly Value[] {
  if (value instanceof Map) return field.name === 'key' ? [...value.keys()] : [...value.values()]
  if (Array.isArray(value)) return value.map((each: Value) => entryPart(each, field))
  if (typeof value !== 'object' || value === null) return []
  const member: unknown = Reflect.get(value, field.name)
  // A row has its columns, and values of rows are nothing else.
  return [member === undefined ? null : (member as Value)]
}

/** A list's element is itself; a map with keys that are no primitives comes as pairs. */
function entryPart(each: Value, field: NestedField): Value {
  if (field.name === 'element' || !Array.isArray(each)) return each
  const pair: readonly Value[] = each
  return (field.name === 'key' ? pair[0] : pair[1]) ?? null
}
