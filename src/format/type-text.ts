/** Types as people write them: `decimal(9, 2)`, `list<string>`, `map<string, struct<x: double>>`. */
import { InvalidArgumentError } from '../errors.ts'
import { typeFromJson } from './types-json.ts'
import type { NestedField, Type } from './types.ts'

/** Stands in until ids are given out. */
const PROVISIONAL_ID = 0

/**
 * Parses what `typeToString` writes; everything inside is optional unless `required` follows its
 * type. Field ids are 0. InvalidArgumentError for anything else; UnsupportedFeatureError for a type
 * of a later format version.
 */
export function parseType(text: string): Type {
  const reader = new TypeReader(text)
  const type = reader.type()
  reader.expectEnd()
  return type
}

/** A name in back-ticks may hold anything but a back-tick. */
const NAME = /^\s*(?:`([^`]+)`|([^\s:,<>`()]+))\s*:/
const OPEN = /^\s*(struct|list|map)\s*</i
const SIMPLE = /^\s*(\w+(?:\s*[([][^)\]]*[)\]])?)/
const REQUIRED = /^\s*required\b/i

class TypeReader {
  readonly #text: string
  #rest: string

  constructor(text: string) {
    this.#text = text
    this.#rest = text
  }

  type(): Type {
    const open = this.#take(OPEN)
    switch (open?.[1]?.toLowerCase()) {
      case 'struct':
        return { kind: 'struct', fields: this.#fields() }
      case 'list':
        return this.#list()
      case 'map':
        return this.#map()
      default:
        return this.#simple()
    }
  }

  expectEnd(): void {
    if (this.#rest.trim() !== '') throw this.#malformed('something follows the type')
  }

  #simple(): Type {
    const name = this.#take(SIMPLE)?.[1]
    if (name === undefined) throw this.#malformed('a type is missing')
    return typeFromJson(name)
  }

  #fields(): readonly NestedField[] {
    const fields: NestedField[] = []
    do {
      const match = this.#take(NAME)
      const name = match?.[1] ?? match?.[2]
      if (name === undefined) throw this.#malformed("a struct's fields are written as name: type")
      const type = this.type()
      fields.push({ id: PROVISIONAL_ID, name, required: this.#required(), type })
    } while (this.#take(/^\s*,/) !== null)
    this.#close()
    return fields
  }

  #list(): Type {
    const element = this.type()
    const elementRequired = this.#required()
    this.#close()
    return { kind: 'list', elementId: PROVISIONAL_ID, element, elementRequired }
  }

  #map(): Type {
    const key = this.type()
    if (this.#take(/^\s*,/) === null) throw this.#malformed('a map is written as map<key, value>')
    const value = this.type()
    const valueRequired = this.#required()
    this.#close()
    return { kind: 'map', keyId: PROVISIONAL_ID, key, valueId: PROVISIONAL_ID, value, valueRequired }
  }

  #required(): boolean {
    return this.#take(REQUIRED) !== null
  }

  #close(): void {
    if (this.#take(/^\s*>/) === null) throw this.#malformed("a '>' is missing")
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    const match = pattern.exec(this.#rest)
    if (match !== null) this.#rest = this.#rest.slice(match[0].length)
    return match
  }

  #malformed(reason: string): InvalidArgumentError {
    const at = this.#text.length - this.#rest.length
    return new InvalidArgumentError(`type '${this.#text}': ${reason} (at character ${at + 1})`, {
      hint: 'Write types as decimal(9, 2), list<string>, map<string, long> or struct<x: double, y: double>.',
    })
  }
}
