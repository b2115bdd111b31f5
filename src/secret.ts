/** A value that never shows: string conversion, JSON, `util.inspect` and errors print `***`. */
const inspect = Symbol.for('nodejs.util.inspect.custom')

/** A value that prints as `***`, wherever it is printed. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself, for the one call that needs it. Never store or log the result. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [inspect](): string {
    return 'Secret(***)'
  }
}
