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
