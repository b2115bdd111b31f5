/** The schema that data would give a table. */
import type { DataPlane, InferredSchema, RunOptions } from '../engine/data-plane.ts'
import { InvalidTableConfigError } from '../errors.ts'
import type { Runtime } from '../table/runtime.ts'
import type { TableConfig } from './models.ts'
import { toRowSource, type DataInput } from './sources.ts'

/** Data to look at. Rows must be an array: an iterable would be used up by looking. */
export type SchemaSource =
  | Extract<
      DataInput,
      | { readonly parquet: unknown }
      | { readonly csv: unknown }
      | { readonly json: unknown }
      | { readonly arrow: unknown }
    >
  | { readonly rows: readonly object[] }

/** InvalidTableConfigError naming the columns whose type the data does not decide, when asked to refuse them. */
export async function inferTableSchema(
  plane: DataPlane,
  data: SchemaSource,
  options: RunOptions & { readonly refuseUnsure?: boolean },
): Promise<InferredSchema> {
  const source = toRowSource('rows' in data ? data.rows : data)
  const inferred = await plane.inferSchema(source, options)
  const [unsure] = inferred.unsure
  if (unsure === undefined || options.refuseUnsure !== true) return inferred
  const columns = inferred.unsure.map(({ column, reason }) => `${column} (${reason})`).join(', ')
  throw new InvalidTableConfigError(`schemaFrom: the data does not decide the type of: ${columns}`, {
    path: 'schemaFrom',
    hint: 'Declare the schema, or cast these columns in the data.',
  })
}

/** A table configuration whose schema comes from data: `schemaFrom: { parquet: 'flights.parquet' }`. */
export type TableConfigFromData = Omit<TableConfig, 'schema'> & { readonly schemaFrom: SchemaSource }

/** The configuration with the schema that its data gives it. InvalidTableConfigError as above. */
export async function withSchema(
  runtime: Runtime,
  config: TableConfig | TableConfigFromData,
  options: RunOptions,
): Promise<TableConfig> {
  if (!('schemaFrom' in config)) return config
  const { schemaFrom, ...rest } = config
  const { signal } = options
  const plane = await runtime.dataPlane()
  const { schema } = await inferTableSchema(plane, schemaFrom, { signal, refuseUnsure: true })
  return { ...rest, schema }
}
