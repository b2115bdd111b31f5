/**
 * The proleptic Gregorian calendar, counted from 1970-01-01 with floor arithmetic, so that what
 * lies before 1970 comes out right: the hour before the epoch is -1, not 0.
 */

const MICROS_PER_HOUR = 3_600_000_000n
export const MICROS_PER_DAY = 86_400_000_000n
export const NANOS_PER_MICRO = 1000n
export const NANOS_PER_DAY = 86_400_000_000_000n

export interface CivilDate {
  /** Astronomical: the year before 1 is 0. */
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  /** 1 to 31. */
  readonly day: number
}

const DAYS_PER_ERA = 146_097
const YEARS_PER_ERA = 400
/** From 0000-03-01, where eras of 400 years begin, to 1970-01-01. */
const EPOCH_OFFSET = 719_468

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER)
const SAFE_MIN = -SAFE_MAX

/** Greatest whole number not above `value / divisor`. The divisor is positive. */
export function floorDiv(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient
}

/** What `floorDiv` leaves: in [0, divisor). */
export function floorMod(value: bigint, divisor: bigint): bigint {
  const remainder = value % divisor
  return remainder < 0n ? remainder + divisor : remainder
}

/**
 * `floorDiv` to a number. Within the safe integers a floating division is exact enough: the quotient
 * misses a whole number by at least 1/divisor, which is more than its rounding error.
 */
function floorDivToNumber(value: bigint, divisor: bigint, divisorNumber: number): number {
  return value <= SAFE_MAX && value >= SAFE_MIN
    ? Math.floor(Number(value) / divisorNumber)
    : Number(floorDiv(value, divisor))
}

/** Days since 1970-01-01 of microseconds since then. */
export function daysOfMicros(micros: bigint): number {
  return floorDivToNumber(micros, MICROS_PER_DAY, 86_400_000_000)
}

/** Hours since 1970-01-01 00:00 of microseconds since then. */
export function hoursOfMicros(micros: bigint): number {
  return floorDivToNumber(micros, MICROS_PER_HOUR, 3_600_000_000)
}

/** Days since 1970-01-01 of nanoseconds since then. */
export function daysOfNanos(nanos: bigint): number {
  return Number(floorDiv(nanos, NANOS_PER_DAY))
}

/** Hours since 1970-01-01 00:00 of nanoseconds since then. */
export function hoursOfNanos(nanos: bigint): number {
  return Number(floorDiv(nanos, NANOS_PER_DAY / 24n))
}

/** Years since 1970 of a day. */
export function yearsOfDays(days: number): number {
  return civilOfDays(days).year - 1970
}

/** Months since 1970-01 of a day. */
export function monthsOfDays(days: number): number {
  const { year, month } = civilOfDays(days)
  return (year - 1970) * 12 + (month - 1)
}

/** The date that lies `days` after 1970-01-01. */
export function civilOfDays(days: number): CivilDate {
  // Years that begin in March put the leap day last, which makes month lengths one formula.
  const shifted = days + EPOCH_OFFSET
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  return { year: yearOfEra + era * YEARS_PER_ERA + (month <= 2 ? 1 : 0), month, day }
}

/** Days from 1970-01-01 to a date that exists (see `isCivilDate`). */
export function daysOfCivil({ year, month, day }: CivilDate): number {
  const marchYear = month <= 2 ? year - 1 : year
  const era = Math.floor(marchYear / YEARS_PER_ERA)
  const yearOfEra = marchYear - era * YEARS_PER_ERA
  const marchMonth = month > 2 ? month - 3 : month + 9
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * DAYS_PER_ERA + dayOfEra - EPOCH_OFFSET
}

/** True for dates that the calendar has: 2023-02-29 is none. */
export function isCivilDate({ year, month, day }: CivilDate): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}
