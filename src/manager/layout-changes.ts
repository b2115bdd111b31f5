/** Changes of partitioning and sort order as users write them, checked. */
import { z } from 'zod'
import { InvalidArgumentError } from '../errors.ts'
import type { PartitionEdit } from '../format/evolution/partition-edit.ts'
import type { SortFieldRequest } from '../format/sort-order.ts'
import { pathToString, sortFieldSchema } from './models.ts'

const name = z.string().min(1)
/** `identity`, `bucket[16]`, `truncate[4]`, `year`, `month`, `day`, `hour`. */
const transform = z.string().min(1).default('identity')

/** A partition field by its name, or by its source column and transform. */
const fieldRef = z.union([name, z.strictObject({ source: name, transform })])

/** The Zod schema of a `PartitionChange`. */
export const partitionChangeSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('add_field'),
    /** Full name of the source column. */
    source: name,
    transform,
    /** Default: that of an earlier field of the same source and transform, else as `ts_month`, `id_bucket_16`. */
    name: name.optional(),
  }),
  z.strictObject({ type: z.literal('remove_field'), field: fieldRef }),
  z.strictObject({ type: z.literal('rename_field'), name, newName: name }),
  z.strictObject({
    type: z.literal('replace_field'),
    field: fieldRef,
    source: name,
    transform,
    name: name.optional(),
  }),
])

/** One change of how a table is partitioned. */
export type PartitionChange = z.input<typeof partitionChangeSchema>

/** One column of a sort order: `{ source: 'ts', direction: 'desc' }`. */
export type SortField = z.input<typeof sortFieldSchema>

/** InvalidArgumentError names the change and the part of it that is wrong. */
export function toPartitionEdits(changes: readonly PartitionChange[]): readonly PartitionEdit[] {
  const parsed = z.array(partitionChangeSchema).min(1).safeParse(changes)
  if (!parsed.success) throw invalid('change', parsed.error)
  return parsed.data.map((change) => {
    switch (change.type) {
      case 'add_field':
      case 'replace_field':
        return { ...change, name: change.name ?? null }
      default:
        return change
    }
  })
}

/** InvalidArgumentError names the field and the part of it that is wrong. */
export function toSortFields(fields: readonly SortField[]): readonly SortFieldRequest[] {
  const parsed = z.array(sortFieldSchema).safeParse(fields)
  if (!parsed.success) throw invalid('sort field', parsed.error)
  return parsed.data
}

function invalid(what: string, error: z.ZodError): InvalidArgumentError {
  const [issue] = error.issues
  const path = pathToString(issue?.path ?? [])
  return new InvalidArgumentError(`Invalid ${what}: ${path || 'the whole'}: ${issue?.message ?? ''}`, {
    hint: 'Changes are listed in docs/evolution.md.',
  })
}
