/**
 * What the engine says against a query. Only its fixed words are looked at, and only names go on:
 * columns and functions, never a literal of the query or a value of a row.
 */
import { InvalidDataError, InvalidQueryError, type FloebergError } from '../../errors.ts'

const NAME = String.raw`"?([\w .$-]{1,128}?)"?`

const SHAPES: readonly (readonly [RegExp, (name: string) => string])[] = [
  [
    new RegExp(`^Binder Error: Referenced column ${NAME} (?:was )?not found`),
    (name) => `there is no column '${name}'`,
  ],
  [
    new RegExp(`^Binder Error: Referenced table ${NAME} not found`),
    (name) => `there is no table '${name}' in its FROM clause`,
  ],
  [
    new RegExp(`^Binder Error: Table ${NAME} does not have a column`),
    (name) => `table '${name}' has no such column`,
  ],
  [
    new RegExp(`^Binder Error: Values list ${NAME} does not have a column`),
    (name) => `'${name}' has no such column`,
  ],
  [
    new RegExp(`^Binder Error: Ambiguous reference to column name ${NAME} `),
    (name) => `column '${name}' is in more than one table`,
  ],
  [
    new RegExp(`^Binder Error: column ${NAME} must appear in the GROUP BY`),
    (name) => `column '${name}' is neither grouped by nor aggregated`,
  ],
  [new RegExp(`^Binder Error: Duplicate alias ${NAME} in query`), (name) => `'${name}' names two tables`],
  [
    new RegExp(`^Catalog Error: (?:Scalar |Aggregate |Table )?Function with name ${NAME} does not exist`),
    (name) => `there is no function '${name}'`,
  ],
  [
    new RegExp(String.raw`^Binder Error: No function matches the given name and argument types '(\w+)\(`),
    (name) => `function '${name}' does not take these types`,
  ],
  [
    new RegExp(`^Catalog Error: Type with name ${NAME} does not exist`),
    (name) => `there is no type '${name}'`,
  ],
]

/** The error of a statement that was not run: the query itself is at fault. */
export function queryFailure(text: string): FloebergError | null {
  for (const [shape, say] of SHAPES) {
    const name = shape.exec(text)?.[1]
    if (name !== undefined) return new InvalidQueryError(`The query does not fit its tables: ${say(name)}`)
  }
  if (/^(Binder|Catalog|Parser|Not implemented|Conversion|Invalid Input) Error/.test(text)) {
    return new InvalidQueryError('The query does not fit its tables, or uses what the engine does not know', {
      hint: 'Look at the names and types of columns, and at the arguments of functions.',
    })
  }
  return null
}

/** The error of a statement that ran into a value. */
export function valueFailure(text: string): FloebergError | null {
  if (/^(Conversion|Out of Range|Invalid Input) Error/.test(text)) {
    return new InvalidDataError('A value that the query computes is out of range, or cannot be converted', {
      source: 'query',
      hint: 'TRY_CAST and TRY(…) give null in its place.',
    })
  }
  return null
}
