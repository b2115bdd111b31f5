/** Tables of random rows, written through the manager, and what another decoder finds in them. */
import type { Datum, PrimitiveType } from '../../src/format/types.ts'
import type { Row } from '../../src/format/values/value.ts'
import type { Table } from '../../src/index.ts'
import type { AvroRecord } from '../support/avro.ts'
import { plainMetadata, PlainReader } from '../support/reachable.ts'
import { datumOfAvro, sampleValues, typeOf, valueOf, type ColumnKind } from './columns.ts'
import { judgeOrder, judgeTransform } from './judge-values.ts'
import type { PruningWorld } from './world.ts'

export interface FieldPlan {
  readonly source: string
  readonly transform: string
  readonly name: string
}

export interface TablePlan {
  /** Columns besides `id`, which numbers the rows. */
  readonly columns: Readonly<Record<string, ColumnKind>>
  readonly fields: readonly FieldPlan[]
  readonly formatVersion?: 1 | 2
  readonly properties?: Readonly<Record<string, string>>
  /** Random rows, besides the special ones. */
  readonly rows?: number
  /** Appends that the rows are spread over, in the order of the first column. */
  readonly appends?: number
}

export type PlainRow = Readonly<Record<string, Datum | null>> & { readonly id: number }

export interface WrittenFile {
  readonly location: string
  /** Location of its manifest. */
  readonly manifest: string
  /** The `data_file` record. */
  readonly file: AvroRecord
  readonly tuple: readonly (Datum | null)[]
  /** The rows whose values give this tuple, of the append that made the file. */
  readonly rows: readonly PlainRow[]
}

export interface WrittenTable {
  readonly table: Table
  readonly plan: TablePlan
  readonly types: Readonly<Record<string, PrimitiveType>>
  readonly rows: readonly PlainRow[]
  readonly files: readonly WrittenFile[]
  /** Records of the manifest list. */
  readonly manifests: readonly AvroRecord[]
}

/** The type of a partition field's values. */
export function resultTypeOf({ transform }: FieldPlan, source: PrimitiveType): PrimitiveType {
  if (/^(identity|truncate|void)/.test(transform)) return source
  return transform === 'day' ? { kind: 'date' } : { kind: 'int' }
}

let tables = 0

export async function writeTable(world: PruningWorld, plan: TablePlan): Promise<WrittenTable> {
  const { appends = 3 } = plan
  const names = Object.keys(plan.columns)
  const types = Object.fromEntries(names.map((name) => [name, typeOf(plan.columns[name] ?? 'int')]))
  const table = await createTable(world, plan, types)
  const rows = randomRows(plan, types)
  const chunk = Math.ceil(rows.length / appends)
  const batches = Array.from({ length: appends }, (_, i) => rows.slice(i * chunk, (i + 1) * chunk))
  for (const batch of batches) {
    await world.manager.writeData(
      table,
      batch.map((row) => rowIn(types, row)),
    )
  }
  return { table, plan, types, rows, ...(await lookInto(table, plan, types, batches)) }
}

async function createTable(
  world: PruningWorld,
  plan: TablePlan,
  types: WrittenTable['types'],
): Promise<Table> {
  const fields = Object.entries({ id: { kind: 'int' } as PrimitiveType, ...types }).map(
    ([name, type], i) => ({
      id: i + 1,
      name,
      required: name === 'id',
      type,
    }),
  )
  tables += 1
  return world.manager.createTable(
    {
      namespace: 'pruning',
      name: `t${tables}`,
      schema: { schemaId: 0, fields, identifierFieldIds: [] },
      partitionSpec: [...plan.fields],
      formatVersion: plan.formatVersion ?? 2,
      properties: { ...plan.properties },
    },
    { createNamespace: true },
  )
}

