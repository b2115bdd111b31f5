/** Several Parquet files read as one have to agree on their columns' types. */
import { SchemaMismatchError } from '../../errors.ts'
import type { Session, StatementOptions } from './session.ts'
import { quotePaths } from './sql.ts'

/** Types that are read as the widest of them without loss. */
const WHOLE: ReadonlySet<string> = new Set([
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
])

/**
 * SchemaMismatchError naming a column that two files have with different types: read together they
 * would be brought to a common one before anybody could see what that loses.
 */
export async function checkSameTypes(
  session: Session,
  paths: readonly string[],
  options: StatementOptions,
): Promise<void> {
  if (paths.length < 2) return
  const seen = new Map<string, string>()
  for (const path of await oneOfEachLayout(session, paths, options)) {
    const empty = await session.run(`SELECT * FROM read_parquet(${quotePaths([path])}) LIMIT 0`, options)
    for (const [at, name] of empty.columnNames().entries()) {
      const type = String(empty.columnType(at))
      const before = seen.get(name.toLowerCase())
      if (before === undefined) seen.set(name.toLowerCase(), type)
      else if (!agree(before, type)) throw disagree(name, path, before, type)
    }
  }
}

/** Of files that are described alike, the first: most sets of files have one layout. */
async function oneOfEachLayout(
  session: Session,
  paths: readonly string[],
  options: StatementOptions,
): Promise<readonly string[]> {
  const element = '(name, type, type_length, converted_type, logical_type, scale, precision)'
  const layouts = `SELECT file_name, list(${element}) AS layout FROM parquet_schema(${quotePaths(paths)}) GROUP BY file_name`
  const rows = await session.rows(`SELECT min(file_name) AS path FROM (${layouts}) GROUP BY layout`, options)
  return rows.map((row) => String(row['path'])).toSorted()
}

function agree(a: string, b: string): boolean {
  return a === b || (WHOLE.has(a) && WHOLE.has(b))
}

function disagree(column: string, file: string, before: string, type: string): SchemaMismatchError {
  return new SchemaMismatchError(`column '${column}' is ${type} in this file and ${before} in another`, {
    column,
    file,
    hint: 'Write files of different types one by one, so that each is checked against the table.',
  })
}
