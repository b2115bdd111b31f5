/**
 * JSON without loss. `JSON.parse` rounds snapshot ids, and no document of ours may pass through it
 * bare; these two functions keep every number as it was written:
 *
 * - an integer in the safe range is a number, any other integer a bigint,
 * - a fraction or exponent is a number if that prints back as the same text, else a `NumberToken`.
 *
 * Key order is kept (except that JavaScript puts keys like `"7"` first). Of duplicate keys the last
 * wins, as in Java and Python. A key `__proto__` is a key like any other. A byte order mark is
 * skipped.
 */
import { CorruptFileError, InvalidArgumentError } from '../../errors.ts'
import { isRecord } from './json-fields.ts'
import { JsonSyntaxProblem } from './json-marks.ts'
import { JsonScanner } from './json-scanner.ts'
import { NumberToken } from './number-token.ts'

export { NumberToken } from './number-token.ts'

/** Arrays below the root are parsed in pieces of about this many bytes, to bound the garbage. */
const PIECE_BYTES = 1 << 16

/**
 * Parses a document. `file` is named in errors.
 *
 * Throws CorruptFileError on anything but one well-formed JSON value in valid UTF-8, or when it is
 * nested deeper than 1000 levels. The message never quotes the document.
 */
export function parseLossless(input: string | Uint8Array, file?: string): unknown {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input
  try {
    const scanner = new JsonScanner(bytes)
    const value = scanner.startsObject() ? parseRootObject(scanner) : scanner.parseValue()
    scanner.expectEnd()
    return value
  } catch (error) {
    if (!(error instanceof JsonSyntaxProblem)) throw error
    throw new CorruptFileError(`not a valid JSON document: ${error.message}`, {
      file,
      hint: 'Restore the file from a copy, or point the catalog at an earlier metadata file.',
    })
  }
}

function parseRootObject(scanner: JsonScanner): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  scanner.enter('{')
  if (scanner.leaveIf('}')) return root
  do {
    const key = scanner.parseKey()
    const value = scanner.startsArray() ? parseLongArray(scanner) : scanner.parseValue()
    // Not `root[key] = value`: that would set the prototype for a key `__proto__`.
    Object.defineProperty(root, key, { value, writable: true, enumerable: true, configurable: true })
  } while (scanner.nextIf(','))
  scanner.leave('}')
  return root
}

function parseLongArray(scanner: JsonScanner): unknown[] {
  const all: unknown[] = []
  scanner.enter('[')
  if (scanner.leaveIf(']')) return all
  let more = true
  while (more) {
    more = scanner.skipElements(PIECE_BYTES)
    scanner.parseElements(all)
  }
  scanner.leave(']')
  return all
}

/**
 * Writes a value without white space. Object keys whose value is undefined are left out.
 *
 * Throws InvalidArgumentError for what JSON cannot hold (NaN, infinities, functions, byte arrays).
 */
export function stringifyLossless(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quoted(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'number':
      if (!Number.isFinite(value)) throw new InvalidArgumentError('JSON has no NaN and no infinity')
      return String(value)
    case 'object':
      return value === null ? 'null' : stringifyObject(value)
    default:
      throw new InvalidArgumentError(`JSON has no ${typeof value}`)
  }
}

function stringifyObject(value: object): string {
  if (value instanceof NumberToken) return value.text
  if (Array.isArray(value)) return stringifyArray(value)
  if (ArrayBuffer.isView(value) || !isRecord(value)) throw new InvalidArgumentError('JSON has no byte arrays')
  return stringifyRecord(value)
}

function stringifyArray(value: readonly unknown[]): string {
  let text = ''
  for (const element of value) text += (text === '' ? '' : ',') + stringifyLossless(element)
  return `[${text}]`
}

function stringifyRecord(value: { readonly [key: string]: unknown }): string {
  let text = ''
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member !== undefined) text += (text === '' ? '' : ',') + keyText(key) + stringifyLossless(member)
  }
  return `{${text}}`
}

/** Anything but characters that stand for themselves: quote, backslash, controls and surrogates. */
const SPECIAL = /[^ !#-[\]-\ud7ff\ue000-\uffff]/

function quoted(text: string): string {
  return SPECIAL.test(text) ? JSON.stringify(text) : `"${text}"`
}

/** Metadata has few keys and has them thousands of times. */
const keyTexts = new Map<string, string>()
const MOST_KEYS = 4096

function keyText(key: string): string {
  let text = keyTexts.get(key)
  if (text === undefined) {
    text = `${quoted(key)}:`
    if (keyTexts.size < MOST_KEYS) keyTexts.set(key, text)
  }
  return text
}
