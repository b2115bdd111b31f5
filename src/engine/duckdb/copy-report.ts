/** What COPY answers with RETURN_STATS, read into values. */
import type { DuckDBMaterializedResult } from '@duckdb/node-api'
import { EngineError } from '../../errors.ts'
import type { Type } from '../../format/types.ts'
import type { Row, Value } from '../../format/values/value.ts'
import { rowReader } from './rows-out.ts'
import type { FileReport } from './write-stats.ts'

/** The reports of the files that a statement wrote; `keys` are the columns that were partitioned by. */
export function reportsOf(
  result: DuckDBMaterializedResult,
  keys: readonly { readonly name: string }[] = [],
): readonly FileReport[] {
  if (result.columnNames().join() !== NAMES) throw new EngineError('the engine reported something else')
  return Array.from({ length: result.chunkCount }, (_, at) => {
    const chunk = result.getChunk(at)
    return readReports(chunk, chunk.rowCount).map((row) => reportOf(row, keys))
  }).flat()
}

/** The report of a statement that wrote one file. */
export function onlyReportOf(result: DuckDBMaterializedResult): FileReport {
  const [report] = reportsOf(result)
  if (report === undefined) throw new EngineError('the engine wrote no file')
  return report
}

function reportOf(row: Row, keys: readonly { readonly name: string }[]): FileReport {
  const columns = mapOf(row['column_statistics'])
  const partition = mapOf(row['partition_keys'])
  return {
    path: String(row['filename']),
    rows: Number(row['count']),
    sizeBytes: Number(row['file_size_bytes']),
    footerBytes: Number(row['footer_size_bytes']),
    columns: new Map([...columns].map(([name, report]) => [name, textsOf(mapOf(report))])),
    partition: keys.map((key) => textOf(partition.get(key.name))),
  }
}

function mapOf(value: Value | undefined): ReadonlyMap<string, Value> {
  if (!(value instanceof Map)) return new Map()
  return new Map([...value].map(([key, item]) => [String(key), item]))
}

function textsOf(map: ReadonlyMap<string, Value>): ReadonlyMap<string, string> {
  return new Map([...map].map(([key, value]) => [key, String(value)]))
}

function textOf(value: Value | undefined): string | null {
  return typeof value === 'string' ? value : null
}

const STRING: Type = { kind: 'string' }
const LONG: Type = { kind: 'long' }
const TEXTS = mapOfTexts(STRING)

function mapOfTexts(value: Type): Type {
  return { kind: 'map', keyId: 0, key: STRING, valueId: 0, valueRequired: false, value }
}

/** Sizes and counts come as unsigned numbers of 64 bits, far from where the sign matters. */
const COLUMNS: readonly (readonly [name: string, Type])[] = [
  ['filename', STRING],
  ['count', LONG],
  ['file_size_bytes', LONG],
  ['footer_size_bytes', LONG],
  ['column_statistics', mapOfTexts(TEXTS)],
  ['partition_keys', TEXTS],
]

const NAMES = COLUMNS.map(([name]) => name).join()

/** Not by the bindings' own way, which takes a byte order mark from the beginning of a text. */
const readReports = rowReader({
  schemaId: 0,
  fields: COLUMNS.map(([name, type], at) => ({ id: at + 1, name, required: false, type })),
  identifierFieldIds: [],
})
