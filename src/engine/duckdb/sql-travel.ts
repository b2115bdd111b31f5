/**
 * The ways in which people name a state of a table, as the one that DuckDB's grammar has: an alias
 * first, then `AT (VERSION => …)` or `AT (TIMESTAMP => …)`.
 */

interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'other' | 'space'
  readonly text: string
}

// In this order; everything else is a character by itself. Backslashes mean something in E'…' alone.
const TOKEN =
  /(?<space>\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|(?<text>e'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*'|\$(?<tag>\w*)\$[\s\S]*?\$\k<tag>\$)|(?<quoted>"(?:[^"]|"")*")|(?<number>\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)|(?<word>[\p{L}_][\p{L}\p{N}_$]*)|(?<other>=>|[\s\S])/giuy

/** Words that may follow a table and are no alias of it. */
const NO_ALIAS = new Set(
  `anti as asof cross except fetch for from full group having inner intersect join lateral left limit natural
  offset on order outer positional qualify right sample select semi set tablesample union using where window
  with pivot unpivot`
    .split(/\s+/)
    .map((word) => word.toUpperCase()),
)

/** Rewrites `FOR VERSION AS OF x`, `FOR SYSTEM_TIME AS OF x` and an alias behind `AT (…)`. */
export function normalizeTravel(sql: string): string {
  const tokens = tokensOf(sql)
  const out: string[] = []
  for (let at = 0; at < tokens.length;) {
    const travel = tokens[at]?.kind === 'word' ? (asOf(tokens, at) ?? atClause(tokens, at)) : null
    if (travel === null) {
      out.push(tokens[at]?.text ?? '')
      at += 1
      continue
    }
    const alias = aliasAt(tokens, travel.end)
    out.push(alias === null ? '' : `${alias.text} `, travel.text)
    at = alias?.end ?? travel.end
  }
  return out.join('')
}

function tokensOf(sql: string): readonly Token[] {
  return [...sql.matchAll(TOKEN)].map(({ 0: text, groups = {} }) => {
    const kinds = ['space', 'text', 'quoted', 'number', 'word'] as const
    return { kind: kinds.find((kind) => groups[kind] !== undefined) ?? 'other', text }
  })
}

interface Found {
  readonly text: string
  /** Behind it. */
  readonly end: number
}

/** `FOR [SYSTEM_]VERSION|[SYSTEM_]TIME|TIMESTAMP AS OF` and a literal. */
function asOf(tokens: readonly Token[], start: number): Found | null {
  const reader = new Reader(tokens, start)
  if (!reader.isWord('FOR')) return null
  const what = reader.word()
  if (what === null || !reader.isWord('AS') || !reader.isWord('OF')) return null
  const unit = UNITS.get(what)
  const literal = unit === undefined ? null : reader.literal()
  return literal === null ? null : { text: `AT (${unit} => ${literal})`, end: reader.at }
}

const UNITS: ReadonlyMap<string, 'VERSION' | 'TIMESTAMP'> = new Map([
  ['VERSION', 'VERSION'],
  ['SYSTEM_VERSION', 'VERSION'],
  ['TIMESTAMP', 'TIMESTAMP'],
  ['SYSTEM_TIME', 'TIMESTAMP'],
  ['TIME', 'TIMESTAMP'],
])

/** `AT (VERSION => literal)`. */
function atClause(tokens: readonly Token[], start: number): Found | null {
  const reader = new Reader(tokens, start)
  if (!reader.isWord('AT') || !reader.isOther('(')) return null
  const unit = reader.word()
  if ((unit !== 'VERSION' && unit !== 'TIMESTAMP') || !reader.isOther('=>')) return null
  const literal = reader.literal()
  if (literal === null || !reader.isOther(')')) return null
  return { text: `AT (${unit} => ${literal})`, end: reader.at }
}

function aliasAt(tokens: readonly Token[], start: number): Found | null {
  const reader = new Reader(tokens, start)
  const hasAs = reader.peek().text.toUpperCase() === 'AS'
  if (hasAs) reader.next()
  const token = reader.next()
  const isName = token.kind === 'quoted' || (token.kind === 'word' && (hasAs || !isReserved(token.text)))
  return isName ? { text: `AS ${token.text}`, end: reader.at } : null
}

function isReserved(word: string): boolean {
  return NO_ALIAS.has(word.toUpperCase())
}

const END: Token = { kind: 'other', text: '' }

/** Reads tokens one after the other, passing over space. */
class Reader {
  readonly #tokens: readonly Token[]
  at: number

  constructor(tokens: readonly Token[], at: number) {
    this.#tokens = tokens
    this.at = at
  }

  peek(): Token {
    let at = this.at
    while (this.#tokens[at]?.kind === 'space') at += 1
    return this.#tokens[at] ?? END
  }

  next(): Token {
    while (this.#tokens[this.at]?.kind === 'space') this.at += 1
    const token = this.#tokens[this.at] ?? END
    this.at += 1
    return token
  }

  word(): string | null {
    const token = this.next()
    return token.kind === 'word' ? token.text.toUpperCase() : null
  }

  isWord(word: string): boolean {
    return this.word() === word
  }

  isOther(text: string): boolean {
    return this.next().text === text
  }

  /** A text or number, with the name of a type in front of it or not; or a parameter. */
  literal(): string | null {
    const first = this.next()
    if (first.kind === 'text' || first.kind === 'number' || first.text === '?') return first.text
    if (first.text === '$') return `$${this.next().text}`
    const isType = first.kind === 'word' && /^(timestamp|timestamptz|date)$/i.test(first.text)
    const second = isType ? this.next() : END
    return second.kind === 'text' ? `${first.text} ${second.text}` : null
  }
}
