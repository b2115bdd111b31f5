/** Requests to write, with defaults, and schemas for them. */
import { join } from 'node:path'
import type { WriteRequest } from '../../src/engine/data-plane.ts'
import { metricsConfig } from '../../src/format/metrics-config.ts'
import { UNPARTITIONED } from '../../src/format/partition-spec.ts'
import { createSchema, type NestedField, type Schema } from '../../src/format/schema.ts'
import { UNSORTED } from '../../src/format/sort-order.ts'
import type { Type } from '../../src/format/types.ts'

let operations = 0

/** All of a request that most tests do not care about. */
export function defaults(
  folder: string,
  schema: Schema,
  more: Partial<WriteRequest> = {},
): Omit<WriteRequest, 'source' | 'schema' | 'files'> {
  operations += 1
  const sortOrder = more.sortOrder ?? UNSORTED
  return {
    spec: UNPARTITIONED,
    sortOrder,
    targetFileSizeBytes: 512 * 1024 * 1024,
    parquet: {
      compression: 'zstd',
      compressionLevel: null,
      rowGroupSizeBytes: 128 * 1024 * 1024,
      rowGroupRowLimit: 1_048_576,
      dictionarySizeBytes: 2 * 1024 * 1024,
      bloomFilterColumns: [],
    },
    metrics: metricsConfig(schema, sortOrder, {}),
    operationId: `op${operations}`,
    locate: (path, name) => `file://${join(folder, 'data', path, name)}`,
    dataFolder: `file://${join(folder, 'data')}`,
  }
}

/** A schema of optional columns with ids from 1, in order. */
export function schemaOf(columns: Readonly<Record<string, Type>>): Schema {
  return fieldsOf(
    Object.entries(columns).map(([name, type], at) => ({ id: at + 1, name, required: false, type })),
  )
}

export function fieldsOf(fields: readonly NestedField[]): Schema {
  return createSchema({ schemaId: 0, fields })
}
