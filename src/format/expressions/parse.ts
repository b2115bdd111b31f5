/**
 * The text language of filters, SQL's own words for what the format can express:
 *
 *     a >= 1 and (b is null or c in ('x', 'y')) and not starts_with(d, 'z')
 *
 * - comparisons `=` `==` `!=` `<>` `<` `<=` `>` `>=`, the literal on either side
 * - `is [not] null`, `is [not] nan`, `[not] in (…)`, `[not] between … and …`
 * - `[not] like 'abc%'` (a prefix; `\%` is a percent sign), `starts_with(column, 'abc')`
 * - `and`, `or`, `not`, parentheses, `true`, `false`
 * - columns bare, `"quoted"` (a quote inside is doubled), nested ones with dots
 * - literals: numbers, 'text' (a quote inside is doubled), true, false, nan, infinity, x'0aff', and
 *   text with its type before it: `date '2026-01-31'`
 *
 * Keywords are recognised in any case. Operators bind as in SQL: not, then and, then or.
 */
import type { Expression, LiteralOp, LiteralValue } from './expression.ts'
import { allOf, alwaysFalse, alwaysTrue, and, anyOf, isIn, isNaN, isNull, not } from './expression.ts'
import { hexToBytes } from '../values/bytes.ts'
import { likePattern } from './like.ts'
import { tokenize } from './lexer.ts'
import type { Token } from './lexer.ts'
import { numberLiteral } from './number-literal.ts'
import { syntaxError } from './syntax-error.ts'

/** Parentheses and `not`s inside each other. */
const MAX_DEPTH = 200

/** Words that are no column name unless quoted. */
export const RESERVED: ReadonlySet<string> = new Set([
  'and',
  'or',
  'not',
  'in',
  'is',
  'between',
  'like',
  'null',
  'true',
  'false',
])

/** A typed literal is text: the column's type decides how it is read. */
const TYPE_WORDS: ReadonlySet<string> = new Set([
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'uuid',
  'decimal',
])

const COMPARISONS: ReadonlyMap<string, LiteralOp> = new Map([
  ['=', 'eq'],
  ['==', 'eq'],
  ['!=', 'not-eq'],
  ['<>', 'not-eq'],
  ['<', 'lt'],
  ['<=', 'lt-eq'],
  ['>', 'gt'],
  ['>=', 'gt-eq'],
])

/** The operator when both sides change places. */
const MIRRORED: ReadonlyMap<LiteralOp, LiteralOp> = new Map([
  ['lt', 'gt'],
  ['lt-eq', 'gt-eq'],
  ['gt', 'lt'],
  ['gt-eq', 'lt-eq'],
])

/**
 * Reads a filter. Columns and types are checked when it is bound to a schema, not here.
 *
 * Throws InvalidExpressionError naming the position; literals are not repeated in it.
 */
export function parseExpression(text: string): Expression {
  return new Parser(text).parse()
}

