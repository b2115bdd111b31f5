/** The schema that a source suggests. */
import { DuckDBTypeId } from '@duckdb/node-api'
import { throwIfAborted } from '../../abort.ts'
import { InvalidDataError } from '../../errors.ts'
import { assignFreshIds, createSchema } from '../../format/schema.ts'
import type { NestedField, PrimitiveType } from '../../format/types.ts'
import type { ArrowRecordBatch, InferredSchema, RowSource, RunOptions } from '../data-plane.ts'
import { arrowFields, arrowReader } from './arrow-in.ts'
import { arrowIpcBatches } from './arrow-ipc.ts'
import type { DuckDbEngine } from './connection.ts'
import { csvDialect } from './csv-dialect.ts'
import { expandPaths } from './files-in.ts'
import { inferRows } from './infer-rows.ts'
import { TypeInference } from './infer-types.ts'
import { jsonPointer } from './json-in.ts'
import type { Session, StatementOptions } from './session.ts'
import { quoteName, quotePaths } from './sql.ts'
import { looksLike } from './text-in.ts'

/** DataPlane.inferSchema by DuckDB. */
export async function inferSchema(
  engine: DuckDbEngine,
  source: RowSource,
  options: RunOptions = {},
): Promise<InferredSchema> {
  throwIfAborted(options.signal)
  const types = new TypeInference()
  const fields = await fieldsOf(engine, source, types, options)
  if (fields.length === 0) {
    throw new InvalidDataError('the source has no columns to make a schema of', {
      hint: 'Give the schema, or a source with at least one row.',
    })
  }
  // Level by level, as every table's first ids are.
  const { schema } = assignFreshIds(createSchema({ schemaId: 0, fields }))
  return { schema, unsure: types.unsure }
}

async function fieldsOf(
  engine: DuckDbEngine,
  source: RowSource,
  types: TypeInference,
  options: RunOptions,
): Promise<readonly NestedField[]> {
  switch (source.kind) {
    case 'files':
      return fileFields(engine, source, types, options)
    case 'arrow':
      return arrowSchemaFields(source.batches, types)
    case 'arrow-ipc':
      return arrowSchemaFields(arrowIpcBatches(source.chunks), types)
    case 'rows':
      return inferRows(source.rows, types, options.signal)
  }
}

async function fileFields(
  engine: DuckDbEngine,
  source: Extract<RowSource, { readonly kind: 'files' }>,
  types: TypeInference,
  { signal }: RunOptions,
): Promise<readonly NestedField[]> {
  const paths = await expandPaths(source.paths, engine, signal)
  const several = paths.length > 1 ? ', union_by_name = true' : ''
  const list = `${quotePaths(paths)}, hive_partitioning = false${several}`
  const first = paths[0]
  const dialect = source.format === 'csv' && first !== undefined ? ((await csvDialect(first)) ?? '') : ''
  if (source.format === 'csv' && dialect === '') return []
  const from = {
    parquet: `read_parquet(${list})`,
    // Dates of other forms are texts: they would have to be guessed.
    csv: `read_csv(${quotePaths(paths)}, ${dialect}${several}, dateformat = '%Y-%m-%d')`,
    json: `read_json(${list}, map_inference_threshold = -1)`,
  }[source.format]
  const options = { doing: `look at the ${source.format} files`, signal, reading: paths }
  return engine.withSession({ paths }, async (session) => {
    const empty = await session.run(`SELECT * FROM ${from} LIMIT 0`, options)
    const names = empty.columnNames()
    const temporal = names.filter((_, at) => TEMPORAL.has(empty.columnType(at).typeId))
    // Parquet's types are declared; those of texts are what DuckDB would make of them, which for
    // times is more than writing accepts.
    const read =
      source.format === 'parquet'
        ? new Map<string, PrimitiveType>()
        : await temporalTypes(
            session,
            textsOf(
              source.format,
              source.format === 'csv' ? `${quotePaths(paths)}, ${dialect}${several}` : list,
            ),
            source.format,
            temporal,
            options,
          )
    // JSON with numbers of either sign comes as 128 bits wide, whatever their size.
    const wide = names.filter((_, at) => empty.columnType(at).typeId === DuckDBTypeId.HUGEINT)
    const longs = source.format === 'json' ? await longColumns(session, from, wide, options) : NO_NAMES
    return names.map((name, at) => {
      const known = longs.has(name) ? LONG : read.get(name)
      if (known !== undefined) return types.plainField(name, known)
      return types.field(name, name, empty.columnType(at), false)
    })
  })
}

const LONG: PrimitiveType = { kind: 'long' }
const NO_NAMES: ReadonlySet<string> = new Set()

/** Which of these columns have only values that a long holds, as far as was looked. */
async function longColumns(
  session: Session,
  from: string,
  columns: readonly string[],
  options: StatementOptions,
): Promise<ReadonlySet<string>> {
  if (columns.length === 0) return NO_NAMES
  const checks = columns.map((name, at) => {
    const column = quoteName(name)
    return `bool_and(${column} IS NULL OR TRY_CAST(${column} AS BIGINT) IS NOT NULL) AS c${at}`
  })
  const sql = `SELECT ${checks.join(', ')} FROM (SELECT * FROM ${from} LIMIT ${SAMPLE_ROWS})`
  const [row] = await session.rows(sql, options)
  return new Set(columns.filter((_, at) => row?.[`c${at}`] === true))
}

const TEMPORAL: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.DATE,
  DuckDBTypeId.TIME,
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_TZ,
])

/** In this order: a date alone could be a timestamp as well. */
const CANDIDATES: readonly PrimitiveType[] = [
  { kind: 'date' },
  { kind: 'time' },
  { kind: 'timestamp' },
  { kind: 'timestamptz' },
]

/** So many rows are looked at. */
const SAMPLE_ROWS = 20_480

function textsOf(format: 'csv' | 'json', list: string): string {
  return format === 'csv' ? `read_csv(${list}, all_varchar = true)` : `read_json_objects(${list})`
}

/** The first type by which writing can read all values seen; text where there is none. */
async function temporalTypes(
  session: Session,
  from: string,
  format: 'csv' | 'json',
  columns: readonly string[],
  options: StatementOptions,
): Promise<ReadonlyMap<string, PrimitiveType>> {
  if (columns.length === 0) return new Map()
  const checks = columns.flatMap((name, at) => {
    const text = format === 'csv' ? quoteName(name) : `(${jsonPointer('json', name)} ->> '$')`
    return CANDIDATES.map((type, which) => `bool_and(${looksLike(text, type)}) AS c${at}_${which}`)
  })
  const sql = `SELECT ${checks.join(', ')} FROM (SELECT * FROM ${from} LIMIT ${SAMPLE_ROWS})`
  const [row] = await session.rows(sql, options)
  return new Map(
    columns.map((name, at) => {
      const found = CANDIDATES.find((_, which) => row?.[`c${at}_${which}`] === true)
      return [name, found ?? { kind: 'string' }]
    }),
  )
}

async function arrowSchemaFields(
  batches: Iterable<ArrowRecordBatch> | AsyncIterable<ArrowRecordBatch>,
  types: TypeInference,
): Promise<readonly NestedField[]> {
  for await (const batch of batches) {
    return arrowFields(batch).map((field) => {
      const { type } = arrowReader(field.type, field.name, undefined)
      return types.field(field.name, field.name, type, !field.nullable)
    })
  }
  return []
}
