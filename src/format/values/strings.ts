/** Strings by code points, in the order of their UTF-8 bytes. */

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/** The first `length` code points; the string itself when it has no more. */
export function truncateString(text: string, length: number): string {
  if (text.length <= length) return text
  let end = 0
  for (let points = 0; points < length && end < text.length; points += 1) {
    const pair = isHighSurrogate(text.charCodeAt(end)) && isLowSurrogate(text.charCodeAt(end + 1))
    end += pair ? 2 : 1
  }
  return end === text.length ? text : text.slice(0, end)
}

/**
 * Order of the UTF-8 bytes, which is that of the code points. UTF-16 units compare otherwise:
 * surrogates (code points from U+10000 on) lie below U+E000 there.
 */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i += 1) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rankOf(x) < rankOf(y) ? -1 : 1
  }
  return a.length < b.length ? -1 : 1
}

/** Moves surrogates above all other units. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

const LAST_CODE_POINT = 0x10ffff

/**
 * A string of at most `length` code points that does not lie below the text: the text itself when
 * it is short enough, else its beginning with the last code point raised that can be. null when
 * every code point kept is the last there is.
 */
export function truncateStringUp(text: string, length: number): string | null {
  const points = [...truncateString(text, length)]
  if (points.join('').length === text.length) return text
  for (let last = points.length - 1; last >= 0; last -= 1) {
    const point = points[last]?.codePointAt(0) ?? LAST_CODE_POINT
    if (point >= LAST_CODE_POINT) continue
    return points.slice(0, last).join('') + String.fromCodePoint(successor(point))
  }
  return null
}

/** The next code point that a string can hold: surrogates are none. */
function successor(point: number): number {
  return point >= 0xd7ff && point < 0xdfff ? 0xe000 : point + 1
}
