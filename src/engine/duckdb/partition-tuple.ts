/** The partition values of a file that DuckDB wrote into a folder of its own. */
import { EngineError } from '../../errors.ts'
import { findField } from '../../format/schema.ts'
import { applyTransform } from '../../format/transforms/apply.ts'
import { isPrimitive, type Datum } from '../../format/types.ts'
import type { WriteRequest } from '../data-plane.ts'
import type { DuckDbEngine } from './connection.ts'
import { exactTextSql, exactValue } from './exact-values.ts'
import { checkHolds } from './partition-values.ts'
import { quotePaths } from './sql.ts'
import type { PartitionKey } from './transforms.ts'
import { leavesOf, type FileReport } from './write-stats.ts'
import type { OutgoingColumn } from './convert.ts'

interface Written {
  readonly engine: DuckDbEngine
  readonly request: WriteRequest
  readonly columns: readonly OutgoingColumn[]
}

/** The tuple by the file's keys, or, where a value was too long to be a key, by its first row. */
export async function tupleOf(
  written: Written,
  keys: readonly PartitionKey[],
  report: FileReport,
): Promise<readonly (Datum | null)[]> {
  const tuple: (Datum | null)[] = []
  for (const [at, key] of keys.entries()) {
    const decoded = key.decode(report.partition[at] ?? null)
    const value = decoded === undefined ? await valueOfFirstRow(written, at, report) : decoded
    const field = written.request.spec.fields[at]
    if (value !== null && field !== undefined) checkHolds(written.request.schema, field, value)
    tuple.push(value)
  }
  return tuple
}

async function valueOfFirstRow(written: Written, at: number, report: FileReport): Promise<Datum | null> {
  const { engine, request, columns } = written
  const field = request.spec.fields[at]
  const source = field === undefined ? undefined : findField(request.schema, field.sourceId)
  const leaf = leavesOf(columns).find(({ id }) => id === source?.id)
  if (field === undefined || source === undefined || leaf === undefined || !isPrimitive(source.type)) {
    throw new EngineError(`partition field ${field?.name ?? at} has no source column`)
  }
  const text = exactTextSql(source.type, leaf.sql)
  const rows = await engine.withSession({ paths: [report.path] }, (session) =>
    session.rows(
      `SELECT ${text} AS value FROM read_parquet(${quotePaths([report.path])}, hive_partitioning = false) LIMIT 1`,
      { doing: 'read back a partition value', signal: request.signal },
    ),
  )
  const value = exactValue(source.type, rows[0]?.['value'])
  if (value === null) throw new EngineError(`partition field ${field.name} was not read back`)
  return applyTransform(field.transform, source.type, value)
}
