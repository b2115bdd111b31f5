/**
 * Reads JSON bytes value by value: a scan finds where each value ends and which of its numbers need
 * care, then `JSON.parse` does the work, with those numbers (and nothing else) turned into marked
 * strings first and back into exact values after. This is as fast as `JSON.parse` alone, and holds
 * no copy of the document but the piece in hand.
 */
import { JsonSyntaxProblem, revive } from './json-marks.ts'

const MAX_DEPTH = 1000
const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COMMA = 0x2c
const COLON = 0x3a
/** The mark's first byte: a character that stands for itself in JSON and begins no sane string. */
const DELETE = 0x7f
const LOWER_U = 0x75

/** What is inserted to mark numbers, and strings that look marked (see json-marks.ts). */
const NUMBER_START = new Uint8Array([QUOTE, DELETE])
const NUMBER_END = new Uint8Array([QUOTE])
const STRING_MARK = new Uint8Array([DELETE, 0x3d])
/** Integers of so many characters are safe, sign included. */
const SAFE_LENGTH = 15

export class JsonScanner {
  readonly #bytes: Uint8Array
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  #at = 0
  /** Start of the value or elements scanned last, and where to insert which bytes into them. */
  #start = 0
  #editAt: number[] = []
  #editBytes: Uint8Array[] = []
  /** How many edits there were after the last string's mark; -1 = it has none. */
  #markedString = -1
  /** Where the last number that was turned into a string ended. */
  #numberEnd = -1
  #scratch = new Uint8Array(0)

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.#at = 3
  }

  startsObject(): boolean {
    return this.#peek() === 0x7b
  }

  startsArray(): boolean {
    return this.#peek() === 0x5b
  }

  enter(open: '{' | '['): void {
    if (!this.#takeIf(open.charCodeAt(0))) this.#fail()
  }

  leaveIf(close: '}' | ']'): boolean {
    return this.#takeIf(close.charCodeAt(0))
  }

  leave(close: '}' | ']'): void {
    if (!this.leaveIf(close)) this.#fail()
  }

  nextIf(separator: ','): boolean {
    return this.#takeIf(separator.charCodeAt(0))
  }

  expectEnd(): void {
    if (this.#peek() !== -1) this.#fail()
  }

  /** An object's key and the colon behind it. */
  parseKey(): string {
    if (this.#peek() !== QUOTE) this.#fail()
    const key = this.parseValue()
    if (typeof key !== 'string' || !this.#takeIf(COLON)) return this.#fail()
    return key
  }

  parseValue(): unknown {
    this.#begin()
    this.#skipValue()
    const parsed: unknown = this.#parsePiece('', '')
    return revive(parsed, undefined)
  }

  /**
   * Goes over elements of an array (the scanner stands before one) until about so many bytes are
   * passed. True = a comma was passed and more must follow.
   */
  skipElements(bytes: number): boolean {
    this.#begin()
    for (;;) {
      this.#skipValue()
      if (this.#peek() !== COMMA) return false
      if (this.#at - this.#start >= bytes) return true
      this.#at++
    }
  }

  /** Parses the elements gone over last and appends them. */
  parseElements(to: unknown[]): void {
    const piece = this.#parsePiece('[', ']')
    if (!Array.isArray(piece)) return this.#fail()
    this.nextIf(',')
    let previous: unknown = to.at(-1)
    for (const element of piece) {
      previous = revive(element, previous)
      to.push(previous)
    }
  }

  #begin(): void {
    this.#peek()
    this.#start = this.#at
    this.#editAt = []
    this.#editBytes = []
    this.#markedString = -1
  }

  /** Next byte that is not white space, -1 at the end; the scanner stands on it. */
  #peek(): number {
    const bytes = this.#bytes
    for (;;) {
      const byte = bytes[this.#at]
      if (byte === undefined) return -1
      if (!isSpace(byte)) return byte
      this.#at++
    }
  }

  #takeIf(byte: number): boolean {
    if (this.#peek() !== byte) return false
    this.#at++
    return true
  }

  /** Passes one value. Whether its inside is well-formed, JSON.parse finds out. */
  #skipValue(): void {
    const bytes = this.#bytes
    let depth = 0
    this.#peek()
    const first = this.#at
    do {
      const byte = bytes[this.#at]
      if (byte === undefined) this.#fail()
      if (byte === QUOTE) this.#skipString()
      else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) this.#skipNumber()
      else if (byte === 0x7b || byte === 0x5b) {
        if (++depth > MAX_DEPTH) throw new JsonSyntaxProblem(`nested deeper than ${MAX_DEPTH} levels`)
        this.#at++
      } else if (byte === 0x7d || byte === 0x5d) {
        if (--depth < 0) this.#fail()
        this.#at++
      } else if (depth === 0 && (byte === COMMA || byte === COLON)) this.#fail()
      else if (depth === 0) this.#skipWord()
      else {
        if (byte === COLON) this.#endKey()
        this.#at++
      }
    } while (depth > 0)
    if (this.#at === first) this.#fail()
  }

  #skipString(): void {
    const bytes = this.#bytes
    const first = this.#at + 1
    let at = first
    for (;;) {
      const byte = bytes[at++]
      if (byte === QUOTE) break
      if (byte === BACKSLASH) at++
      else if (byte === undefined) this.#failAt(bytes.length)
    }
    this.#at = at
    const mark = bytes[first] === DELETE || (bytes[first] === BACKSLASH && bytes[first + 1] === LOWER_U)
    if (mark) this.#edit(first, STRING_MARK)
    this.#markedString = mark ? this.#editAt.length : -1
  }

  /** At a colon: what came before was a key. Keys need no mark, and a number is none. */
  #endKey(): void {
    let end = this.#at
    while (isSpace(this.#bytes[end - 1])) end--
    if (end === this.#numberEnd) this.#fail()
    if (this.#markedString !== this.#editAt.length) return
    this.#editAt.pop()
    this.#editBytes.pop()
    this.#markedString = -1
  }

  #skipNumber(): void {
    const bytes = this.#bytes
    const first = this.#at
    let at = first
    let plain = true
    for (; ; at++) {
      const byte = bytes[at]
      if (byte === undefined) break
      if (byte >= ZERO && byte <= NINE) continue
      // + . E e, or a minus that is not the first character
      const partOfNumber = byte === 0x2b || byte === 0x2e || byte === 0x45 || byte === 0x65
      if (!partOfNumber && byte !== MINUS) break
      plain &&= at === first
    }
    this.#at = at
    // A plain short integer is left to JSON.parse, except -0 (whose sign it would lose).
    if (plain && at - first <= SAFE_LENGTH && !(bytes[first] === MINUS && bytes[first + 1] === ZERO)) return
    this.#edit(first, NUMBER_START)
    this.#edit(at, NUMBER_END)
    this.#numberEnd = at
  }

  /** true, false, null, or what JSON.parse will refuse. */
  #skipWord(): void {
    for (let byte = this.#bytes[this.#at]; byte !== undefined; byte = this.#bytes[++this.#at]) {
      const letter = byte >= 0x61 && byte <= 0x7a
      if (!letter) return
    }
  }

  #edit(at: number, insert: Uint8Array): void {
    this.#editAt.push(at)
    this.#editBytes.push(insert)
  }

  #parsePiece(before: string, after: string): unknown {
    let text: string
    try {
      text = this.#decoder.decode(this.#edited())
    } catch {
      // The decoder's own error says no more than this.
      throw new JsonSyntaxProblem(`invalid UTF-8 at or after byte ${this.#start}`)
    }
    try {
      return JSON.parse(`${before}${text}${after}`)
    } catch {
      // The parser's own message quotes the document, which may hold secrets.
      throw new JsonSyntaxProblem(`malformed between bytes ${this.#start} and ${this.#at}`)
    }
  }

  /** The bytes of the piece with all edits made: a view, valid until the next call. */
  #edited(): Uint8Array {
    const from = this.#bytes.subarray(this.#start, this.#at)
    if (this.#editAt.length === 0) return from
    const most = from.length + 2 * this.#editAt.length
    if (this.#scratch.length < most) this.#scratch = new Uint8Array(most + (most >> 1))
    const to = this.#scratch
    let read = 0
    let written = 0
    this.#editAt.forEach((at, index) => {
      const upTo = at - this.#start
      to.set(from.subarray(read, upTo), written)
      written += upTo - read
      read = upTo
      // Both arrays grow together.
      const insert = this.#editBytes[index] ?? NUMBER_END
      to.set(insert, written)
      written += insert.length
    })
    to.set(from.subarray(read), written)
    return to.subarray(0, written + from.length - read)
  }

  #fail(): never {
    return this.#failAt(this.#at)
  }

  #failAt(at: number): never {
    const ended = at >= this.#bytes.length
    throw new JsonSyntaxProblem(ended ? `it ends early, at byte ${at}` : `malformed at byte ${at}`)
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
