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
import { numberLiteral } from './number-literal.ts'
import { TokenCursor } from './token-cursor.ts'

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
  readonly #cursor: TokenCursor
  #depth = 0

  constructor(text: string) {
    this.#cursor = new TokenCursor(text)
  }

  parse(): Expression {
    if (this.#cursor.peek().kind === 'end')
      this.#cursor.fail('it is empty', { hint: 'Leave the filter out to match every row.' })
    const expression = this.#disjunction()
    if (this.#cursor.peek().kind !== 'end') this.#cursor.fail('`and`, `or` or the end is expected here')
    return expression
  }

  #disjunction(): Expression {
    const operands = [this.#conjunction()]
    while (this.#cursor.takeWord('or')) operands.push(this.#conjunction())
    return anyOf(operands)
  }

  #conjunction(): Expression {
    const operands = [this.#negation()]
    while (this.#cursor.takeWord('and')) operands.push(this.#negation())
    return allOf(operands)
  }

  #negation(): Expression {
    if (!this.#cursor.takeWord('not')) return this.#primary()
    return not(this.#nested(() => this.#negation()))
  }

  #primary(): Expression {
    if (this.#cursor.takeSymbol('(')) {
      const inner = this.#nested(() => this.#disjunction())
      this.#cursor.expectSymbol(')')
      return inner
    }
    if (this.#cursor.isWord('starts_with') && this.#cursor.isSymbol('(', 1)) return this.#startsWith()
    if (this.#atLiteral()) return this.#literalFirst()
    return this.#predicate(this.#column())
  }

  /** `true`, `false`, or a comparison written the other way round. */
  #literalFirst(): Expression {
    const truth = this.#cursor.isWord('true')
      ? alwaysTrue()
      : this.#cursor.isWord('false')
        ? alwaysFalse()
        : null
    const literal = this.#literal()
    const op = this.#takeComparison()
    if (op !== null) return { op: MIRRORED.get(op) ?? op, column: this.#column(), value: literal }
    return truth ?? this.#cursor.fail('a comparison is expected after a literal')
  }

  #startsWith(): Expression {
    this.#cursor.skip(2)
    const column = this.#column()
    this.#cursor.expectSymbol(',')
    const value = this.#literal()
    this.#cursor.expectSymbol(')')
    return { op: 'starts-with', column, value }
  }

  #predicate(column: string): Expression {
    const op = this.#takeComparison()
    if (op !== null) return { op, column, value: this.#literal() }
    if (this.#cursor.takeWord('is')) return this.#unary(column)
    const negated = this.#cursor.takeWord('not')
    const predicate = this.#wordPredicate(column)
    return negated ? not(predicate) : predicate
  }

  #unary(column: string): Expression {
    const negated = this.#cursor.takeWord('not')
    if (this.#cursor.takeWord('null')) return negated ? { op: 'not-null', column } : isNull(column)
    if (this.#cursor.takeWord('nan')) return negated ? { op: 'not-nan', column } : isNaN(column)
    return this.#cursor.fail('`null` or `nan` is expected after `is`')
  }

  #wordPredicate(column: string): Expression {
    if (this.#cursor.takeWord('in')) return isIn(column, this.#list())
    if (this.#cursor.takeWord('between')) {
      const low = this.#literal()
      this.#cursor.expectWord('and')
      return and({ op: 'gt-eq', column, value: low }, { op: 'lt-eq', column, value: this.#literal() })
    }
    if (this.#cursor.takeWord('like')) return this.#like(column)
    return this.#cursor.fail('a comparison is expected after a column', {
      hint: 'Compare it (`active = true`, `a is not null`); text goes in single quotes.',
    })
  }

  #like(column: string): Expression {
    const token = this.#cursor.peek()
    const pattern = this.#literal()
    const parsed = typeof pattern === 'string' ? likePattern(pattern) : null
    if (parsed === null) {
      return this.#cursor.failAt(token, '`like` takes a text with one `%` at its end', {
        hint: 'Other patterns cannot be answered from table metadata: filter the rows you get.',
        asLiteral: true,
      })
    }
    return { op: parsed.prefix ? 'starts-with' : 'eq', column, value: parsed.text }
  }

  #list(): readonly LiteralValue[] {
    this.#cursor.expectSymbol('(')
    if (this.#cursor.takeSymbol(')')) return []
    const values = [this.#literal()]
    while (this.#cursor.takeSymbol(',')) values.push(this.#literal())
    this.#cursor.expectSymbol(')')
    return values
  }

  #column(): string {
    const parts = [this.#namePart()]
    while (this.#cursor.takeSymbol('.')) parts.push(this.#namePart())
    return parts.join('.')
  }

  #namePart(): string {
    const token = this.#cursor.peek()
    if (token.kind !== 'quoted' && (token.kind !== 'word' || RESERVED.has(token.text.toLowerCase()))) {
      return this.#cursor.fail('a column is expected here', {
        hint: 'A column name that is a keyword goes in double quotes.',
      })
    }
    this.#cursor.skip()
    return token.text
  }

  /** Whether a literal stands here where a column could stand too. */
  #atLiteral(): boolean {
    const { kind } = this.#cursor.peek()
    if (kind === 'string' || kind === 'number' || kind === 'bytes') return true
    if (this.#cursor.isSymbol('-') || this.#cursor.isSymbol('+') || this.#cursor.isWord('null')) return true
    return this.#cursor.isWord('true') || this.#cursor.isWord('false') || this.#atTypedText()
  }

  #atTypedText(): boolean {
    const token = this.#cursor.peek()
    return (
      token.kind === 'word' &&
      TYPE_WORDS.has(token.text.toLowerCase()) &&
      this.#cursor.peek(1).kind === 'string'
    )
  }

  #literal(): LiteralValue {
    if (this.#atTypedText()) this.#cursor.skip()
    const token = this.#cursor.peek()
    if (token.kind === 'string') return this.#cursor.took(token.text)
    if (token.kind === 'bytes')
      return this.#cursor.took(hexToBytes(token.text) ?? this.#cursor.fail('a literal is expected here'))
    if (this.#cursor.isWord('true') || this.#cursor.isWord('false'))
      return this.#cursor.took(token.text.toLowerCase() === 'true')
    if (this.#cursor.isWord('null')) {
      return this.#cursor.fail('null cannot be compared with', { hint: 'Write `is null` or `is not null`.' })
    }
    const negative = this.#cursor.isSymbol('-')
    if (negative || this.#cursor.isSymbol('+')) this.#cursor.skip()
    return this.#number(negative)
  }

  #number(negative: boolean): LiteralValue {
    const token = this.#cursor.peek()
    if (token.kind === 'number') return this.#cursor.took(numberLiteral(token.text, negative))
    if (this.#cursor.isWord('nan')) return this.#cursor.took(NaN)
    if (this.#cursor.isWord('infinity')) return this.#cursor.took(negative ? -Infinity : Infinity)
    return this.#cursor.fail('a literal is expected here', {
      hint: 'Text goes in single quotes; a column can be compared with literals only.',
      asLiteral: true,
    })
  }

  #takeComparison(): LiteralOp | null {
    const token = this.#cursor.peek()
    const op = token.kind === 'symbol' ? COMPARISONS.get(token.text) : undefined
    if (op === undefined) return null
    this.#cursor.skip()
    return op
  }

  #nested(parse: () => Expression): Expression {
    if (++this.#depth > MAX_DEPTH) {
      this.#cursor.fail(`more than ${MAX_DEPTH} levels of parentheses and negations`, {
        hint: 'Long lists need no nesting: join them with `and`, `or` or `in (…)`.',
      })
    }
    const expression = parse()
    this.#depth--
    return expression
  }
}
