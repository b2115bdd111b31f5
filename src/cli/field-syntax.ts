/** Small languages of the command line: `month(date)`, `delay desc nulls last`, `key=value`. */
import type { TableConfig } from '../manager/models.ts'
import { UsageError } from './failure.ts'

type PartitionField = NonNullable<TableConfig['partitionSpec']>[number]
type SortField = NonNullable<TableConfig['sortOrder']>[number]

export interface Term {
  readonly source: string
  readonly transform: string
}

const NAMED = /^(?<term>.+?)\s+as\s+(?<name>\S+)$/i

/** `date`, `month(date)`, `bucket(16, id)`, `bucket[16](id)`, each with `as name`. */
export function parsePartitionField(text: string): PartitionField {
  return parseNamedTerm(text, '--partition')
}

/** The same, for an option of another name. */
export function parseNamedTerm(text: string, option: string): Term & { readonly name?: string } {
  const { term = text, name } = NAMED.exec(text.trim())?.groups ?? {}
  return { ...parseTerm(term, option), ...(name === undefined ? {} : { name }) }
}

/** A partition field by its name, or by what it holds: `date_month`, `month(date)`. */
export function parseFieldRef(text: string, option: string): string | Term {
  return /[()]/.test(text) ? parseTerm(text, option) : text.trim()
}

const SORT = /^(?<term>.+?)(?:\s+(?<direction>asc|desc))?(?:\s+nulls[ -](?<nulls>first|last))?$/i

/** `date`, `delay desc`, `bucket(16, id) asc nulls last`. */
export function parseSortField(text: string, option = '--sort'): SortField {
  const { term = text, direction, nulls } = SORT.exec(text.trim())?.groups ?? {}
  return {
    ...parseTerm(term, option),
    ...(direction === undefined ? {} : { direction: direction.toLowerCase() === 'desc' ? 'desc' : 'asc' }),
    ...(nulls === undefined
      ? {}
      : { nullOrder: nulls.toLowerCase() === 'last' ? 'nulls-last' : 'nulls-first' }),
  }
}

const CALL =
  /^(?<transform>[a-z_]+)(?:\[(?<bracket>\d+)\])?\s*\((?:\s*(?<argument>\d+)\s*,)?\s*(?<source>[^,()]+?)\s*\)$/i

function parseTerm(text: string, option: string): Term {
  const term = text.trim()
  if (term !== '' && !/[(),\s]/.test(term)) return { source: term, transform: 'identity' }
  const { transform = '', bracket, argument, source } = CALL.exec(term)?.groups ?? {}
  if (source === undefined || (bracket !== undefined && argument !== undefined)) {
    throw new UsageError(`${option} '${text}' cannot be read`, 'Write date, month(date) or bucket(16, id).')
  }
  const parameter = bracket ?? argument
  const name = transform.toLowerCase()
  return { source, transform: parameter === undefined ? name : `${name}[${parameter}]` }
}

/** `key=value`; the value may hold further signs, and may be empty. */
export function parseAssignments(texts: readonly string[]): Readonly<Record<string, string>> {
  const pairs = texts.map((text) => {
    const at = text.indexOf('=')
    if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1)] as const
    throw new UsageError(`'${text}' is not of the form key=value`)
  })
  const keys = pairs.map(([key]) => key)
  const twice = keys.find((key, at) => keys.indexOf(key) !== at)
  if (twice !== undefined) throw new UsageError(`'${twice}' is given twice`)
  return Object.fromEntries(pairs)
}

/** `a,b` and repeated: columns in the order in which they are given. */
export function parseList(texts: readonly string[]): readonly string[] {
  return texts
    .flatMap((text) => text.split(','))
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** Levels of a namespace; on the command line they are split at dots. */
export function parseNamespace(text: string): readonly string[] {
  const levels = text.split('.')
  if (levels.every((level) => level !== '')) return levels
  throw new UsageError(`'${text}' is not a namespace`, 'Write demo, or demo.raw for one of two levels.')
}

/** A whole number, 0 or more. */
export function parseCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(count)) return count
  throw new UsageError(`'${text}' is not a whole number, 0 or more`)
}
