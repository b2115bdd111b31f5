/**
 * Thrift's compact protocol, as a tree that can be changed and written again: for footers of
 * Parquet files that this process has just made. Fields that nobody knows are kept as they are.
 */
import { EngineError } from '../../errors.ts'

// Types of the protocol. A boolean field's value is its type.
const TRUE = 1
const FALSE = 2
const BYTE = 3
const I16 = 4
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const SET = 10
const STRUCT = 12

export interface ThriftField {
  readonly type: number
  readonly value: ThriftValue
}

/** Fields by their ids. */
export type ThriftStruct = ReadonlyMap<number, ThriftField>

export interface ThriftList {
  readonly elementType: number
  readonly values: readonly ThriftValue[]
}

/** Integers of all widths are bigint; doubles and texts are their bytes. */
export type ThriftValue = boolean | bigint | Uint8Array | ThriftList | ThriftStruct

/** Reads a struct. EngineError when the bytes are none. */
export function readThrift(bytes: Uint8Array): ThriftStruct {
  return new Reader(bytes).struct()
}

/** Writes a struct. */
export function writeThrift(struct: ThriftStruct): Uint8Array {
  const writer = new Writer()
  writer.struct(struct)
  return writer.bytes()
}

export function isStruct(value: ThriftValue | undefined): value is ThriftStruct {
  return value instanceof Map
}

export function isList(value: ThriftValue | undefined): value is ThriftList {
  return typeof value === 'object' && 'elementType' in value
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  struct(): ThriftStruct {
    const fields = new Map<number, ThriftField>()
    let id = 0
    for (;;) {
      const header = this.#byte()
      if (header === 0) return fields
      const delta = header >> 4
      id = delta === 0 ? Number(this.#zigzag()) : id + delta
      const type = header & 15
      fields.set(id, { type, value: this.#field(type) })
    }
  }

  #field(type: number): ThriftValue {
    if (type === TRUE || type === FALSE) return type === TRUE
    return this.#value(type)
  }

  #value(type: number): ThriftValue {
    switch (type) {
      case TRUE:
      case FALSE:
        return this.#byte() === TRUE
      case BYTE:
        return BigInt(this.#byte())
      case I16:
      case I16 + 1:
      case I64:
        return this.#zigzag()
      case DOUBLE:
        return this.#take(8)
      case BINARY:
        return this.#take(Number(this.#varint()))
      case LIST:
      case SET:
        return this.#list()
      case STRUCT:
        return this.struct()
      default:
        throw damaged()
    }
  }

  #list(): ThriftList {
    const header = this.#byte()
    const elementType = header & 15
    const size = header >> 4 === 15 ? Number(this.#varint()) : header >> 4
    const values: ThriftValue[] = []
    for (let i = 0; i < size; i++) values.push(this.#value(elementType))
    return { elementType, values }
  }

  #zigzag(): bigint {
    const value = this.#varint()
    return (value >> 1n) ^ -(value & 1n)
  }

  #varint(): bigint {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw damaged()
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return taken
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw damaged()
    this.#at += 1
    return byte
  }
}

class Writer {
  #bytes = new Uint8Array(4096)
  #length = 0

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  struct(struct: ThriftStruct): void {
    let previous = 0
    for (const [id, { type, value }] of [...struct].sort(([a], [b]) => a - b)) {
      const written = typeof value === 'boolean' ? (value ? TRUE : FALSE) : type
      const delta = id - previous
      if (delta > 0 && delta < 16) this.#byte((delta << 4) | written)
      else {
        this.#byte(written)
        this.#zigzag(BigInt(id))
      }
      previous = id
      if (typeof value !== 'boolean') this.#value(type, value)
    }
    this.#byte(0)
  }

  #value(type: number, value: ThriftValue): void {
    if (typeof value === 'boolean') this.#byte(value ? TRUE : FALSE)
    else if (typeof value === 'bigint') {
      if (type === BYTE) this.#byte(Number(value))
      else this.#zigzag(value)
    } else if (value instanceof Uint8Array) {
      if (type === BINARY) this.#varint(BigInt(value.length))
      this.#append(value)
    } else if (isStruct(value)) this.struct(value)
    else if (isList(value)) this.#list(value)
  }

  #list({ elementType, values }: ThriftList): void {
    if (values.length < 15) this.#byte((values.length << 4) | elementType)
    else {
      this.#byte(0xf0 | elementType)
      this.#varint(BigInt(values.length))
    }
    for (const value of values) this.#value(elementType, value)
  }

  #zigzag(value: bigint): void {
    this.#varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
  }

  #varint(value: bigint): void {
    let rest = value
    for (; rest >= 128n; rest >>= 7n) this.#byte(Number(rest & 127n) | 128)
    this.#byte(Number(rest))
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#length] = byte
    this.#length += 1
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#length + more, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

function damaged(): EngineError {
  return new EngineError('the footer of a file just written cannot be read')
}
