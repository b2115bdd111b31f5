/** Parquet, CSV and JSON files as an open source. */
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { InvalidArgumentError, MissingFileError } from '../../errors.ts'
import type { RowSource } from '../data-plane.ts'
import type { DuckDbEngine } from './connection.ts'
import { csvDialect } from './csv-dialect.ts'
import type { IncomingColumn } from './convert.ts'
import { jsonPointer, hasOnlyFields } from './json-in.ts'
import { checkSameTypes } from './same-types.ts'
import { quoteName, quotePaths, quoteText } from './sql.ts'
import type { OpenOptions, OpenSource } from './sources.ts'

type FilesSource = Extract<RowSource, { readonly kind: 'files' }>

/** Number of a row within its file, from 0, and the file. */
const ROW = '__floeberg_row'
const FILE = '__floeberg_file'

export async function openFiles(source: FilesSource, options: OpenOptions): Promise<OpenSource> {
  const { engine, signal } = options
  const paths = await withoutEmptyCsv(source.format, await expandPaths(source.paths, engine, signal))
  const dialect = source.format === 'csv' && paths[0] !== undefined ? await csvDialect(paths[0]) : null
  const files = { format: source.format, paths, dialect: dialect ?? '' }
  const read = readerOf(files)
  const reading = { doing: `read the ${source.format} files`, signal, reading: paths }
  const columns =
    source.format === 'json'
      ? jsonColumns(options)
      : await engine.withSession({ paths }, async (session): Promise<IncomingColumn[]> => {
          if (paths.length === 0) return []
          const empty = await session.run(`SELECT * FROM ${read} LIMIT 0`, reading)
          if (source.format === 'parquet') await checkSameTypes(session, paths, reading)
          return empty.columnNames().map((name, at) => ({
            name,
            type: source.format === 'csv' ? 'text' : empty.columnType(at),
          }))
        })
  return {
    name: paths.length === 1 ? (paths[0] ?? 'files') : `${paths.length} ${source.format} files`,
    columns,
    from: read,
    paths,
    nullsChecked: false,
    rowCount: paths.length === 0 ? 0 : null,
    sizeBytes: await totalSize(paths),
    failure: () => null,
    rowCheck: source.format === 'json' ? hasOnlyFields(JSON_COLUMN, options.schema?.fields ?? []) : null,
    position: positionOf(files, columns),
    close: async () => {},
  }
}

/** The column that `read_json_objects` gives: one object per row. */
const JSON_COLUMN = 'json'

/** A key may be missing from any object, so every column of the table is looked for in each. */
function jsonColumns(options: OpenOptions): readonly IncomingColumn[] {
  return (options.schema?.fields ?? []).map((field) => ({
    name: field.name,
    type: 'json',
    sql: jsonPointer(JSON_COLUMN, field.name),
  }))
}

interface FilesRead {
  readonly format: FilesSource['format']
  readonly paths: readonly string[]
  /** Options of `read_csv`; '' for other formats. */
  readonly dialect: string
}

/** The table function over the files, its rows in the files' order. */
function readerOf({ format, paths, dialect }: FilesRead, more = ''): string {
  const list = quotePaths(paths)
  const several = paths.length > 1 ? ', union_by_name = true' : ''
  switch (format) {
    case 'parquet':
      return `read_parquet(${list}, hive_partitioning = false${several}${more})`
    case 'csv':
      // Everything as text, so that nothing is guessed; "" is an empty text, nothing is null.
      return `read_csv(${list}, all_varchar = true, ${dialect}${several}${more})`
    case 'json':
      return `read_json_objects(${list}, format = 'auto', hive_partitioning = false${more})`
  }
}

/** An empty CSV file has no rows, and no columns that could be wrong. */
async function withoutEmptyCsv(
  format: FilesSource['format'],
  paths: readonly string[],
): Promise<readonly string[]> {
  if (format !== 'csv') return paths
  const sizes = await Promise.all(paths.map((path) => stat(path)))
  return paths.filter((_, at) => (sizes[at]?.size ?? 0) > 0)
}

function positionOf(files: FilesRead, columns: readonly IncomingColumn[]): OpenSource['position'] {
  const place = { file: FILE, row: ROW }
  if (files.format === 'parquet') {
    // Under aliases: a file's own column may be called like those that the engine adds.
    const aliases = columns.map((_, at) => `p${at}`)
    const list = columns.map(({ name }, at) => `${aliases[at]} AS ${quoteName(name)}`)
    const added = [`filename AS ${FILE}`, `file_row_number AS ${ROW}`]
    const from = `${readerOf(files)} AS f(${aliases.join(', ')})`
    return { from: `(SELECT ${[...list, ...added].join(', ')} FROM ${from})`, ...place }
  }
  const numbered = `SELECT *, row_number() OVER () AS ${ROW}_of_all FROM ${readerOf(files, `, filename = '${FILE}'`)}`
  // Rows come in the files' order, so a file's first row is the least of its numbers.
  const row = `${ROW}_of_all - min(${ROW}_of_all) OVER (PARTITION BY ${FILE}) AS ${ROW}`
  return { from: `(SELECT *, ${row} FROM (${numbered}))`, ...place }
}

async function totalSize(paths: readonly string[]): Promise<number> {
  let total = 0
  for (const path of paths) total += (await stat(path)).size
  return total
}

/** Wildcards of DuckDB's globs. */
const WILDCARD = /[*?[]/

/** Absolute paths of all files meant, each once, those of one wildcard in order of their names. */
export async function expandPaths(
  patterns: readonly string[],
  engine: DuckDbEngine,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const pattern of patterns) {
    const path = isAbsolute(pattern) ? pattern : resolve(pattern)
    // A file whose own name holds a wildcard is itself.
    if (!WILDCARD.test(path) || existsSync(path)) {
      if (!existsSync(path)) throw notFound(pattern)
      found.add(path)
      continue
    }
    const matches = await globbed(path, engine, signal)
    if (matches.length === 0) throw notFound(pattern)
    for (const match of matches) found.add(match)
  }
  if (found.size === 0) throw new InvalidArgumentError('no files were given')
  return [...found]
}

async function globbed(
  pattern: string,
  engine: DuckDbEngine,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  let root = dirname(pattern)
  while (WILDCARD.test(root)) root = dirname(root)
  const rows = await engine.withSession({ paths: [join(root, 'any')] }, (session) =>
    session.rows(`SELECT file FROM glob(${quoteText(pattern)}) ORDER BY file`, {
      doing: 'list the files',
      signal,
    }),
  )
  return rows.map((row) => String(row['file']))
}

function notFound(pattern: string): MissingFileError {
  return new MissingFileError('no file is there to be read', { file: pattern, hint: 'Check the path.' })
}
