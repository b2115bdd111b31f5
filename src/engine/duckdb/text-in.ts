/** SQL that reads values from text: strict, so that nothing is rounded, cut or guessed. */
import { SchemaMismatchError } from '../../errors.ts'
import { typeToString } from '../../format/types-json.ts'
import type { Type } from '../../format/types.ts'
import { guarded, type Converted } from './converted.ts'
import { quoteText, sqlType } from './sql.ts'

const DATE = String.raw`[+-]?\d{4,6}-\d{2}-\d{2}`
const CLOCK = String.raw`([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6}0*)?)?`
const ZONE = String.raw`(Z|[+-]\d{2}(:?\d{2})?)`
const WHOLE = String.raw`[+-]?\d+(\.0*)?`
const UUID = '[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}'

/** Whether a text is null or can be read as a value of the type, its range aside. */
export function looksLike(sql: string, to: Type): string {
  return `(${sql}) IS NULL OR regexp_full_match(trim(${sql}), ${quoteText(patternOf(to, ''))})`
}

/** A text as a value of a column. Nested types have no text of their own. */
export function textValue(sql: string, to: Type, path: string): Converted {
  if (to.kind === 'string') return { sql, checked: false }
  const pattern = patternOf(to, path)
  const trimmed = `trim(${sql})`
  const value = valueOf(trimmed, to)
  const matches = `regexp_full_match(${trimmed}, ${quoteText(pattern)})`
  // A float's range ends where the cast answers infinity without a word.
  const finite =
    to.kind === 'float' || to.kind === 'double'
      ? ` AND (isfinite(${value}) OR NOT regexp_matches(${trimmed}, '\\d'))`
      : ''
  return { sql: guarded(`(${sql}) IS NULL OR (${matches}${finite})`, value), checked: true }
}

function valueOf(text: string, to: Type): string {
  switch (to.kind) {
    case 'boolean':
      return `lower(${text}) IN ('true', 't')`
    case 'int':
    case 'long':
      return `CAST(regexp_replace(${text}, '\\.0*$', '') AS ${sqlType(to)})`
    case 'binary':
      return `unhex(${text})`
    default:
      return `CAST(${text} AS ${sqlType(to)})`
  }
}

function patternOf(to: Type, path: string): string {
  switch (to.kind) {
    case 'boolean':
      return '(?i)true|false|t|f'
    case 'int':
    case 'long':
      return WHOLE
    case 'float':
    case 'double':
      return String.raw`(?i)[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf|infinity)`
    case 'decimal':
      // No digit beyond the scale but zeros, which the cast would round away.
      return String.raw`[+-]?(\d+(\.\d{0,${to.scale}}0*)?|\.\d{1,${Math.max(to.scale, 1)}}0*)`
    case 'date':
      return DATE
    case 'time':
      return CLOCK
    case 'timestamp':
      return `${DATE}([ T]${CLOCK})?`
    case 'timestamptz':
      return `${DATE}([ T]${CLOCK} ?${ZONE})?`
    case 'uuid':
      return UUID
    case 'binary':
      return '([0-9a-fA-F]{2})*'
    default:
      throw new SchemaMismatchError(`column ${path} of type ${typeToString(to)} cannot be read from text`, {
        column: path,
      })
  }
}
