/** A JSON number that no JavaScript number prints back as it was written. */

/**
 * A number literal carried through as its text: `1.0`, `-0`, `1e400`, decimals with more digits than
 * a double has. Integers are never tokens; those outside the safe range are bigints.
 */
export class NumberToken {
  /** The literal as it stood in the document. */
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const INTEGER = /^-?[1-9][0-9]*$/
const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/
/** Integers with more characters are never safe; with fewer they may be. */
const LONGEST_SAFE = '-9007199254740991'.length

/** The value of a number literal without loss: number, bigint or token. null = not a JSON number. */
export function numberFromLiteral(text: string): number | bigint | NumberToken | null {
  if (INTEGER.test(text)) {
    if (text.length > LONGEST_SAFE) return BigInt(text)
    const value = Number(text)
    return Number.isSafeInteger(value) ? value : BigInt(text)
  }
  if (!JSON_NUMBER.test(text)) return null
  const value = Number(text)
  return String(value) === text ? value : new NumberToken(text)
}
