/** Growing columns that values are appended to, checked one by one, and taken as column buffers. */
import { InvalidDataError } from '../../errors.ts'
import type { PrimitiveType } from '../../format/types.ts'
import { valueToDatum, type ExactTime, type Value } from '../../format/values/value.ts'
import type { ColumnData, Validity } from './column-data.ts'
import { fixedWriterOf, type FixedWriter } from './fixed-writers.ts'

/** What a row may hold. */
export type Incoming = Value | ExactTime | undefined

export interface ColumnBuilder {
  /** InvalidDataError naming the column when the value does not fit. */
  append(value: Incoming): void
  /** An element without a value inside a parent that has none: required or not does not matter. */
  skip(): void
  /** Bytes held so far, roughly. */
  size(): number
  /** What was appended since the last call; the builder starts anew. */
  take(): ColumnData
}

/** A null where the column must not have one. */
export function nullInRequired(column: string): InvalidDataError {
  return new InvalidDataError(`column ${column} is required, and a row has no value for it`, { column })
}

/** An error of a value with the column's name added to it. */
export function inColumn(column: string, error: unknown): unknown {
  if (!(error instanceof InvalidDataError) || error.column !== undefined) return error
  return new InvalidDataError(`column ${column}: ${error.message}`, { column, hint: error.hint })
}

/** Which elements have a value: nothing is stored before the first null. */
export class ValidityBits {
  #bits: Uint8Array | null = null

  setNull(index: number): void {
    const byte = index >> 3
    if (this.#bits === null || byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(256, byte * 2 + 8)).fill(255)
      if (this.#bits !== null) grown.set(this.#bits)
      this.#bits = grown
    }
    this.#bits[byte] = (this.#bits[byte] ?? 0) & ~(1 << (index & 7))
  }

  take(length: number): Validity | null {
    const bits = this.#bits
    this.#bits = null
    if (bits === null) return null
    const bytes = (length + 7) >> 3
    if (bytes <= bits.length) return { bits, offset: 0 }
    const whole = new Uint8Array(bytes).fill(255)
    whole.set(bits)
    return { bits: whole, offset: 0 }
  }
}

/** A builder of values of a primitive type. */
export function leafBuilder(column: string, type: PrimitiveType, isRequired: boolean): ColumnBuilder {
  if (type.kind === 'string') return new TextBuilder(column, type, isRequired)
  if (type.kind === 'binary' || type.kind === 'fixed') return new TextBuilder(column, type, isRequired)
  return new FixedBuilder(column, fixedWriterOf(type), isRequired)
}

/** Values that a new builder has room for: many writes are of one row. */
const FIRST_CAPACITY = 16

class FixedBuilder implements ColumnBuilder {
  readonly #column: string
  readonly #writer: FixedWriter
  readonly #isRequired: boolean
  readonly #validity = new ValidityBits()
  #buffer = new ArrayBuffer(0)
  #write: (index: number, value: Exclude<Incoming, null | undefined>) => void
  #capacity = 0
  /** What the last block came to need; the next will be like it. */
  #usual = FIRST_CAPACITY
  #length = 0

  constructor(column: string, writer: FixedWriter, isRequired: boolean) {
    this.#column = column
    this.#writer = writer
    this.#isRequired = isRequired
    this.#write = writer.into(this.#buffer)
  }

