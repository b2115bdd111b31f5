/** What of SQL's `like` the format can answer: a text, or a prefix. */

/**
 * The pattern's text, `prefix` when `%` ends it; null for every other pattern. A backslash makes
 * the `%`, `_` or `\` after it an ordinary character.
 */
export function likePattern(pattern: string): { readonly text: string; readonly prefix: boolean } | null {
  let text = ''
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i)
    if (char === '%') return /^%+$/.test(pattern.slice(i)) ? { text, prefix: true } : null
    if (char === '_') return null
    if (char === '\\' && '%_\\'.includes(pattern.charAt(i + 1)) && i + 1 < pattern.length) i++
    text += pattern.charAt(i)
  }
  return { text, prefix: false }
}
