/** Dates, times and timestamps as ISO 8601 text, to the nanosecond, whatever the process's time zone. */
import {
  civilOfDays,
  daysOfCivil,
  daysOfMicros,
  daysOfNanos,
  isCivilDate,
  MICROS_PER_DAY,
  NANOS_PER_DAY,
} from './calendar.ts'

/** Units of a second's fraction that a type keeps: 6 digits are microseconds, 9 nanoseconds. */
export type FractionDigits = 6 | 9

const DATE = /^([+-]\d{4,9}|\d{4})-(\d{2})-(\d{2})$/
const TIME = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9})\d*)?)?$/
// The offset is looked for after the time only, so that a date's dashes are none.
const TIMESTAMP = /^(.+?)(?:[Tt ]([\d:.]+))?([Zz]|[+-]\d{2}(?::?\d{2})?)?$/
const EXCESS_FRACTION = /\.\d{9}(\d*)/

/** Days from 1970-01-01; null when the text is no date of the calendar. */
export function parseDate(text: string): number | null {
  const match = DATE.exec(text)
  if (match === null || text.startsWith('-0000')) return null
  const date = { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) }
  return isCivilDate(date) ? daysOfCivil(date) : null
}

/** `YYYY-MM-DD`; years outside 0 to 9999 with a sign, as ISO 8601's expanded form has them. */
export function formatDate(days: number): string {
  const { year, month, day } = civilOfDays(days)
  return `${formatYear(year)}-${pad(month, 2)}-${pad(day, 2)}`
}

export function formatYear(year: number): string {
  if (year > 9999) return `+${year}`
  return year < 0 ? `-${pad(-year, 4)}` : pad(year, 4)
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

/**
 * Nanoseconds from midnight; null when the text is no time of day. `HH:MM` will do; a fraction
 * beyond nanoseconds must be zeros.
 */
export function parseTimeOfDay(text: string): bigint | null {
  const match = TIME.exec(text)
  if (match === null || hasExcess(text)) return null
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)]
  if (hour > 23 || minute > 59 || second > 59) return null
  const nanos = Number((match[4] ?? '').padEnd(9, '0'))
  return BigInt((hour * 60 + minute) * 60 + second) * 1_000_000_000n + BigInt(nanos)
}

function hasExcess(text: string): boolean {
  return /[1-9]/.test(EXCESS_FRACTION.exec(text)?.[1] ?? '')
}

/** `HH:MM:SS.ffffff`, from a count of the fraction's units since midnight. */
export function formatTimeOfDay(units: bigint, digits: FractionDigits): string {
  const perSecond = digits === 6 ? 1_000_000 : 1_000_000_000
  // A day has fewer nanoseconds than numbers hold exactly.
  const whole = Number(units)
  const seconds = Math.floor(whole / perSecond)
  const [hour, minute, second] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return `${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}.${pad(whole - seconds * perSecond, digits)}`
}

export interface ParsedTimestamp {
  /** Nanoseconds from 1970-01-01 00:00, of the instant where there is a zone, else of the wall clock. */
  readonly nanos: bigint
  /** 'date' when the text is a date alone, which means its midnight. */
  readonly zone: 'none' | 'offset' | 'date'
}

/**
 * `2026-01-31T12:00:00.5+01:00`, with a space for the `T`, seconds and zone left out, or a date
 * alone; null when the text is none of these.
 */
export function parseTimestamp(text: string): ParsedTimestamp | null {
  const alone = parseDate(text)
  if (alone !== null) return { nanos: BigInt(alone) * NANOS_PER_DAY, zone: 'date' }
  const match = TIMESTAMP.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) return null
  const days = parseDate(match[1])
  const time = parseTimeOfDay(match[2])
  const offset = match[3] === undefined ? 0 : parseOffset(match[3])
  if (days === null || time === null || offset === null) return null
  return {
    nanos: BigInt(days) * NANOS_PER_DAY + time - BigInt(offset) * 60_000_000_000n,
    zone: match[3] === undefined ? 'none' : 'offset',
  }
}

/** Minutes east of UTC; null for hours or minutes that no zone has. */
function parseOffset(text: string): number | null {
  if (text === 'Z' || text === 'z') return 0
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(3).replace(':', ''))]
  if (hours > 18 || minutes > 59) return null
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

/** `2026-01-31T12:00:00.000000`, from a count of the fraction's units since 1970-01-01 00:00. */
export function formatTimestamp(units: bigint, digits: FractionDigits): string {
  const perDay = digits === 6 ? MICROS_PER_DAY : NANOS_PER_DAY
  const days = digits === 6 ? daysOfMicros(units) : daysOfNanos(units)
  return `${formatDate(days)}T${formatTimeOfDay(units - BigInt(days) * perDay, digits)}`
}
