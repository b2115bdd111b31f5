/** The partition that a file of somebody else's belongs to: by its footer, or else by its rows. */
import { InvalidDataError, SchemaMismatchError } from '../../errors.ts'
import type { PartitionField } from '../../format/partition-spec.ts'
import { fieldName } from '../../format/schema.ts'
import { applyTransform } from '../../format/transforms/apply.ts'
import { preservesOrder, transformResultType } from '../../format/transforms/transform.ts'
import type { Datum } from '../../format/types.ts'
import { datumEquals } from '../../format/values/literal.ts'
import type { MatchedLeaf } from './adopted-columns.ts'
import { fileSql, readingContext, type OpenedFile } from './adopted-file.ts'
import { exactTextSql, exactValue } from './exact-values.ts'
import { knownBounds } from './footer-bounds.ts'
import type { SizedFile } from './open-parquet.ts'
import { leafSql } from './projection.ts'
import { transformSql } from './transforms.ts'

/** The one partition that all rows fall in. InvalidDataError when there are several. */
export async function partitionOf(opened: OpenedFile): Promise<readonly (Datum | null)[]> {
  const { spec } = opened.adopting.request
  const sources = spec.fields.map((field) => ({ field, leaf: sourceLeaf(opened, field) }))
  const told = sources.map(({ field, leaf }) => (leaf === null ? null : toldByFooter(opened, field, leaf)))
  const open = sources.flatMap(({ field, leaf }, at) =>
    told[at] === undefined && leaf !== null ? [{ field, leaf, at }] : [],
  )
  if (open.length === 0) return told.map((value) => value ?? null)
  const values = await readPartition(opened, open)
  return told.map((value, at) => {
    const read = open.findIndex((each) => each.at === at)
    return read === -1 ? (value ?? null) : (values[read] ?? null)
  })
}

/** null for fields that are null whatever the rows. */
function sourceLeaf({ adopting, file, leaves }: OpenedFile, field: PartitionField): MatchedLeaf | null {
  if (field.transform.kind === 'void') return null
  const leaf = leaves.find((each) => each.field.id === field.sourceId)
  if (leaf !== undefined) return leaf
  const column = fieldName(adopting.request.schema, field.sourceId)
  throw new SchemaMismatchError(
    `A file does not hold column '${column ?? field.sourceId}', which the table is partitioned by`,
    {
      file: file.name,
      column,
      hint: 'Values are not taken from the names of folders: write the rows instead, with the column.',
    },
  )
}

/** The partition value by the footer; undefined when only the rows can tell. */
function toldByFooter(
  { file, facts }: OpenedFile,
  { transform, name }: PartitionField,
  leaf: MatchedLeaf,
): Datum | null | undefined {
  const { nullCount } = leaf.facts
  if (facts.rowCount === 0 || nullCount === facts.rowCount) return null
  const bounds = knownBounds(leaf)
  if (nullCount === null || bounds === null || !bounds.isExact) return undefined
  if (nullCount > 0) throw severalPartitions(file, name)
  const [lower, upper] = [bounds.lower, bounds.upper].map((bound) =>
    applyTransform(transform, leaf.type, bound),
  )
  if (lower === undefined || upper === undefined || lower === null || upper === null) return undefined
  const result = transformResultType(transform, leaf.type)
  const isOne = datumEquals(leaf.type, bounds.lower, bounds.upper)
  if (!isOne && !preservesOrder(transform)) return undefined
  if (datumEquals(result, lower, upper)) return lower
  throw severalPartitions(file, name)
}

/** Partition values by the rows themselves. */
async function readPartition(
  { adopting, file, columns }: OpenedFile,
  open: readonly { readonly field: PartitionField; readonly leaf: MatchedLeaf }[],
): Promise<readonly (Datum | null)[]> {
  const results = open.map(({ field, leaf }) => transformResultType(field.transform, leaf.type))
  const terms = open.map(({ field, leaf }, at) => {
    const value = transformSql(field.transform, leaf.type, leafSql(leaf.path, columns))
    return `${exactTextSql(results[at] ?? leaf.type, value)} AS k${at}`
  })
  const rows = await adopting.session.rows(
    `SELECT DISTINCT ${terms.join(', ')} FROM ${fileSql(file, columns)} LIMIT 2`,
    readingContext(adopting, file),
  )
  if (rows.length > 1) throw severalPartitions(file, open.map(({ field }) => field.name).join(', '))
  return results.map((type, at) => exactValue(type, rows[0]?.[`k${at}`]))
}

function severalPartitions(file: SizedFile, field: string): InvalidDataError {
  return new InvalidDataError(`A file has rows of more than one partition (field ${field})`, {
    file: file.name,
    source: file.name,
    hint: 'A data file belongs to one partition: write its rows instead (writeData, `floeberg write`), which splits them.',
  })
}
