/**
 * How a CSV file is written: decided by its first line alone, and fixed for all others. DuckDB would
 * guess it from the rows, and bend its guess until damaged rows fit.
 */
import { open } from 'node:fs/promises'
import { quoteText } from './sql.ts'

/** Separators that are looked for, the usual one first. */
const DELIMITERS = [',', '\t', ';', '|'] as const

/** A header longer than this is looked at no further. */
const HEADER_BYTES = 64 * 1024

/** Options of `read_csv` for files like this one; null for an empty file, which has not even columns. */
export async function csvDialect(path: string): Promise<string | null> {
  const header = await firstLine(path)
  if (header === null) return null
  return (
    `header = true, delim = ${quoteText(delimiterOf(header))}, quote = '"', escape = '"', ` +
    `comment = '', skip = 0, null_padding = false, ignore_errors = false, allow_quoted_nulls = false, ` +
    `hive_partitioning = false`
  )
}

/** The separator that occurs most often outside of quotes. */
function delimiterOf(header: string): string {
  const counts = new Map<string, number>()
  let isQuoted = false
  for (const character of header) {
    if (character === '"') isQuoted = !isQuoted
    else if (!isQuoted) counts.set(character, (counts.get(character) ?? 0) + 1)
  }
  let best: string = DELIMITERS[0]
  for (const candidate of DELIMITERS) {
    if ((counts.get(candidate) ?? 0) > (counts.get(best) ?? 0)) best = candidate
  }
  return best
}

async function firstLine(path: string): Promise<string | null> {
  const file = await open(path, 'r')
  try {
    const bytes = new Uint8Array(HEADER_BYTES)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    if (bytesRead === 0) return null
    const text = new TextDecoder().decode(bytes.subarray(0, bytesRead))
    return text.split(/\r\n|\n|\r/, 1)[0] ?? ''
  } finally {
    await file.close()
  }
}
