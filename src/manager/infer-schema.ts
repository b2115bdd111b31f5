/** The schema that data would give a table. */
import type { DataPlane, InferredSchema, RunOptions } from '../engine/data-plane.ts'
import { InvalidTableConfigError } from '../errors.ts'
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
