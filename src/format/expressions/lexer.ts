/** Tokens of the filter language. Never throws: what is no token becomes one of kind `bad`. */

export type TokenKind =
  /** A bare word: a keyword or a column name. */
  | 'word'
  /** A "quoted" column name, `text` without the quotes. */
  | 'quoted'
  /** A 'string', `text` without the quotes. */
  | 'string'
  /** x'0aff', `text` the digits. */
  | 'bytes'
  | 'number'
  | 'symbol'
  | 'end'
  /** `text` says what is wrong. */
  | 'bad'

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  /** Offsets into the filter's text. */
  readonly start: number
  readonly end: number
}

const SPACE = /\s+/y
const WORD = /[\p{L}_][\p{L}\p{N}\p{M}_$]*/uy
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const SYMBOL = /==|!=|<>|<=|>=|[=<>(),.+-]/y
const BYTES = /[xX]'((?:[0-9a-fA-F]{2})*)'/y

/** The tokens in order; the last is of kind `end`, or the only one of kind `bad`. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    at += match(SPACE, text, at)?.length ?? 0
    const token = nextToken(text, at, tokens.at(-1))
    tokens.push(token)
    if (token.kind === 'end' || token.kind === 'bad') return tokens
    at = token.end
  }
}

function nextToken(text: string, at: number, previous: Token | undefined): Token {
  if (at >= text.length) return { kind: 'end', text: '', start: at, end: at }
  const first = text.charAt(at)
  if (first === "'") return quotedToken('string', text, at)
  if (first === '"') return quotedToken('quoted', text, at)
  const bytes = match(BYTES, text, at)
  if (bytes !== null) return token('bytes', bytes.slice(2, -1), at, bytes.length)
  if (/[xX]/.test(first) && text.charAt(at + 1) === "'") {
    return bad('bytes are written as pairs of hexadecimal digits', text, at)
  }
  const word = match(WORD, text, at)
  if (word !== null) return token('word', word, at, word.length)
  // `a.5` is a (wrong) name, `= .5` a number.
  const named = previous?.kind === 'word' || previous?.kind === 'quoted'
  const number = first === '.' && named ? null : match(NUMBER, text, at)
  if (number !== null) {
    if (match(WORD, text, at + number.length) !== null) return bad('a number ends in letters', text, at)
    return token('number', number, at, number.length)
  }
  const symbol = match(SYMBOL, text, at)
  if (symbol !== null) return token('symbol', symbol, at, symbol.length)
  return bad('this character has no meaning in a filter', text, at)
}

/** A quote inside is doubled. */
function quotedToken(kind: 'string' | 'quoted', text: string, start: number): Token {
  const quote = text.charAt(start)
  let at = start + 1
  for (;;) {
    const close = text.indexOf(quote, at)
    if (close === -1) return bad(`the closing ${quote} is missing`, text, start)
    if (text.charAt(close + 1) !== quote) {
      const inner = text.slice(start + 1, close).replaceAll(quote + quote, quote)
      return { kind, text: inner, start, end: close + 1 }
    }
    at = close + 2
  }
}

function token(kind: TokenKind, text: string, start: number, length: number): Token {
  return { kind, text, start, end: start + length }
}

function bad(problem: string, text: string, start: number): Token {
  return { kind: 'bad', text: problem, start, end: text.length }
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? null
}
