/** Columns of an Arrow batch in the making, one kind per kind of type. */
import type * as ApacheArrow from 'apache-arrow'
import type { Data, DataType } from 'apache-arrow'
import { ByteBuffer, ValidityBuffer } from './arrow-buffers.ts'
import { bytesOf, countOf, isValid, listsOf, validityOf, type VectorRows } from './raw-vector.ts'
import { packBytesInto } from './string-vector.ts'

/** The optional package, loaded late. */
export type Arrow = typeof ApacheArrow

export interface ArrowColumn {
  readonly type: DataType
  /** Bytes gathered so far. */
  readonly byteLength: number
  append(from: VectorRows): void
  /** The column's data; the column starts anew. */
  finish(): Data
}

interface ColumnBuffers {
  readonly offsets?: Int32Array
  readonly values?: ArrayLike<unknown>
}

/** Arrow's `BufferType`, which is a constant of its typings only. */
const OFFSETS = 0
const VALUES = 1
const VALIDITY = 2

/** What all columns share: how many rows, and which of them are null. */
export abstract class Column implements ArrowColumn {
  protected readonly arrow: Arrow
  protected readonly validity = new ValidityBuffer()
  protected length = 0
  abstract readonly type: DataType
  abstract readonly byteLength: number

  constructor(arrow: Arrow) {
    this.arrow = arrow
  }

  append(from: VectorRows): void {
    const validity = validityOf(from)
    this.copy(from, validity)
    const count = countOf(from)
    this.validity.append(validity, from.rows, count)
    this.length += count
  }

  abstract finish(): Data
  protected abstract copy(from: VectorRows, validity: Uint8Array | null): void

  protected data(buffers: ColumnBuffers, children: readonly Data[] = []): Data {
    const { Data } = this.arrow
    const { offsets, values } = buffers
    const { length } = this
    const { nullCount } = this.validity
    const validity = this.validity.take()
    this.length = 0
    const parts = {
      ...(offsets === undefined ? {} : { [OFFSETS]: offsets }),
      ...(values === undefined ? {} : { [VALUES]: values }),
      ...(validity === undefined ? {} : { [VALIDITY]: validity }),
    }
    return new Data(this.type, 0, length, nullCount, parts, [...children])
  }
}

/** Copies a vector's values to where they stand in Arrow; nulls may be left out. */
export type CopyValues = (from: VectorRows, validity: Uint8Array | null, target: Uint8Array) => void

/** Values of equal width, copied as they lie or by `copyValues`. */
export class FixedWidthColumn extends Column {
  readonly type: DataType
  readonly #width: number
  readonly #copyValues: CopyValues
  readonly #values = new ByteBuffer()

  constructor(arrow: Arrow, type: DataType, width: number, copyValues: CopyValues = plainCopier(width)) {
    super(arrow)
    this.type = type
    this.#width = width
    this.#copyValues = copyValues
  }

  get byteLength(): number {
    return this.#values.length
  }

  protected copy(from: VectorRows, validity: Uint8Array | null): void {
    const target = this.#values.grow(countOf(from) * this.#width)
    this.#copyValues(from, validity, target)
    if (validity !== null) clearNulls(target, this.#width, from, validity)
  }

  finish(): Data {
    return this.data({ values: typedView(this.type, this.#values.take()) })
  }
}

function plainCopier(width: number): CopyValues {
  return (from, _, target) => {
    const source = bytesOf(from, width)
    if (from.rows === null) target.set(source)
    else {
      for (const [i, row] of from.rows.entries()) {
        target.set(source.subarray(row * width, row * width + width), i * width)
      }
    }
  }
}

/** Under a null the engine's memory holds whatever was there before. */
function clearNulls(target: Uint8Array, width: number, from: VectorRows, validity: Uint8Array): void {
  for (let i = 0; i < countOf(from); i++) {
    const row = from.rows === null ? i : (from.rows[i] ?? 0)
    if (!isValid(validity, row)) target.fill(0, i * width, i * width + width)
  }
}

function typedView(type: DataType, bytes: Uint8Array) {
  const View = type.ArrayType
  return new View(bytes.buffer, bytes.byteOffset, bytes.byteLength / View.BYTES_PER_ELEMENT)
}

export class BooleanColumn extends Column {
  readonly type: DataType
  readonly #bits = new ValidityBuffer({ always: true })

  constructor(arrow: Arrow) {
    super(arrow)
    this.type = new arrow.Bool()
  }

  get byteLength(): number {
    return this.length >> 3
  }

  protected copy(from: VectorRows): void {
    this.#bits.appendFlags(bytesOf(from, 1), from.rows, countOf(from))
  }

  finish(): Data {
    return this.data({ values: this.#bits.take() ?? new Uint8Array(0) })
  }
}

export class BytesColumn extends Column {
  readonly type: DataType
  readonly #values = new ByteBuffer()
  readonly #offsets = new ByteBuffer()

  constructor(arrow: Arrow, type: DataType) {
    super(arrow)
    this.type = type
    beginOffsets(this.#offsets)
  }

  get byteLength(): number {
    return this.#values.length + this.#offsets.length
  }

  protected copy(from: VectorRows, validity: Uint8Array | null): void {
    this.#offsets.grow(countOf(from) * 4)
    // The last offset that is there already is where the new values begin.
    const offsets = int32View(this.#offsets.written()).subarray(this.length)
    packBytesInto(from, validity, offsets, (bytes) => this.#values.grow(bytes))
  }

  finish(): Data {
    return this.data({ offsets: takeOffsets(this.#offsets), values: this.#values.take() })
  }
}

/** The first value begins where the column does. */
function beginOffsets(offsets: ByteBuffer): void {
  offsets.grow(4).fill(0)
}

function takeOffsets(offsets: ByteBuffer): Int32Array {
  const taken = int32View(offsets.take())
  beginOffsets(offsets)
  return taken
}

function int32View(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}

export class ListColumn extends Column {
  readonly type: DataType
  readonly #elements: ArrowColumn
  readonly #offsets = new ByteBuffer()
  #end = 0

  constructor(arrow: Arrow, type: DataType, elements: ArrowColumn) {
    super(arrow)
    this.type = type
    this.#elements = elements
    beginOffsets(this.#offsets)
  }

  get byteLength(): number {
    return this.#elements.byteLength + this.#offsets.length
  }

  protected copy(from: VectorRows, validity: Uint8Array | null): void {
    const { lengths, elements } = listsOf(from, validity)
    const ends = int32View(this.#offsets.grow(lengths.length * 4))
    for (let i = 0; i < lengths.length; i++) ends[i] = this.#end += lengths[i] ?? 0
    this.#elements.append(elements)
  }

  finish(): Data {
    this.#end = 0
    return this.data({ offsets: takeOffsets(this.#offsets) }, [this.#elements.finish()])
  }
}

export class NullColumn implements ArrowColumn {
  readonly type: DataType
  readonly byteLength = 0
  readonly #arrow: Arrow
  #length = 0

  constructor(arrow: Arrow) {
    this.#arrow = arrow
    this.type = new arrow.Null()
  }

  append(from: VectorRows): void {
    this.#length += countOf(from)
  }

  finish(): Data {
    const length = this.#length
    this.#length = 0
    return new this.#arrow.Data(this.type, 0, length, length)
  }
}
