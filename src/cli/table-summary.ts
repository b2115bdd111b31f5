/** A table in a few words and numbers. */
import type { PartitionSpec } from '../format/partition-spec.ts'
import { findField, fieldName, type Schema } from '../format/schema.ts'
import type { SortOrder } from '../format/sort-order.ts'
import { transformToString } from '../format/transforms/transform.ts'
import type { NestedField, Type } from '../format/types.ts'
import { typeToString } from '../format/types-json.ts'
import type { Table } from '../table/table.ts'
import type { OutputColumn } from './cells.ts'

/** What the newest snapshot says of the table; null where it does not say. */
export interface Totals {
  readonly rows: number | null
  readonly files: number | null
  readonly size: number | null
}

const DELETES = ['total-position-deletes', 'total-equality-deletes'] as const

/** From the summary of the current snapshot: no manifest is read. */
export function totalsOf(table: Table): Totals {
  const snapshot = table.currentSnapshot
  if (snapshot === null) return { rows: 0, files: 0, size: 0 }
  const summary: Readonly<Record<string, string>> = snapshot.summary ?? {}
  const count = (key: string): number | null => {
    const text = Object.hasOwn(summary, key) ? summary[key] : undefined
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : null
  }
  // Rows that delete files take away are still counted in total-records.
  const hasDeletes = DELETES.some((key) => (count(key) ?? 0) > 0)
  return {
    rows: hasDeletes ? null : count('total-records'),
    files: count('total-data-files'),
    size: count('total-files-size'),
  }
}

/** Columns of a schema, nested ones by their full names. */
export const SCHEMA_COLUMNS: readonly OutputColumn[] = [
  { name: 'id', align: 'right' },
  { name: 'name' },
  { name: 'type' },
  { name: 'required', show: (value) => (value === true ? 'required' : '') },
  { name: 'doc', none: '' },
]

interface SchemaRow {
  readonly id: number
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly doc: string | null
  readonly [column: string]: unknown
}

/** A row for each column, and below it for each field inside it. */
export function schemaRows(schema: Schema): readonly SchemaRow[] {
  return schema.fields.flatMap((field) => fieldRows(field, ''))
}

function fieldRows(field: NestedField, prefix: string): readonly SchemaRow[] {
  const name = `${prefix}${field.name}`
  const row = {
    id: field.id,
    name,
    type: shortType(field.type),
    required: field.required,
    doc: field.doc ?? null,
  }
  return [row, ...fieldsWithin(field.type).flatMap((inner) => fieldRows(inner, `${name}.`))]
}

function fieldsWithin(type: Type): readonly NestedField[] {
  switch (type.kind) {
    case 'struct':
      return type.fields
    case 'list':
      return [{ id: type.elementId, name: 'element', required: type.elementRequired, type: type.element }]
    case 'map':
      return [
        { id: type.keyId, name: 'key', required: true, type: type.key },
        { id: type.valueId, name: 'value', required: type.valueRequired, type: type.value },
      ]
    default:
      return []
  }
}

/** What is inside stands in rows of its own. */
function shortType(type: Type): string {
  return type.kind === 'struct' || type.kind === 'list' || type.kind === 'map'
    ? type.kind
    : typeToString(type)
}

/** `month(date) as date_month`, as `--partition` takes it. */
export function partitionTexts(spec: PartitionSpec, schema: Schema): readonly string[] {
  return spec.fields.map((field) => {
    const text = termText(schema, field.sourceId, transformToString(field.transform))
    return `${text} as ${field.name}`
  })
}

/** `delay desc nulls last`, as `--sort` takes it. */
export function sortTexts(order: SortOrder, schema: Schema): readonly string[] {
  return order.fields.map((field) => {
    const text = termText(schema, field.sourceId, transformToString(field.transform))
    return `${text} ${field.direction} ${field.nullOrder.replace('-', ' ')}`
  })
}

function termText(schema: Schema, sourceId: number, transform: string): string {
  const name = findField(schema, sourceId) === undefined ? null : fieldName(schema, sourceId)
  // Old specs may name columns that are gone.
  const source = name ?? `(column ${sourceId}, dropped)`
  if (transform === 'identity') return source
  const [, call, argument] = /^(\w+)\[(\d+)\]$/.exec(transform) ?? []
  return call === undefined ? `${transform}(${source})` : `${call}(${argument}, ${source})`
}
