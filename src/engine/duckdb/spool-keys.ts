/** What the keys of spooled rows are like. */
import { InvalidArgumentError } from '../../errors.ts'
import type { Datum } from '../../format/types.ts'
import type { RunOptions } from '../data-plane.ts'
import type { KeyBounds, KeyProblems, SpooledRows } from '../row-changes.ts'
import type { DuckDbEngine } from './connection.ts'
import { exactTextSql, exactValue } from './exact-values.ts'
import { Spool } from './spool.ts'

/** RowChanges.checkKeys by DuckDB. */
export async function checkKeys(
  engine: DuckDbEngine,
  source: SpooledRows,
  keys: readonly number[],
  options: RunOptions = {},
): Promise<KeyProblems> {
  const spool = Spool.of(source)
  const columns = keys.map((id) => spool.column(id).sql)
  if (columns.length === 0) throw new InvalidArgumentError('rows without key columns have no keys')
  const counts = columns.map((sql, at) => `count(*) FILTER (WHERE ${sql} IS NULL) AS n${at}`)
  const whole = columns.map((sql) => `${sql} IS NOT NULL`).join(' AND ')
  const list = columns.join(', ')
  const repeated = `SELECT count(*) AS n FROM ${spool.from} WHERE ${whole} GROUP BY ${list} HAVING count(*) > 1`
  const [row] = await rowsOf(
    engine,
    spool,
    `SELECT * FROM (SELECT ${counts.join(', ')} FROM ${spool.from}), ` +
      `(SELECT coalesce(sum(n), 0) AS duplicates FROM (${repeated}))`,
    options,
  )
  const nulls = keys.map((id, at) => [id, Number(row?.[`n${at}`])] as const)
  return {
    nulls: new Map(nulls.filter(([, count]) => count > 0)),
    duplicateRows: Number(row?.['duplicates']),
  }
}

/** RowChanges.keyBounds by DuckDB. A column of which no bounds can be told is left out. */
export async function keyBounds(
  engine: DuckDbEngine,
  source: SpooledRows,
  keys: readonly number[],
  options: RunOptions = {},
): Promise<KeyBounds> {
  const spool = Spool.of(source)
  if (spool.rows === 0) return null
  const columns = keys.map((id) => ({ id, ...spool.column(id) }))
  const terms = columns.flatMap(({ type, sql }, at) => [
    `${exactTextSql(type, `min(${sql})`)} AS lower${at}`,
    `${exactTextSql(type, `max(${sql})`)} AS upper${at}`,
  ])
  const [row] = await rowsOf(engine, spool, `SELECT ${terms.join(', ')} FROM ${spool.from}`, options)
  const bounds = new Map<number, { readonly lower: Datum; readonly upper: Datum }>()
  for (const [at, { id, type }] of columns.entries()) {
    const lower = exactValue(type, row?.[`lower${at}`])
    const upper = exactValue(type, row?.[`upper${at}`])
    if (lower !== null && upper !== null) bounds.set(id, { lower, upper })
  }
  return bounds
}

function rowsOf(engine: DuckDbEngine, spool: Spool, sql: string, { signal }: RunOptions) {
  return engine.withSession({ paths: [spool.path] }, (session) =>
    session.rows(sql, { doing: "look at the source's keys", signal, reading: [spool.path] }),
  )
}
