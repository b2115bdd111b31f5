/** A place in the tokens of a filter, with the errors that name it. */
import { tokenize } from './lexer.ts'
import type { Token } from './lexer.ts'
import { syntaxError } from './syntax-error.ts'

interface FailOptions {
  readonly hint?: string
  /** The token stands where a literal belongs: it may be data, and is not shown. */
  readonly asLiteral?: boolean
}

export class TokenCursor {
  readonly #text: string
  readonly #tokens: readonly Token[]
  readonly #end: Token
  #next = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokenize(text)
    this.#end = { kind: 'end', text: '', start: text.length, end: text.length }
  }

  /** The token `ahead` of the next one; past the end there is only the last one again. */
  peek(ahead = 0): Token {
    return this.#tokens[this.#next + ahead] ?? this.#tokens.at(-1) ?? this.#end
  }

  skip(count = 1): void {
    this.#next += count
  }

  /** Steps over a token that has been read as `value`. */
  took<T>(value: T): T {
    this.#next++
    return value
  }

  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false
    this.#next++
    return true
  }

  takeSymbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false
    this.#next++
    return true
  }

  expectWord(word: string): void {
    if (!this.takeWord(word)) this.fail(`\`${word}\` is expected here`)
  }

  expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) this.fail(`\`${symbol}\` is expected here`)
  }

  isWord(word: string): boolean {
    const token = this.peek()
    return token.kind === 'word' && token.text.toLowerCase() === word
  }

  isSymbol(symbol: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return token.kind === 'symbol' && token.text === symbol
  }

  fail(problem: string, options: FailOptions = {}): never {
    return this.failAt(this.peek(), problem, options)
  }

  failAt(token: Token, problem: string, options: FailOptions): never {
    if (token.kind === 'bad') throw syntaxError(this.#text, this.#tokens, token, token.text)
    throw syntaxError(this.#text, this.#tokens, token, problem, options)
  }
}
