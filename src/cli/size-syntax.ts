/** Sizes, numbers and lists as people write them on a command line. */
import { UsageError } from './failure.ts'

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
}

/** `512MiB`, `1.5 GB`, `1048576`. UsageError. */
export function parseBytes(text: string): number {
  const { number = '', unit = 'b' } =
    /^(?<number>\d+(?:\.\d+)?)\s*(?<unit>[a-z]*)$/i.exec(text.trim())?.groups ?? {}
  const factor = UNITS[unit === '' ? 'b' : unit.toLowerCase()]
  if (number !== '' && factor !== undefined) return Math.round(Number(number) * factor)
  throw new UsageError(`'${text}' is no size`, 'Write 512MiB, 1.5GB or a number of bytes.')
}

/** UsageError for what is no whole number from 0 on. */
export function parseWhole(text: string): number {
  if (/^\d{1,15}$/.test(text.trim())) return Number(text)
  throw new UsageError(`'${text}' is no whole number`, 'Write 5.')
}

/** UsageError for what is no number. */
export function parseNumber(text: string): number {
  if (/^\d*\.?\d+$/.test(text.trim())) return Number(text)
  throw new UsageError(`'${text}' is no number`, 'Write 0.3.')
}

/** Items between commas, but for commas inside parentheses: `bucket(16, id), date`. */
export function listItems(text: string): readonly string[] {
  return text.split(/,(?![^(]*\))/).map((item) => item.trim())
}
