/** Values as text for people and for CSV. */
import type { Type } from '../format/types.ts'
import type { Value } from '../format/values/value.ts'
import { toJson, valueToJson, type Json } from '../format/values/json-border.ts'

/** A column of what is printed. */
export interface OutputColumn {
  /** The key in JSON, the head of the column in CSV. */
  readonly name: string
  /** Columns of a table have their type; columns of ours go by their values. */
  readonly type?: Type
  /** Numbers are set to the right. */
  readonly align?: 'left' | 'right'
  /** How people see it, where that is not the value's own text. */
  readonly show?: (value: unknown, row: Readonly<Record<string, unknown>>) => string
  /** What people see for null; default `null`. */
  readonly none?: string
  /** Only in JSON and CSV: too much for a person's line. */
  readonly detail?: boolean
}

const NUMBERS: ReadonlySet<string> = new Set(['int', 'long', 'float', 'double', 'decimal'])

/** A column of a table or of a scan. */
export function columnOf(name: string, type: Type): OutputColumn {
  return { name, type, align: NUMBERS.has(type.kind) ? 'right' : 'left' }
}

/** The value's JSON. */
export function cellJson(column: OutputColumn, value: unknown): Json {
  // A column with a type came from a scan, whose values are that type's.
  return column.type === undefined ? toJson(value) : valueToJson(column.type, value as Value)
}

/** The value as one line of text; null for null. */
export function cellText(column: OutputColumn, value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  const json = cellJson(column, value)
  return typeof json === 'string' ? json : JSON.stringify(json)
}

/** Control characters, and those that turn text round: a terminal would obey them. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text that a terminal shows and does not obey. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => NAMED[character] ?? escaped(character))
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
}

/** `12.3 MB` */
export function bytesText(bytes: unknown): string {
  const number = Number(bytes)
  if (number < 1000) return `${number} B`
  const units = ['kB', 'MB', 'GB', 'TB', 'PB']
  const power = Math.min(Math.floor(Math.log10(number) / 3), units.length)
  return `${(number / 1000 ** power).toFixed(1)} ${units[power - 1] ?? ''}`
}

/** `1,234,567` */
export function countText(count: unknown): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** Milliseconds since 1970 as ISO 8601 in UTC; what is no such time, as it is. */
export function timeText(milliseconds: unknown): string {
  const date = new Date(Number(milliseconds))
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString()
}

/** `3 rows`, `1 row` */
export function plural(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
}
