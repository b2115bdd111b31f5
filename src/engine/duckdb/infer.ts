/** The schema that a source suggests. */
import { throwIfAborted } from '../../abort.ts'
import { InvalidDataError } from '../../errors.ts'
import { assignFreshIds, createSchema } from '../../format/schema.ts'
import type { NestedField } from '../../format/types.ts'
import type { ArrowRecordBatch, InferredSchema, RowSource, RunOptions } from '../data-plane.ts'
import { arrowFields, arrowReader } from './arrow-in.ts'
import { arrowIpcBatches } from './arrow-ipc.ts'
import type { DuckDbEngine } from './connection.ts'
import { expandPaths } from './files-in.ts'
import { inferRows } from './infer-rows.ts'
import { TypeInference } from './infer-types.ts'
import { quotePaths } from './sql.ts'

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
      hint: 'give the schema, or a source with at least one row',
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
  const from = {
    parquet: `read_parquet(${list})`,
    // Dates of other forms are texts: they would have to be guessed.
    csv: `read_csv(${list}, header = true, allow_quoted_nulls = false, dateformat = '%Y-%m-%d')`,
    json: `read_json(${list}, map_inference_threshold = -1)`,
  }[source.format]
  return engine.withSession({ paths }, async (session) => {
    const empty = await session.run(`SELECT * FROM ${from} LIMIT 0`, {
      doing: `look at the ${source.format} files`,
      signal,
      reading: paths,
    })
    return empty.columnNames().map((name, at) => {
      const type = empty.columnType(at)
      // Where JSON values agree on nothing, DuckDB leaves them JSON.
      if (source.format === 'json' && type.alias === 'JSON') {
        const reason = 'its values are null, or of several kinds'
        return types.plainField(name, types.guess(name, { kind: 'string' }, reason))
      }
      return types.field(name, name, type, false)
    })
  })
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
