/** Bounds of texts and byte strings that are too long for DuckDB's own statistics. */
import type { MetricsMode } from '../../format/metrics-config.ts'
import type { WriteRequest } from '../data-plane.ts'
import type { DuckDbEngine } from './connection.ts'
import { exactTextSql, exactValue } from './exact-values.ts'
import type { Extremes } from './file-metrics.ts'
import { quotePaths } from './sql.ts'
import { leavesWithoutExtremes, type FileReport, type Leaf } from './write-stats.ts'

/**
 * Least and greatest values by field id, of the columns of a finished file whose bounds are wanted
 * and missing. They are cut one unit beyond what the bounds keep, so that cutting them for good
 * knows that there was more.
 */
export async function longExtremes(
  engine: DuckDbEngine,
  file: FileReport,
  leaves: readonly Leaf[],
  request: WriteRequest,
): Promise<ReadonlyMap<number, Extremes>> {
  const wanted = leavesWithoutExtremes(file, leaves, request.metrics)
  if (wanted.length === 0) return new Map()
  const terms = wanted.flatMap((leaf, at) => {
    const value = cutSql(leaf, request.metrics.modeOf(leaf.id))
    return [
      `${exactTextSql(leaf.type, `min(${value})`)} AS lower${at}`,
      `${exactTextSql(leaf.type, `max(${value})`)} AS upper${at}`,
    ]
  })
  const sql = `SELECT ${terms.join(', ')} FROM read_parquet(${quotePaths([file.path])}, hive_partitioning = false)`
  const [row] = await engine.withSession({ paths: [file.path] }, (session) =>
    session.rows(sql, { doing: 'compute bounds', signal: request.signal }),
  )
  const found = new Map<number, Extremes>()
  for (const [at, leaf] of wanted.entries()) {
    const lower = exactValue(leaf.type, row?.[`lower${at}`])
    const upper = exactValue(leaf.type, row?.[`upper${at}`])
    if (lower !== null && upper !== null) found.set(leaf.id, { lower, upper })
  }
  return found
}

function cutSql(leaf: Leaf, mode: MetricsMode): string {
  if (mode.kind !== 'truncate') return leaf.sql
  return leaf.type.kind === 'string'
    ? `left(${leaf.sql}, ${mode.length + 1})`
    : `array_slice(${leaf.sql}, 1, ${mode.length + 1})`
}