  append(value: Incoming): void {
    if (value === null || value === undefined) {
      if (this.#isRequired) throw nullInRequired(this.#column)
      this.skip()
      return
    }
    if (this.#length === this.#capacity) this.#grow()
    try {
      this.#write(this.#length, value)
    } catch (error) {
      throw inColumn(this.#column, error)
    }
    this.#length += 1
  }

  skip(): void {
    if (this.#length === this.#capacity) this.#grow()
    this.#validity.setNull(this.#length)
    this.#length += 1
  }

  size(): number {
    return this.#length * this.#writer.width
  }

  take(): ColumnData {
    const { width } = this.#writer
    const bytes = new Uint8Array(this.#buffer, 0, this.#length * width)
    const validity = this.#validity.take(this.#length)
    this.#usual = Math.max(this.#usual, this.#capacity)
    this.#buffer = new ArrayBuffer(0)
    this.#capacity = 0
    this.#length = 0
    return { kind: 'fixed', width, bytes, validity }
  }

  #grow(): void {
    this.#capacity = this.#capacity === 0 ? this.#usual : this.#capacity * 2
    const grown = new ArrayBuffer(this.#capacity * this.#writer.width)
    new Uint8Array(grown).set(new Uint8Array(this.#buffer))
    this.#buffer = grown
    this.#write = this.#writer.into(grown)
  }
}

/** Offsets are 32 bits wide. */
const MAX_TEXT_BYTES = 0x7fffffff

/** Bytes that a new builder of texts has room for, at least. */
const FIRST_TEXT_BYTES = 256

const encoder = new TextEncoder()

/** Texts and byte strings. */
class TextBuilder implements ColumnBuilder {
  readonly #column: string
  readonly #type: PrimitiveType
  readonly #isRequired: boolean
  readonly #validity = new ValidityBits()
  #offsets = new Int32Array(FIRST_CAPACITY + 1)
  #bytes = new Uint8Array(0)
  /** Bytes that the last block came to need; the next will be like it. */
  #usualBytes = FIRST_TEXT_BYTES
  #end = 0
  #length = 0

  constructor(column: string, type: PrimitiveType, isRequired: boolean) {
    this.#column = column
    this.#type = type
    this.#isRequired = isRequired
  }

  append(value: Incoming): void {
    if (value === null || value === undefined) {
      if (this.#isRequired) throw nullInRequired(this.#column)
      this.skip()
      return
    }
    const datum = this.#checked(value)
    if (typeof datum === 'string') this.#appendText(datum)
    else this.#appendBytes(datum)
    this.#close()
  }

  skip(): void {
    this.#validity.setNull(this.#length)
    this.#close()
  }

  size(): number {
    return this.#length * 16 + this.#end
  }

  take(): ColumnData {
    const offsets = this.#offsets.subarray(0, this.#length + 1)
    const bytes = this.#bytes.subarray(0, this.#end)
    const validity = this.#validity.take(this.#length)
    this.#usualBytes = Math.max(this.#usualBytes, this.#bytes.length)
    // As large as before: the next block will be like this one.
    this.#offsets = new Int32Array(this.#offsets.length)
    this.#bytes = new Uint8Array(0)
    this.#end = 0
    this.#length = 0
    return { kind: 'bytes', offsets, bytes, validity }
  }

  #checked(value: Exclude<Incoming, null | undefined>): string | Uint8Array {
    // Texts that are ASCII, which is seen while they are copied, need no other check.
    if (this.#type.kind === 'string' && typeof value === 'string') return value
    return this.#converted(value)
  }

  #converted(value: Exclude<Incoming, null | undefined>): string | Uint8Array {
    try {
      const datum = valueToDatum(this.#type, value)
      if (typeof datum === 'string' || datum instanceof Uint8Array) return datum
      throw new InvalidDataError('a value is neither text nor bytes')
    } catch (error) {
      throw inColumn(this.#column, error)
    }
  }

  #appendText(text: string): void {
    this.#reserve(text.length * 3)
    // A call into the encoder costs more than a few characters are worth.
    let end = this.#end
    if (text.length <= 32) {
      let at = 0
      for (; at < text.length; at++) {
        const code = text.charCodeAt(at)
        if (code > 127) break
        this.#bytes[end + at] = code
      }
      end += at
      if (at < text.length) {
        this.#converted(text)
        end += encoder.encodeInto(text.slice(at), this.#bytes.subarray(end)).written
      }
    } else {
      this.#converted(text)
      end += encoder.encodeInto(text, this.#bytes.subarray(end)).written
    }
    this.#end = end
  }

  #appendBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  #reserve(more: number): void {
    const needed = this.#end + more
    if (needed <= this.#bytes.length) return
    if (needed > MAX_TEXT_BYTES) {
      throw new InvalidDataError(`column ${this.#column}: a value is too long`, { column: this.#column })
    }
    const grown = new Uint8Array(
      Math.min(MAX_TEXT_BYTES, Math.max(needed, this.#bytes.length * 2, this.#usualBytes)),
    )
    grown.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = grown
  }

  #close(): void {
    this.#length += 1
    if (this.#length === this.#offsets.length) {
      const grown = new Int32Array(this.#offsets.length * 2)
      grown.set(this.#offsets)
      this.#offsets = grown
    }
    this.#offsets[this.#length] = this.#end
  }
}
