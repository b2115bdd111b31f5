/** Metrics of a data file out of what DuckDB reports for each file that COPY wrote. */
import { hexToBytes } from '../../format/values/bytes.ts'
import { parseDecimal, rescale } from '../../format/values/decimal.ts'
import { parseDate, parseTimeOfDay, parseTimestamp } from '../../format/values/iso.ts'
import type { MetricsConfig } from '../../format/metrics-config.ts'
import { NANOS_PER_MICRO } from '../../format/values/calendar.ts'
import { elementField, keyField, valueField } from '../../format/nested-fields.ts'
import { isPrimitive, type Datum, type NestedField, type PrimitiveType } from '../../format/types.ts'
import type { OutgoingColumn } from './convert.ts'
import { fileMetrics, type Extremes, type FileMetrics, type MeasuredLeaf } from './file-metrics.ts'
import { distinctNames, quoteName } from './sql.ts'
import { floatOf } from './transforms.ts'

/** What COPY reports of one column of a file, all as text. */
export type ColumnReport = ReadonlyMap<string, string>

/** What COPY reports of one file. */
export interface FileReport {
  /** As DuckDB was given it. */
  readonly path: string
  readonly rows: number
  readonly sizeBytes: number
  readonly footerBytes: number
  /** By the column's path, its parts quoted and joined by dots. */
  readonly columns: ReadonlyMap<string, ColumnReport>
  /** Values of the columns partitioned by, in their order. */
  readonly partition: readonly (string | null)[]
}

/** A leaf column of a file. */
export interface Leaf extends MeasuredLeaf {
  /** As DuckDB's reports name it. */
  readonly key: string
  /** SQL of its values over the file. */
  readonly sql: string
}

/** The leaves of a file's columns. */
export function leavesOf(columns: readonly OutgoingColumn[]): readonly Leaf[] {
  return columns.flatMap(({ field, name }) => leaves(field, quoteName(name), quoteName(name), false))
}

function leaves(field: NestedField, key: string, sql: string, isRepeated: boolean): readonly Leaf[] {
  const { type } = field
  if (isPrimitive(type)) return [{ id: field.id, type, key, sql, isRepeated }]
  switch (type.kind) {
    case 'struct': {
      const names = distinctNames(type.fields.map((member) => member.name))
      return type.fields.flatMap((member, at) => {
        const name = quoteName(names[at] ?? member.name)
        return leaves(member, `${key}.${name}`, `(${sql}).${name}`, isRepeated)
      })
    }
    case 'list':
      return leaves(elementField(type), `${key}."element"`, sql, true)
    case 'map':
      return [
        ...leaves(keyField(type), `${key}."key"`, sql, true),
        ...leaves(valueField(type), `${key}."value"`, sql, true),
      ]
    case 'variant':
      return []
  }
}

/** The metrics that the configuration asks for, as far as the report knows them. */
export function reportedMetrics(
  report: FileReport,
  columns: readonly Leaf[],
  config: MetricsConfig,
  known: ReadonlyMap<number, Extremes> = new Map(),
): FileMetrics {
  return fileMetrics(columns, config, (leaf) => {
    const stats = report.columns.get(leaf.key)
    if (stats === undefined) return null
    return {
      sizeBytes: countOf(stats, 'column_size_bytes'),
      values: countOf(stats, 'num_values'),
      nulls: countOf(stats, 'null_count'),
      // DuckDB tells whether there are NaNs, not how many: an unknown count is left out.
      nans: stats.get('has_nan') === 'false' ? 0 : undefined,
      extremes: () => known.get(leaf.id) ?? extremesOf(leaf.type, stats),
    }
  })
}

function countOf(stats: ColumnReport, key: string): number | undefined {
  const text = stats.get(key)
  return text === undefined ? undefined : Number(text)
}

/** DuckDB cuts texts and bytes in its statistics to this many bytes, or leaves them out. */
const MAX_STATS_BYTES = 256

/** Leaves whose bounds are wanted and are missing from the report, or cut shorter than wanted. */
export function leavesWithoutExtremes(
  report: FileReport,
  columns: readonly Leaf[],
  config: MetricsConfig,
): readonly Leaf[] {
  return columns.filter((leaf) => {
    if (leaf.isRepeated || (leaf.type.kind !== 'string' && leaf.type.kind !== 'binary')) return false
    const mode = config.modeOf(leaf.id)
    if (mode.kind === 'none' || mode.kind === 'counts') return false
    const stats = report.columns.get(leaf.key)
    if (stats === undefined || stats.get('num_values') === stats.get('null_count')) return false
    const min = stats.get('min')
    const max = stats.get('max')
    if (min === undefined || max === undefined) return true
    // Far from where DuckDB cuts, a bound cut shorter still is the same.
    const isShort = mode.kind === 'truncate' && mode.length <= MAX_STATS_BYTES / 8
    return !isShort && (mayBeCut(leaf, min) || mayBeCut(leaf, max))
  })
}

function mayBeCut(leaf: Leaf, text: string): boolean {
  // A character of a text is at most four bytes, fewer of which may have been left at the end.
  const bytes = leaf.type.kind === 'string' ? new TextEncoder().encode(text).length : text.length / 2
  return bytes >= MAX_STATS_BYTES - 4
}

/** Bounds of a column as COPY reports them; null when it has none, or only one that is no value. */
export function extremesOf(type: PrimitiveType, stats: ColumnReport): Extremes | null {
  const min = stats.get('min')
  const max = stats.get('max')
  if (min === undefined || max === undefined) return null
  const lower = datumOf(type, min)
  const upper = datumOf(type, max)
  if (lower === null || upper === null) return null
  return { lower, upper }
}

/** A value as DuckDB writes it in a report. */
export function datumOf(type: PrimitiveType, text: string): Datum | null {
  switch (type.kind) {
    case 'boolean':
      return text === 'true' || text === '1'
    case 'int':
      return Number(text)
    case 'long':
      return BigInt(text)
    case 'float':
    case 'double': {
      const value = floatOf(text)
      if (Number.isNaN(value)) return null
      return type.kind === 'float' ? Math.fround(value) : value
    }
    case 'decimal': {
      const parsed = parseDecimal(text)
      return parsed === null ? null : rescale(parsed, type.scale)
    }
    case 'date':
      return parseDate(text)
    case 'time': {
      const nanos = parseTimeOfDay(text)
      return nanos === null ? null : nanos / NANOS_PER_MICRO
    }
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return timestampOf(type, text)
    case 'string':
    case 'uuid':
      return text
    case 'binary':
    case 'fixed':
      return hexToBytes(text)
    default:
      return null
  }
}

/** `2020-01-31 12:00:00.5`, with `+00` for timestamps with time zone. */
function timestampOf(type: PrimitiveType, text: string): bigint | null {
  const parsed = parseTimestamp(text.replace(' ', 'T').replace(/\+00$/, 'Z'))
  if (parsed === null) return null
  const isNanos = type.kind === 'timestamp_ns' || type.kind === 'timestamptz_ns'
  return isNanos ? parsed.nanos : parsed.nanos / NANOS_PER_MICRO
}