/** Every column sampled with a seed of its own; nulls of the first column come first, then NaN. */
function randomRows(plan: TablePlan, types: WrittenTable['types']): readonly PlainRow[] {
  const names = Object.keys(plan.columns)
  const columns = names.map((name, i) => sampleValues(plan.columns[name] ?? 'int', plan.rows ?? 40, 7 + i))
  const length = Math.max(...columns.map((column) => column.length))
  const [first = ''] = names
  const type = types[first] ?? { kind: 'int' }
  const rank = (value: Datum | null): number => (value === null ? 0 : Number.isNaN(value) ? 1 : 2)
  const unnumbered = Array.from({ length }, (_, at) =>
    Object.fromEntries(names.map((name, i) => [name, columns[i]?.[at % (columns[i]?.length ?? 1)] ?? null])),
  )
  return unnumbered
    .sort((left, right) => {
      const [a, b] = [left[first] ?? null, right[first] ?? null]
      return rank(a) - rank(b) || (a === null || b === null || rank(a) === 1 ? 0 : judgeOrder(type, a, b))
    })
    .map((row, id) => ({ ...row, id }))
}

function rowIn(types: WrittenTable['types'], row: PlainRow): Row {
  const cells = Object.entries(types).map(([name, type]) => [name, valueOf(type, row[name] ?? null)])
  return { id: row.id, ...Object.fromEntries(cells) }
}

async function lookInto(
  table: Table,
  plan: TablePlan,
  types: WrittenTable['types'],
  batches: readonly (readonly PlainRow[])[],
): Promise<Pick<WrittenTable, 'files' | 'manifests'>> {
  if (table.metadataLocation === null) throw new Error('the test catalogs keep metadata in files')
  const metadata = await plainMetadata(table.metadataLocation)
  const snapshots = metadata.snapshots ?? []
  const reader = new PlainReader()
  const batchOf = new Map(snapshots.map((snapshot, i) => [snapshot['snapshot-id'], batches[i] ?? []]))
  const last = snapshots.at(-1)
  if (last === undefined) return { files: [], manifests: [] }
  const files = (await reader.live(last)).map(({ file, manifest }): WrittenFile => {
    const partition = file['partition'] as AvroRecord
    const values = Object.values(partition)
    const tuple = plan.fields.map((field, i) => {
      const type = resultTypeOf(field, types[field.source] ?? { kind: 'int' })
      return datumOfAvro(type, values[i])
    })
    const batch = batchOf.get(String(manifest['added_snapshot_id'])) ?? []
    const key = keyOf(tuple)
    return {
      location: String(file['file_path']),
      manifest: String(manifest['manifest_path']),
      file,
      tuple,
      rows: batch.filter((row) => keyOf(judgeTuple(plan, types, row)) === key),
    }
  })
  return { files, manifests: await reader.manifests(last) }
}

/** The tuple that a row belongs to. */
export function judgeTuple(
  plan: TablePlan,
  types: WrittenTable['types'],
  row: PlainRow,
): readonly (Datum | null)[] {
  return plan.fields.map(({ source, transform }) =>
    judgeTransform(transform, types[source] ?? { kind: 'int' }, row[source] ?? null),
  )
}

function keyOf(tuple: readonly (Datum | null)[]): string {
  return tuple
    .map((value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : `${typeof value} ${value}`,
    )
    .join('|')
}

/** Every transform on every type that allows it. */
export const SINGLE_FIELDS: readonly (readonly [ColumnKind, string])[] = [
  ...(['boolean', 'int', 'long', 'float', 'double', 'decimal', 'date', 'time'] as const).map(
    (kind) => [kind, 'identity'] as const,
  ),
  ...(['timestamp', 'timestamptz', 'string', 'uuid', 'binary'] as const).map(
    (kind) => [kind, 'identity'] as const,
  ),
  ...(['int', 'long', 'decimal', 'date', 'time', 'timestamp', 'timestamptz'] as const).map(
    (kind) => [kind, 'bucket[5]'] as const,
  ),
  ...(['string', 'uuid', 'binary'] as const).map((kind) => [kind, 'bucket[5]'] as const),
  ['int', 'truncate[10]'],
  ['long', 'truncate[10]'],
  ['decimal', 'truncate[50]'],
  ['string', 'truncate[2]'],
  ['binary', 'truncate[2]'],
  ...(['date', 'timestamp', 'timestamptz'] as const).flatMap((kind) =>
    (['year', 'month', 'day'] as const).map((transform) => [kind, transform] as const),
  ),
  ['timestamp', 'hour'],
  ['timestamptz', 'hour'],
  ['int', 'void'],
  ['timestamp', 'void'],
  ['string', 'void'],
]
