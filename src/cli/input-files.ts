/** Which files are meant by `--from`, in which format; standard input becomes a file first. */
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { throwIfAborted } from '../abort.ts'
import { UsageError } from './failure.ts'

/** `--format` */
export type InputFormat = 'parquet' | 'csv' | 'json'
export const INPUT_FORMATS: readonly InputFormat[] = ['parquet', 'csv', 'json']

/** Files of one format. */
export type InputFiles =
  | { readonly parquet: readonly string[] }
  | { readonly csv: readonly string[] }
  | { readonly json: readonly string[] }

const EXTENSIONS: readonly (readonly [RegExp, InputFormat])[] = [
  [/\.(parquet|pq)$/i, 'parquet'],
  [/\.(csv|tsv)(\.gz|\.zst)?$/i, 'csv'],
  [/\.(json|jsonl|ndjson)(\.gz|\.zst)?$/i, 'json'],
]
const STDIN = '-'

/** UsageError when the names do not tell a format, or tell more than one. */
export function inputFormat(paths: readonly string[], given: InputFormat | undefined): InputFormat {
  if (given !== undefined) return given
  const formats = new Set(paths.map(formatOf))
  const [format] = formats
  if (formats.size > 1)
    throw new UsageError('the files are of several formats', 'Write those of one format at a time.')
  if (format !== undefined && format !== null) return format
  const what = paths.includes(STDIN)
    ? 'standard input has no name that tells its format'
    : 'the name does not tell the format'
  throw new UsageError(what, `Pass --format ${INPUT_FORMATS.join(', --format ')}.`)
}

function formatOf(path: string): InputFormat | null {
  return EXTENSIONS.find(([pattern]) => pattern.test(path))?.[1] ?? null
}

/**
 * Runs `work` on the files. Standard input (`-`) is stored in a temporary file for as long: it is
 * read once, but its columns are looked at before its rows.
 */
export async function withInputFiles<T>(
  paths: readonly string[],
  format: InputFormat,
  signal: AbortSignal,
  work: (files: InputFiles) => Promise<T>,
): Promise<T> {
  if (!paths.includes(STDIN)) return work(inputFiles(format, paths))
  if (paths.length > 1) throw new UsageError("'-' stands alone: standard input, or files")
  const folder = await mkdtemp(join(tmpdir(), 'floeberg-stdin-'))
  try {
    const path = join(folder, `stdin.${format}`)
    await store(path, signal)
    return await work(inputFiles(format, [path]))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function store(path: string, signal: AbortSignal): Promise<void> {
  try {
    await pipeline(process.stdin, createWriteStream(path), { signal })
  } catch (error) {
    throwIfAborted(signal)
    throw error
  }
}

/** Files of a format, as the library takes them. */
export function inputFiles(format: InputFormat, paths: readonly string[]): InputFiles {
  switch (format) {
    case 'parquet':
      return { parquet: paths }
    case 'csv':
      return { csv: paths }
    case 'json':
      return { json: paths }
  }
}
