/** The columns that make a row's key in an upsert, and what keys may not be. */
import { InvalidArgumentError, InvalidDataError } from '../errors.ts'
import { fieldName, findFieldByName, type Schema } from '../format/schema.ts'
import type { KeyProblems } from '../engine/row-changes.ts'
import type { UpsertOptions } from './row-change-options.ts'

const UNFIT_KEYS: ReadonlySet<string> = new Set([
  'float',
  'double',
  'struct',
  'list',
  'map',
  'variant',
  'unknown',
])

/** Ids of the key columns: those named, else the schema's identifier fields. InvalidArgumentError. */
export function keyColumns(schema: Schema, options: UpsertOptions): readonly number[] {
  const names =
    options.joinColumns ?? schema.identifierFieldIds.map((id) => fieldName(schema, id) ?? String(id))
  if (names.length === 0) {
    throw new InvalidArgumentError('An upsert needs joinColumns, or identifier fields in the schema', {
      hint: "Pass joinColumns: ['id'] (`--join-columns id`), or set identifier fields by an evolution of the schema.",
    })
  }
  const ids = names.map((name) => keyColumn(schema, name, options))
  if (new Set(ids).size < ids.length) throw new InvalidArgumentError('joinColumns names a column twice')
  return ids
}

function keyColumn(schema: Schema, name: string, options: UpsertOptions): number {
  const field = findFieldByName(schema, name, { caseSensitive: options.caseSensitive ?? true })
  if (field === undefined) throw new InvalidArgumentError(`joinColumns: the table has no column '${name}'`)
  if (!schema.fields.includes(field))
    throw new InvalidArgumentError(`joinColumns: '${name}' is not a top-level column`)
  if (UNFIT_KEYS.has(field.type.kind)) {
    throw new InvalidArgumentError(
      `joinColumns: '${name}' is of type ${field.type.kind}, whose values make no keys`,
    )
  }
  return field.id
}

/** InvalidDataError naming column and count: a key is never null, and never there twice. */
export function checkKeys(schema: Schema, keys: readonly number[], problems: KeyProblems): void {
  for (const [id, count] of problems.nulls) {
    if (count === 0) continue
    const column = fieldName(schema, id) ?? String(id)
    throw new InvalidDataError(
      `${count} ${count === 1 ? 'row of the source has' : 'rows of the source have'} null in the key column '${column}'`,
      { column, hint: 'A null key matches nothing. Nothing was changed.' },
    )
  }
  if (problems.duplicateRows > 0) {
    const columns = keys.map((id) => fieldName(schema, id) ?? String(id)).join(', ')
    throw new InvalidDataError(
      `${problems.duplicateRows} rows of the source share their key (${columns}) with another row`,
      {
        column: columns,
        hint: 'Which of them should win is not known. Nothing was changed.',
      },
    )
  }
}
