/** The COPY statements that write data files. */
import { elementField, keyField, valueField } from '../../format/nested-fields.ts'
import { findField, type Schema } from '../../format/schema.ts'
import type { SortOrder } from '../../format/sort-order.ts'
import { isPrimitive, type NestedField, type Type } from '../../format/types.ts'
import { InvalidArgumentError } from '../../errors.ts'
import type { ParquetWriteOptions } from '../data-plane.ts'
import type { OutgoingColumn } from './convert.ts'
import { distinctNames, quoteName, quoteText } from './sql.ts'
import { transformSql } from './transforms.ts'

/** Rows of DuckDB's vectors; row groups are whole numbers of them. */
const VECTOR_SIZE = 2048

/** More rows in a row group gain nothing for readers and cost memory for every thread that writes. */
export const MAX_ROW_GROUP_ROWS = 122_880

/** The field ids of a file's columns, as COPY takes them. */
export function fieldIdsSql(columns: readonly OutgoingColumn[]): string {
  const ids = columns.map(({ field, name }) => `${quoteName(name)}: ${idsOf(field)}`)
  return `{${ids.join(', ')}}`
}

function idsOf(field: NestedField): string {
  const { type } = field
  switch (type.kind) {
    case 'struct': {
      const names = distinctNames(type.fields.map((member) => member.name))
      const members = type.fields.map((member, at) => `${quoteName(names[at] ?? '')}: ${idsOf(member)}`)
      return `{__duckdb_field_id: ${[field.id, ...members].join(', ')}}`
    }
    case 'list':
      return `{__duckdb_field_id: ${field.id}, element: ${idsOf(elementField(type))}}`
    case 'map':
      return `{__duckdb_field_id: ${field.id}, key: ${idsOf(keyField(type))}, value: ${idsOf(valueField(type))}}`
    default:
      return String(field.id)
  }
}

/** The options of a COPY to Parquet. */
export function parquetOptionsSql(
  options: ParquetWriteOptions,
  columns: readonly OutgoingColumn[],
): readonly string[] {
  const { compression, compressionLevel } = options
  return [
    'FORMAT parquet',
    `COMPRESSION ${compression === 'lz4' ? 'lz4_raw' : compression}`,
    // Only zstd and brotli have levels, and DuckDB takes one for zstd alone.
    ...(compression === 'zstd' && compressionLevel !== null ? [`COMPRESSION_LEVEL ${compressionLevel}`] : []),
    `ROW_GROUP_SIZE ${rowGroupRows(options, columns)}`,
    `STRING_DICTIONARY_PAGE_SIZE_LIMIT ${options.dictionarySizeBytes}`,
    // DuckDB has filters for all columns or for none.
    `WRITE_BLOOM_FILTER ${options.bloomFilterColumns.length > 0}`,
    `FIELD_IDS ${fieldIdsSql(columns)}`,
    'RETURN_STATS',
  ]
}

/**
 * Rows per row group. DuckDB counts rows, not bytes, where order is to be kept, so the size asked
 * for is met by an estimate of a row's width.
 */
export function rowGroupRows(options: ParquetWriteOptions, columns: readonly OutgoingColumn[]): number {
  const width = columns.reduce((sum, { field }) => sum + widthOf(field.type), 0)
  const bySize = Math.floor(options.rowGroupSizeBytes / Math.max(width, 1))
  const rows = Math.min(options.rowGroupRowLimit, bySize, MAX_ROW_GROUP_ROWS)
  return Math.max(VECTOR_SIZE, rows - (rows % VECTOR_SIZE))
}

function widthOf(type: Type): number {
  switch (type.kind) {
    case 'boolean':
      return 1
    case 'int':
    case 'float':
    case 'date':
      return 4
    case 'decimal':
    case 'uuid':
      return 16
    case 'string':
    case 'binary':
      return 32
    case 'struct':
      return type.fields.reduce((sum, field) => sum + widthOf(field.type), 0)
    case 'list':
      return 4 * widthOf(type.element)
    case 'map':
      return 4 * (widthOf(type.key) + widthOf(type.value))
    default:
      return 8
  }
}

/** ORDER BY of a table's sort order, over the columns of the data file; '' when unsorted. */
export function orderBySql(order: SortOrder, schema: Schema, columnOf: (fieldId: number) => string): string {
  if (order.fields.length === 0) return ''
  const terms = order.fields.map((field) => {
    const source = findField(schema, field.sourceId)
    if (source === undefined || !isPrimitive(source.type)) {
      throw new InvalidArgumentError('the sort order has a field without a source column of a primitive type')
    }
    const value = transformSql(field.transform, source.type, columnOf(source.id))
    const nulls = field.nullOrder === 'nulls-first' ? 'NULLS FIRST' : 'NULLS LAST'
    return `${value} ${field.direction === 'asc' ? 'ASC' : 'DESC'} ${nulls}`
  })
  return ` ORDER BY ${terms.join(', ')}`
}

/** A COPY statement. */
export function copySql(query: string, target: string, options: readonly string[]): string {
  return `COPY (${query}) TO ${quoteText(target)} (${options.join(', ')})`
}
