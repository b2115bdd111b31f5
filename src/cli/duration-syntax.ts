/** Lengths of time as people write them: `7d`, `12h`, `30m`, `45s`, `500ms`. */
import { UsageError } from './failure.ts'

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds. UsageError naming the option. */
export function parseDuration(text: string, option: string): number {
  const [, digits = '', unit = ''] = /^(\d+) *(ms|s|m|h|d|w)$/.exec(text.trim()) ?? []
  const milliseconds = Number(digits) * (UNITS[unit] ?? Number.NaN)
  if (digits !== '' && Number.isSafeInteger(milliseconds)) return milliseconds
  throw new UsageError(`${option} '${text}' is no length of time`, 'Write 7d, 12h, 30m, 45s or 500ms.')
}

/** `7d`; milliseconds where no larger unit fits. */
export function durationText(milliseconds: unknown): string {
  const value = Number(milliseconds)
  const fitting = ['d', 'h', 'm', 's'].find((unit) => value > 0 && value % (UNITS[unit] ?? 1) === 0)
  return fitting === undefined ? `${value}ms` : `${value / (UNITS[fitting] ?? 1)}${fitting}`
}
