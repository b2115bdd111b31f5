/** Numbers that went through `JSON.parse` as marked strings, turned into what they are. */
import { isRecord, type JsonRecord } from './json-fields.ts'
import { numberFromLiteral } from './number-token.ts'

/** What is wrong with the document, without quoting it. */
export class JsonSyntaxProblem extends Error {}

/**
 * First character of a marked string: the rest is a number's text, or `=` and a string that happened
 * to begin with this character (or with an escape, which may be this character).
 */
const MARK = '\u007f'

/**
 * Turns marked strings back, in place. Strings that equal the neighbour's under the same key become
 * the same string, so that a history of thousands of snapshots holds `"append"` once.
 */
export function revive(value: unknown, neighbour: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(MARK) ? unmark(value) : value
  if (Array.isArray(value)) {
    value.forEach((element: unknown, index) => {
      const revived = revive(element, undefined)
      if (revived !== element) value[index] = revived
    })
  } else if (isRecord(value)) reviveMembers(value, isRecord(neighbour) ? neighbour : undefined)
  return value
}

function reviveMembers(record: JsonRecord, neighbour: JsonRecord | undefined): void {
  for (const key of Object.keys(record)) {
    const member = record[key]
    if (typeof member === 'string') {
      if (member.startsWith(MARK)) record[key] = unmark(member)
      else if (neighbour !== undefined && member === neighbour[key]) record[key] = neighbour[key]
    } else if (typeof member === 'object' && member !== null) revive(member, neighbour?.[key])
  }
}

function unmark(text: string): unknown {
  if (text[1] === '=') return text.slice(2)
  const number = numberFromLiteral(text.slice(1))
  if (number === null) throw new JsonSyntaxProblem('a number is malformed')
  return number
}
