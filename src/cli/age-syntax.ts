/** Limits of age as people write them: `7d`, `12h`, or a time. */
import { parseDuration } from './duration-syntax.ts'

const DAY_MS = 86_400_000

/** An age or a time: one begins with a number and a unit, the other with a year. UsageError. */
export function ageOptions(
  text: string | undefined,
  option: string,
): { readonly olderThan?: string; readonly olderThanDays?: number } {
  if (text === undefined) return {}
  if (/^\d{4}-/.test(text)) return { olderThan: text }
  return { olderThanDays: parseDuration(text, option) / DAY_MS }
}
