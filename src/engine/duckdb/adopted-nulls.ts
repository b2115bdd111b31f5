/** Whether a file that others wrote has a value wherever the table wants one. */
import { InvalidDataError } from '../../errors.ts'
import { elementField, valueField } from '../../format/nested-fields.ts'
import type { NestedField } from '../../format/types.ts'
import { fileSql, readingContext, type OpenedFile } from './adopted-file.ts'
import { columnSql } from './projection.ts'
import { distinctNames } from './sql.ts'

/** InvalidDataError naming the column. Rows are looked at only where the footer does not tell. */
export async function refuseMissingValues(opened: OpenedFile): Promise<void> {
  const { adopting, file, columns, facts } = opened
  if (facts.rowCount === 0) return
  const open: { readonly sql: string; readonly name: string }[] = []
  for (const field of adopting.request.schema.fields) {
    const told = toldByFooter(opened, field)
    if (told === 'none') continue
    if (told === 'some') throw missing(opened, field.name)
    open.push(...conditions(field, `(${columnSql(field, columns)})`, field.name, 0))
  }
  if (open.length === 0) return
  const terms = open.map(({ sql }, at) => `coalesce(bool_or(${sql}), false) AS m${at}`)
  const [row] = await adopting.session.rows(
    `SELECT ${terms.join(', ')} FROM ${fileSql(file, columns)}`,
    readingContext(adopting, file),
  )
  const found = open.find((_, at) => row?.[`m${at}`] === true)
  if (found !== undefined) throw missing(opened, found.name)
}

function toldByFooter({ leaves }: OpenedFile, field: NestedField): 'none' | 'some' | 'open' {
  const leaf = leaves.find((each) => each.field.id === field.id)
  if (leaf === undefined || leaf.path.length > 1) return 'open'
  if (!field.required || leaf.facts.nullCount === 0) return 'none'
  return leaf.facts.nullCount === null ? 'open' : 'some'
}

/** SQL conditions, true where a required part of a value is null. */
function conditions(
  field: NestedField,
  sql: string,
  name: string,
  depth: number,
): readonly { readonly sql: string; readonly name: string }[] {
  const own = field.required ? [{ sql: `${sql} IS NULL`, name }] : []
  const { type } = field
  switch (type.kind) {
    case 'struct': {
      const names = distinctNames(type.fields.map((member) => member.name))
      const below = type.fields.flatMap((member, at) => {
        const label = `'${(names[at] ?? '').replaceAll("'", "''")}'`
        return conditions(member, `struct_extract(${sql}, ${label})`, `${name}.${member.name}`, depth)
      })
      return [...own, ...below.map((each) => ({ ...each, sql: `${sql} IS NOT NULL AND (${each.sql})` }))]
    }
    case 'list':
      return [...own, ...inside(elementField(type), sql, `${name}.element`, depth)]
    case 'map':
      // Keys are never null.
      return [...own, ...inside(valueField(type), `map_values(${sql})`, `${name}.value`, depth)]
    default:
      return own
  }
}

function inside(element: NestedField, list: string, name: string, depth: number) {
  const item = `e${depth}`
  return conditions(element, item, name, depth + 1).map((each) => ({
    name: each.name,
    sql: `len(list_filter(${list}, lambda ${item}: coalesce(${each.sql}, false))) > 0`,
  }))
}

function missing({ file }: OpenedFile, column: string): InvalidDataError {
  return new InvalidDataError(`A file has nulls in the required column '${column}'`, {
    file: file.name,
    source: file.name,
    column,
    hint: 'Make the column optional, or write the rows that have a value.',
  })
}
