/** Finding rows: which positions of which data files match. */
import { throwIfAborted } from '../../abort.ts'
import { InvalidArgumentError } from '../../errors.ts'
import { PositionSet } from '../../format/position-set.ts'
import { fieldPath, type Schema } from '../../format/schema.ts'
import { transformFunction } from '../../format/transforms/apply.ts'
import { transformResultType } from '../../format/transforms/transform.ts'
import type { PartitionField } from '../../format/partition-spec.ts'
import { isPrimitive, type Datum, type PrimitiveType } from '../../format/types.ts'
import type { FileMatch, MatchRequest, PartitionMatchRequest } from '../row-changes.ts'
import { fileMatch, hitBlocksSql, Hits, ROW_IDS } from './hits.ts'
import { refuseUnsupported, type OpenTask, type OpenTasks, type Reader } from './open-tasks.ts'
import { readPositionDeletes, withoutDeleted } from './position-deletes.ts'
import { leafSql } from './projection.ts'
import { diagnosed } from './read-failure.ts'
import { scanQuery, type ComputedColumn, type ScanQuery } from './scan-sql.ts'
import { datumSql, sqlType } from './sql.ts'
import { transformSql } from './transforms.ts'
import { isWhole, openWindows } from './windows.ts'

/** RowChanges.match by DuckDB. A file of which all rows are hit, by its task, is not opened. */
export async function match(reader: Reader, request: MatchRequest): Promise<readonly FileMatch[]> {
  throwIfAborted(request.signal)
  refuseUnsupported(request.tasks)
  const [whole, others] = divided(request.tasks, isWhole)
  const matches = whole.map((task) => {
    const { file } = task.entry
    return fileMatch({ task, file }, PositionSet.upTo(file.recordCount), undefined)
  })
  const found = await matchOpened(reader, { ...request, tasks: others }, new Map(), (scan) => scan)
  return withHits([...matches, ...found])
}

/** RowChanges.matchPartitions by DuckDB. */
export async function matchPartitions(
  reader: Reader,
  request: PartitionMatchRequest,
): Promise<readonly FileMatch[]> {
  const { spec, partitions, tableSchema } = request
  if (partitions.length === 0) return []
  if (spec.fields.length === 0) return match(reader, request)
  throwIfAborted(request.signal)
  refuseUnsupported(request.tasks)
  const columns = spec.fields.map((field) => partitionColumn(field, tableSchema))
  const computed = new Map(columns.map((column, at) => [`__floeberg_k${at}`, column]))
  const wanted = valuesSql(partitions, columns)
  const on = columns.map((_, at) => `scan.__floeberg_k${at} IS NOT DISTINCT FROM wanted.v${at}`)
  const found = await matchOpened(
    reader,
    request,
    computed,
    (scan) => `SELECT * FROM (${scan}) AS scan SEMI JOIN ${wanted} ON ${on.join(' AND ')}`,
  )
  return withHits(found)
}

/** Streams the row ids of a query over each window's scan into bitmaps. */
async function matchOpened(
  reader: Reader,
  request: MatchRequest,
  computed: ReadonlyMap<string, ComputedColumn>,
  around: (scan: string) => string,
): Promise<readonly FileMatch[]> {
  const { tasks, signal, onProgress } = request
  const totalRows = tasks.reduce((sum, { entry }) => sum + entry.file.recordCount, 0)
  const matches: FileMatch[] = []
  let rows = 0
  for await (const open of openWindows(reader, { tasks, files: request.files, signal })) {
    const found = await diagnosed(reader, open, () => matchWindow(open, request, computed, around))
    matches.push(...found)
    rows += open.tasks.reduce((sum, { file }) => sum + file.recordCount, 0)
    onProgress?.({ rows, totalRows })
  }
  return matches
}

async function matchWindow(
  open: OpenTasks,
  request: MatchRequest,
  computed: ReadonlyMap<string, ComputedColumn>,
  around: (scan: string) => string,
): Promise<readonly FileMatch[]> {
  const deleted = await readPositionDeletes(open, request.signal)
  // Where every live row is meant its deletes alone tell which.
  const isAll = ({ task }: OpenTask): boolean => task.residual.op === 'true' && computed.size === 0
  const [all, scanned] = divided(open.tasks, isAll)
  const matches = all.map((task) => fileMatch(task, liveRows(task, deleted), deleted.get(task)))
  if (scanned.length === 0) return matches
  const query = scanQuery(scanned, {
    projection: { ...request.tableSchema, fields: [] },
    nameMapping: request.nameMapping,
    names: [],
    rows: withoutDeleted(deleted),
    rowIds: ROW_IDS,
    computed,
  })
  const hits = new Hits()
  const sql = hitBlocksSql(around(query.sql))
  for await (const chunk of open.session.stream(sql, statement(open, query, request))) {
    hits.addBlocks(query, chunk)
  }
  return [...matches, ...hits.matches(scanned, deleted)]
}

function statement(open: OpenTasks, query: ScanQuery, { signal }: MatchRequest) {
  return {
    doing: 'find rows',
    signal,
    reading: open.tasks.map((task) => task.localPath),
    nameOf: open.nameOf,
    values: query.values,
  }
}

function liveRows(task: OpenTask, deleted: ReadonlyMap<OpenTask, PositionSet>): PositionSet {
  const rows = PositionSet.upTo(task.file.recordCount)
  const gone = deleted.get(task)
  if (gone !== undefined) rows.removeAll(gone)
  return rows
}

function withHits(matches: readonly FileMatch[]): readonly FileMatch[] {
  return matches.filter(({ positions }) => positions.size > 0)
}

function divided<T>(items: readonly T[], test: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}

/** A partition value, comparable, and the type of the tuples' values. */
interface PartitionColumn extends ComputedColumn {
  readonly type: PrimitiveType
}

function partitionColumn({ name, sourceId, transform }: PartitionField, schema: Schema): PartitionColumn {
  if (transform.kind === 'void') {
    return { type: { kind: 'int' }, sqlType: 'INTEGER', sql: () => 'CAST(NULL AS INTEGER)' }
  }
  const path = fieldPath(schema, sourceId)
  const source = path.at(-1)
  if (source === undefined || !isPrimitive(source.type)) {
    throw new InvalidArgumentError(`partition field ${name} has no source column of a primitive type`)
  }
  const sourceType = source.type
  // Refuses, before anything is read, what is unknown or not allowed on the type.
  transformFunction(transform, sourceType)
  const type = transformResultType(transform, sourceType)
  return {
    type,
    sqlType: comparableType(type),
    sql: (file) => comparableSql(type, transformSql(transform, sourceType, leafSql(path, file))),
  }
}

/** As partition values the two zeros differ, and NaN is one value, whatever its bits. */
function comparableSql(type: PrimitiveType, sql: string): string {
  if (type.kind !== 'float' && type.kind !== 'double') return sql
  return `CASE WHEN isnan(${sql}) THEN 'nan' ELSE CAST(${sql} AS VARCHAR) END`
}

function comparableType(type: PrimitiveType): string {
  return type.kind === 'float' || type.kind === 'double' ? 'VARCHAR' : sqlType(type)
}

function valuesSql(
  partitions: readonly (readonly (Datum | null)[])[],
  columns: readonly PartitionColumn[],
): string {
  const rows = partitions.map((tuple) => {
    const values = columns.map(({ type }, at) => comparableSql(type, datumSql(type, tuple[at] ?? null)))
    return `(${values.join(', ')})`
  })
  const names = columns.map((_, at) => `v${at}`)
  return `(VALUES ${[...new Set(rows)].join(', ')}) AS wanted(${names.join(', ')})`
}
