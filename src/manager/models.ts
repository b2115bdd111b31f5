/** The manager's own models, as Zod schemas and the types inferred from them. */
import { z } from 'zod'
import { InvalidTableConfigError } from '../errors.ts'
import type { SchemaJson } from '../format/metadata/table-metadata.ts'
import type { Columns, DeclaredSchema } from '../format/schema-builder.ts'
import type { Schema } from '../format/schema.ts'

/** A schema as declared with `table({...})`, as another table has it, or as the format's JSON. */
export type SchemaInput = DeclaredSchema<Columns> | Schema | SchemaJson

const partitionFieldSchema = z.strictObject({
  /** Column that the value comes from, by full name. */
  source: z.string().min(1),
  /** `identity`, `bucket[16]`, `truncate[4]`, `year`, `month`, `day`, `hour`. */
  transform: z.string().min(1).default('identity'),
  /** Default: derived from source and transform, as `date_month`. */
  name: z.string().min(1).optional(),
})

export const sortFieldSchema = z.strictObject({
  source: z.string().min(1),
  transform: z.string().min(1).default('identity'),
  direction: z.enum(['asc', 'desc']).default('asc'),
  /** Default: nulls first when ascending, last when descending. */
  nullOrder: z.enum(['nulls-first', 'nulls-last']).optional(),
})

/** The Zod schema of a `TableConfig`. */
export const tableConfigSchema = z.strictObject({
  /** One level as a string, or all levels. */
  namespace: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).readonly()]),
  name: z.string().min(1),
  schema: z.custom<SchemaInput>((value) => typeof value === 'object' && value !== null, {
    error: 'a schema is made with table({ … }), or is an Iceberg schema document',
  }),
  partitionSpec: z.array(partitionFieldSchema).readonly().optional(),
  sortOrder: z.array(sortFieldSchema).readonly().optional(),
  /** Default: the catalog's rule under the warehouse. */
  location: z.string().min(1).optional(),
  properties: z.record(z.string(), z.string()).optional(),
  /** Default 2. */
  formatVersion: z.union([z.literal(1), z.literal(2), z.literal(3)]).optional(),
})

/** How a table is to be created. */
export type TableConfig = z.input<typeof tableConfigSchema>
/** A table configuration after validation, with defaults filled in. */
export type ParsedTableConfig = z.output<typeof tableConfigSchema>

/** InvalidTableConfigError naming the path of the first thing that is wrong. */
export function parseTableConfig(config: unknown): ParsedTableConfig {
  const parsed = tableConfigSchema.safeParse(config)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue === undefined ? '' : pathToString(issue.path)
  throw new InvalidTableConfigError(
    `Invalid table configuration: ${path || 'the whole'}: ${issue?.message ?? ''}`,
    { path },
  )
}

/** `partitionSpec[0].transform` */
export function pathToString(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  )
}

/** Metadata about one snapshot of a table. */
export interface SnapshotInfo {
  readonly snapshotId: bigint
  /** null for a first snapshot. */
  readonly parentId: bigint | null
  /** 0 on v1 tables. */
  readonly sequenceNumber: number
  /** Milliseconds since 1970, UTC. */
  readonly timestampMs: number
  /** `append`, `replace`, `overwrite` or `delete`; null where an old writer left it out. */
  readonly operation: string | null
  /** Counts of what the snapshot changed, and properties given by its writer. */
  readonly summary: Readonly<Record<string, string>>
  /** null where an old writer left it out. */
  readonly schemaId: number | null
  /** Names of the branches and tags that point to it. */
  readonly refs: readonly string[]
}
