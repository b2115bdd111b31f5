/** Errors of the filter language: where, what was expected, and a caret under the place. */
import { InvalidExpressionError } from '../../errors.ts'
import type { Token } from './lexer.ts'

/** Characters of the filter shown before the caret. */
const SHOWN = 60

/**
 * The error for `token`. The excerpt ends at that token, with literals blotted out, since they can
 * be data; `asLiteral` blots the token itself too (a text whose quotes were forgotten).
 */
export function syntaxError(
  filter: string,
  tokens: readonly Token[],
  token: Token,
  problem: string,
  options: { readonly hint?: string | undefined; readonly asLiteral?: boolean | undefined } = {},
): InvalidExpressionError {
  const excerpt = excerptUpTo(filter, tokens, token, options.asLiteral ?? false)
  return new InvalidExpressionError(`The filter cannot be read at character ${token.start + 1}: ${problem}`, {
    hint: options.hint === undefined ? excerpt : `${options.hint}\n${excerpt}`,
  })
}

function excerptUpTo(filter: string, tokens: readonly Token[], token: Token, asLiteral: boolean): string {
  const from = Math.max(0, token.start - SHOWN)
  const to = token.kind === 'bad' ? token.start : Math.min(token.end, token.start + SHOWN)
  const shown = filter.slice(from, to).split('')
  for (const other of tokens) {
    if (other.end <= from || other.start >= to) continue
    if (isLiteral(other) || (other === token && asLiteral)) blot(shown, other.start - from, other.end - from)
  }
  const line = shown.join('').replace(/[\p{C}\s]/gu, ' ')
  const before = from > 0 ? '… ' : ''
  const after = to < filter.length ? ' …' : ''
  return `  ${before}${line}${after}\n  ${' '.repeat(before.length + token.start - from)}^`
}

function isLiteral(token: Token): boolean {
  return token.kind === 'string' || token.kind === 'number' || token.kind === 'bytes'
}

function blot(shown: string[], from: number, to: number): void {
  for (let i = Math.max(0, from); i < Math.min(to, shown.length); i++) shown[i] = '*'
}