class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokenize(text)
  }

  parse(): Expression {
    if (this.#peek().kind === 'end')
      this.#fail('it is empty', { hint: 'Leave the filter out to match every row.' })
    const expression = this.#disjunction()
    if (this.#peek().kind !== 'end') this.#fail('`and`, `or` or the end is expected here')
    return expression
  }

  #disjunction(): Expression {
    const operands = [this.#conjunction()]
    while (this.#takeWord('or')) operands.push(this.#conjunction())
    return anyOf(operands)
  }

  #conjunction(): Expression {
    const operands = [this.#negation()]
    while (this.#takeWord('and')) operands.push(this.#negation())
    return allOf(operands)
  }

  #negation(): Expression {
    if (!this.#takeWord('not')) return this.#primary()
    return not(this.#nested(() => this.#negation()))
  }

  #primary(): Expression {
    if (this.#takeSymbol('(')) {
      const inner = this.#nested(() => this.#disjunction())
      this.#expectSymbol(')')
      return inner
    }
    if (this.#isWord('starts_with') && this.#isSymbol('(', 1)) return this.#startsWith()
    if (this.#atLiteral()) return this.#literalFirst()
    return this.#predicate(this.#column())
  }

  /** `true`, `false`, or a comparison written the other way round. */
  #literalFirst(): Expression {
    const truth = this.#isWord('true') ? alwaysTrue() : this.#isWord('false') ? alwaysFalse() : null
    const literal = this.#literal()
    const op = this.#takeComparison()
    if (op !== null) return { op: MIRRORED.get(op) ?? op, column: this.#column(), value: literal }
    if (truth === null) this.#fail('a comparison is expected after a literal')
    return truth
  }

  #startsWith(): Expression {
    this.#next += 2
    const column = this.#column()
    this.#expectSymbol(',')
    const value = this.#literal()
    this.#expectSymbol(')')
    return { op: 'starts-with', column, value }
  }

  #predicate(column: string): Expression {
    const op = this.#takeComparison()
    if (op !== null) return { op, column, value: this.#literal() }
    if (this.#takeWord('is')) return this.#unary(column)
    const negated = this.#takeWord('not')
    const predicate = this.#wordPredicate(column)
    return negated ? not(predicate) : predicate
  }

  #unary(column: string): Expression {
    const negated = this.#takeWord('not')
    if (this.#takeWord('null')) return negated ? { op: 'not-null', column } : isNull(column)
    if (this.#takeWord('nan')) return negated ? { op: 'not-nan', column } : isNaN(column)
    return this.#fail('`null` or `nan` is expected after `is`')
  }

  #wordPredicate(column: string): Expression {
    if (this.#takeWord('in')) return isIn(column, this.#list())
    if (this.#takeWord('between')) {
      const low = this.#literal()
      this.#expectWord('and')
      return and({ op: 'gt-eq', column, value: low }, { op: 'lt-eq', column, value: this.#literal() })
    }
    if (this.#takeWord('like')) return this.#like(column)
    return this.#fail('a comparison is expected after a column', {
      hint: 'Compare it (`active = true`, `a is not null`); text goes in single quotes.',
    })
  }

  #like(column: string): Expression {
    const token = this.#peek()
    const pattern = this.#literal()
    const parsed = typeof pattern === 'string' ? likePattern(pattern) : null
    if (parsed === null) {
      return this.#failAt(token, '`like` takes a text with one `%` at its end', {
        hint: 'Other patterns cannot be answered from table metadata: filter the rows you get.',
        asLiteral: true,
      })
    }
    return { op: parsed.prefix ? 'starts-with' : 'eq', column, value: parsed.text }
  }

  #list(): readonly LiteralValue[] {
    this.#expectSymbol('(')
    if (this.#takeSymbol(')')) return []
    const values = [this.#literal()]
    while (this.#takeSymbol(',')) values.push(this.#literal())
    this.#expectSymbol(')')
    return values
  }

  #column(): string {
    const parts = [this.#namePart()]
    while (this.#takeSymbol('.')) parts.push(this.#namePart())
    return parts.join('.')
  }

  #namePart(): string {
    const token = this.#peek()
    if (token.kind !== 'quoted' && (token.kind !== 'word' || RESERVED.has(token.text.toLowerCase()))) {
      return this.#fail('a column is expected here', {
        hint: 'A column name that is a keyword goes in double quotes.',
      })
    }
    this.#next++
    return token.text
  }

  /** Whether a literal stands here where a column could stand too. */
  #atLiteral(): boolean {
    const { kind } = this.#peek()
    if (kind === 'string' || kind === 'number' || kind === 'bytes') return true
    if (this.#isSymbol('-') || this.#isSymbol('+')) return true
    return this.#isWord('true') || this.#isWord('false') || this.#atTypedText()
  }

  #atTypedText(): boolean {
    const token = this.#peek()
    return (
      token.kind === 'word' && TYPE_WORDS.has(token.text.toLowerCase()) && this.#peek(1).kind === 'string'
    )
  }

  #literal(): LiteralValue {
    if (this.#atTypedText()) this.#next++
    const token = this.#peek()
    if (token.kind === 'string') return this.#took(token.text)
    if (token.kind === 'bytes')
      return this.#took(hexToBytes(token.text) ?? this.#fail('a literal is expected here'))
    if (this.#isWord('true') || this.#isWord('false')) return this.#took(token.text.toLowerCase() === 'true')
    if (this.#isWord('null')) {
      return this.#fail('null cannot be compared with', { hint: 'Write `is null` or `is not null`.' })
    }
    const negative = this.#isSymbol('-')
    if (negative || this.#isSymbol('+')) this.#next++
    return this.#number(negative)
  }

  #number(negative: boolean): LiteralValue {
    const token = this.#peek()
    if (token.kind === 'number') return this.#took(numberLiteral(token.text, negative))
    if (this.#isWord('nan')) return this.#took(NaN)
    if (this.#isWord('infinity')) return this.#took(negative ? -Infinity : Infinity)
    return this.#fail('a literal is expected here', {
      hint: 'Text goes in single quotes; a column can be compared with literals only.',
      asLiteral: true,
    })
  }

  #takeComparison(): LiteralOp | null {
    const token = this.#peek()
    const op = token.kind === 'symbol' ? COMPARISONS.get(token.text) : undefined
    if (op === undefined) return null
    this.#next++
    return op
  }

  #nested(parse: () => Expression): Expression {
    if (++this.#depth > MAX_DEPTH) {
      this.#fail(`more than ${MAX_DEPTH} levels of parentheses and negations`, {
        hint: 'Long lists need no nesting: join them with `and`, `or` or `in (…)`.',
      })
    }
    const expression = parse()
    this.#depth--
    return expression
  }

  #took<T>(value: T): T {
    this.#next++
    return value
  }

  #takeWord(word: string): boolean {
    if (!this.#isWord(word)) return false
    this.#next++
    return true
  }

  #takeSymbol(symbol: string): boolean {
    if (!this.#isSymbol(symbol)) return false
    this.#next++
    return true
  }

  #expectWord(word: string): void {
    if (!this.#takeWord(word)) this.#fail(`\`${word}\` is expected here`)
  }

  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) this.#fail(`\`${symbol}\` is expected here`)
  }

  #isWord(word: string): boolean {
    const token = this.#peek()
    return token.kind === 'word' && token.text.toLowerCase() === word
  }

  #isSymbol(symbol: string, ahead = 0): boolean {
    const token = this.#peek(ahead)
    return token.kind === 'symbol' && token.text === symbol
  }

  /** Past the end there is only the last token again. */
  #peek(ahead = 0): Token {
    const last: Token = { kind: 'end', text: '', start: this.#text.length, end: this.#text.length }
    return this.#tokens[this.#next + ahead] ?? this.#tokens.at(-1) ?? last
  }

  #fail(problem: string, options: { readonly hint?: string; readonly asLiteral?: boolean } = {}): never {
    return this.#failAt(this.#peek(), problem, options)
  }

  #failAt(
    token: Token,
    problem: string,
    options: { readonly hint?: string; readonly asLiteral?: boolean },
  ): never {
    if (token.kind === 'bad') throw syntaxError(this.#text, this.#tokens, token, token.text)
    throw syntaxError(this.#text, this.#tokens, token, problem, options)
  }
}
