/**
 * The part of a Parquet footer that decides how a file is read: its schema with field ids, its number
 * of rows, and how long its texts are.
 *
 * Layout: Parquet's `FileMetaData`, in Thrift's compact protocol.
 */

export interface ParquetElement {
  readonly name: string
  readonly fieldId: number | null
  readonly repetition: 'required' | 'optional' | 'repeated'
  /** Annotated as a column that holds nothing but nulls; its physical type means nothing. */
  readonly alwaysNull: boolean
  readonly annotation: 'list' | 'map' | null
  /** Empty for leaves. */
  readonly children: readonly ParquetElement[]
}

/** Where the footer's parts lie, before its schema is parsed. */
export interface FooterOutline {
  readonly rowCount: number
  /**
   * Of each leaf column, in the schema's order: bytes that a row has of texts or byte strings, in the row
   * group that has most; 0 for other types, infinity where the footer does not tell.
   */
  readonly textBytes: readonly number[]
  /** Bytes of the schema: equal bytes are equal schemas. */
  readonly schemaBytes: Uint8Array
}

/** What makes bytes not a footer; turned into a typed error where the file's name is known. */
export class FooterError extends Error {}

const REPETITIONS = ['required', 'optional', 'repeated'] as const

/** Reads the outline of a footer's bytes (without magic and length). Throws FooterError. */
export function outlineFooter(footer: Uint8Array): FooterOutline {
  const reader = new CompactReader(footer)
  let schemaBytes: Uint8Array | null = null
  let rowCount: number | null = null
  for (let field = reader.field(0); field !== null; field = reader.field(field.id)) {
    if (field.id === 2 && field.type === LIST) {
      const start = reader.position
      reader.skip(LIST)
      schemaBytes = footer.subarray(start, reader.position)
    } else if (field.id === 3 && field.type === I64) {
      rowCount = reader.integer()
    } else if (field.id === 4 && field.type === LIST) {
      if (schemaBytes === null || rowCount === null) break
      const groups = readGroups(reader)
      const rows = groups.reduce((sum, group) => sum + group.rows, 0)
      // Readers go by these: damage there would lose rows unseen.
      if (rows !== rowCount) throw new FooterError('row groups that do not add up')
      return { rowCount, textBytes: widestTexts(groups), schemaBytes }
    } else {
      reader.skip(field.type)
    }
  }
  throw new FooterError('no schema, row count or row groups')
}

interface RowGroup {
  readonly rows: number
  /** Of each leaf column: bytes of texts. */
  readonly textBytes: readonly number[]
}

function widestTexts(groups: readonly RowGroup[]): readonly number[] {
  const widest: number[] = []
  for (const { rows, textBytes } of groups) {
    for (const [at, bytes] of textBytes.entries()) {
      widest[at] = Math.max(widest[at] ?? 0, bytes / Math.max(rows, 1))
    }
  }
  return widest
}

function readGroups(reader: CompactReader): readonly RowGroup[] {
  return Array.from({ length: reader.listSize() }, () => {
    let rows = 0
    let textBytes: readonly number[] = []
    for (let field = reader.field(0); field !== null; field = reader.field(field.id)) {
      if (field.id === 1 && field.type === LIST) {
        textBytes = Array.from({ length: reader.listSize() }, () => readChunk(reader))
      } else if (field.id === 3 && field.type === I64) rows += reader.integer()
      else reader.skip(field.type)
    }
    return { rows, textBytes }
  })
}

function readChunk(reader: CompactReader): number {
  let bytes = 0
  for (let field = reader.field(0); field !== null; field = reader.field(field.id)) {
    if (field.id === 3 && field.type === STRUCT) bytes = readChunkTexts(reader)
    else reader.skip(field.type)
  }
  return bytes
}

/** Parquet's types of texts and byte strings, and its encodings that do not repeat what recurs. */
const BYTE_ARRAYS: readonly number[] = [6, 7]
const SHORTENING: readonly number[] = [2, 7, 8]

/** `ColumnMetaData`: bytes of the texts of a row group. */
function readChunkTexts(reader: CompactReader): number {
  let isText = false
  let isShortened = false
  let values = 0
  let encodedBytes = 0
  let seen: TextStatistics = { nulls: 0, width: Number.POSITIVE_INFINITY }
  let exact: number | null = null
  for (let field = reader.field(0); field !== null; field = reader.field(field.id)) {
    if (field.id === 1 && field.type === I32) isText = BYTE_ARRAYS.includes(reader.integer())
    else if (field.id === 2 && field.type === LIST) isShortened = reader.integers().some(shortens)
    else if (field.id === 5 && field.type === I64) values = reader.integer()
    else if (field.id === 6 && field.type === I64) encodedBytes = reader.integer()
    else if (field.id === 12 && field.type === STRUCT && isText) seen = readStatistics(reader)
    else if (field.id === 16 && field.type === STRUCT && isText) exact = readUnencodedSize(reader)
    else reader.skip(field.type)
  }
  if (!isText) return 0
  if (exact !== null) return exact
  const count = values - seen.nulls
  return isShortened && count > 0 ? Math.max(encodedBytes, count * seen.width) : encodedBytes
}

function shortens(encoding: number): boolean {
  return SHORTENING.includes(encoding)
}

interface TextStatistics {
  readonly nulls: number
  /** Of the longer of the least and the greatest; infinity where one of them is not there, or is cut. */
  readonly width: number
}

/** `Statistics`, whose bounds are two texts out of the row group: what is known of a dictionary's. */
function readStatistics(reader: CompactReader): TextStatistics {
  let nulls = 0
  let isCut = false
  const widths: number[] = []
  for (let field = reader.field(0); field !== null; field = reader.field(field.id)) {
    if (field.id === 3 && field.type === I64) nulls = reader.integer()
    else if ((field.id === 5 || field.id === 6) && field.type === BINARY) widths.push(reader.binaryLength())
    else {
      if ((field.id === 7 || field.id === 8) && field.type === FALSE) isCut = true
      reader.skip(field.type)
    }
  }
  return { nulls, width: isCut || widths.length < 2 ? Number.POSITIVE_INFINITY : Math.max(...widths) }
}

/** `SizeStatistics`, of newer writers. */
function readUnencodedSize(reader: CompactReader): number | null {
  let bytes: number | null = null
  for (let field = reader.field(0); field !== null; field = reader.field(field.id)) {
    if (field.id === 1 && field.type === I64) bytes = reader.integer()
    else reader.skip(field.type)
  }
  return bytes
}

/** Parses the schema bytes of an outline into the file's columns. Throws FooterError. */
export function parseColumns(schemaBytes: Uint8Array): readonly ParquetElement[] {
  const reader = new CompactReader(schemaBytes)
  const elements = Array.from({ length: reader.listSize() }, () => readElement(reader))
  const root = elements[0]
  if (root === undefined) throw new FooterError('an empty schema')
  let next = 1
  const take = (count: number, depth: number): ParquetElement[] => {
    if (depth > 100 || count > elements.length - next) throw new FooterError('a schema that is no tree')
    const children: ParquetElement[] = []
    for (let i = 0; i < count; i++) {
      const element = elements[next]
      if (element === undefined) throw new FooterError('a schema that is no tree')
      next += 1
      children.push({ ...element.node, children: take(element.childCount, depth + 1) })
    }
    return children
  }
  const columns = take(root.childCount, 0)
  if (next !== elements.length) throw new FooterError('a schema that is no tree')
  return columns
}

interface FlatElement {
  readonly node: Omit<ParquetElement, 'children'>
  readonly childCount: number
}

function readElement(reader: CompactReader): FlatElement {
  let name = ''
  let fieldId: number | null = null
  let childCount = 0
  let repetition = 0
  let converted: number | null = null
  let logical: number | null = null
  for (let field = reader.field(0); field !== null; field = reader.field(field.id)) {
    if (field.id === 3) repetition = reader.integer()
    else if (field.id === 4) name = reader.text()
    else if (field.id === 5) childCount = reader.integer()
    else if (field.id === 6) converted = reader.integer()
    else if (field.id === 9) fieldId = reader.integer()
    else if (field.id === 10) logical = reader.unionMember()
    else reader.skip(field.type)
  }
  const word = REPETITIONS[repetition]
  if (word === undefined || childCount < 0) throw new FooterError('an impossible schema element')
  const annotation = annotationOf(converted, logical)
  return {
    node: { name, fieldId, repetition: word, alwaysNull: logical === LOGICAL_UNKNOWN, annotation },
    childCount,
  }
}

/** Members of Parquet's LogicalType union, and its older ConvertedType. */
const LOGICAL_MAP = 2
const LOGICAL_LIST = 3
const LOGICAL_UNKNOWN = 11
const CONVERTED_MAP = 1
const CONVERTED_MAP_KEY_VALUE = 2
const CONVERTED_LIST = 3

function annotationOf(converted: number | null, logical: number | null): 'list' | 'map' | null {
  if (logical === LOGICAL_LIST || converted === CONVERTED_LIST) return 'list'
  if (logical === LOGICAL_MAP || converted === CONVERTED_MAP || converted === CONVERTED_MAP_KEY_VALUE) {
    return 'map'
  }
  return null
}

// Types of Thrift's compact protocol. A boolean's value is in its type when it is a field.
const TRUE = 1
const FALSE = 2
const BYTE = 3
const I32 = 5
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const SET = 10
const MAP = 11
const STRUCT = 12

const MAX_DEPTH = 64

/** Reads Thrift's compact protocol, never past the end of its bytes. */
class CompactReader {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get position(): number {
    return this.#position
  }

  /** The next field's header, or null at the end of the struct. */
  field(previousId: number): { readonly id: number; readonly type: number } | null {
    const header = this.#byte()
    if (header === 0) return null
    const delta = header >> 4
    return { id: delta === 0 ? this.integer() : previousId + delta, type: header & 15 }
  }

  /** A zigzag integer. Beyond 2^53 it loses digits, which no count of a readable file has. */
  integer(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  text(): string {
    return new TextDecoder().decode(this.#binary())
  }

  /** Length of a binary, which is passed over. */
  binaryLength(): number {
    return this.#binary().length
  }

  /** A list of integers. */
  integers(): readonly number[] {
    return Array.from({ length: this.listSize() }, () => this.integer())
  }

  /** Which member of a union is set; its content is passed over. */
  unionMember(): number | null {
    const first = this.field(0)
    if (first === null) return null
    this.skip(first.type)
    for (let field = this.field(first.id); field !== null; field = this.field(field.id)) this.skip(field.type)
    return first.id
  }

  /** Number of elements of the list that begins here. */
  listSize(): number {
    return this.#listHeader().size
  }

  skip(type: number, depth = 0): void {
    if (depth > MAX_DEPTH) throw new FooterError('nested too deeply')
    if (type === TRUE || type === FALSE) return
    if (type === BYTE) this.#advance(1)
    else if (type > BYTE && type <= I64) this.#varint()
    else if (type === DOUBLE) this.#advance(8)
    else if (type === BINARY) this.#binary()
    else if (type === LIST || type === SET) this.#skipList(depth)
    else if (type === MAP) this.#skipMap(depth)
    else if (type === STRUCT) this.#skipStruct(depth)
    else throw new FooterError('an unknown type')
  }

  #skipStruct(depth: number): void {
    for (let field = this.field(0); field !== null; field = this.field(field.id)) {
      this.skip(field.type, depth + 1)
    }
  }

  #skipList(depth: number): void {
    const { size, type } = this.#listHeader()
    for (let i = 0; i < size; i++) this.#skipElement(type, depth + 1)
  }

  #skipMap(depth: number): void {
    const size = this.#varint()
    if (size === 0) return
    const types = this.#byte()
    for (let i = 0; i < size; i++) {
      this.#skipElement(types >> 4, depth + 1)
      this.#skipElement(types & 15, depth + 1)
    }
  }

  /** Inside a collection a boolean takes a byte, unlike in a struct. */
  #skipElement(type: number, depth: number): void {
    if (type === TRUE || type === FALSE) this.#advance(1)
    else this.skip(type, depth)
  }

  #listHeader(): { readonly size: number; readonly type: number } {
    const header = this.#byte()
    const size = header >> 4 === 15 ? this.#varint() : header >> 4
    // Every element takes a byte at least: a larger size is damage, not a reason to allocate.
    if (size > this.#bytes.length - this.#position) throw new FooterError('a list longer than its file')
    return { size, type: header & 15 }
  }

  #binary(): Uint8Array {
    const length = this.#varint()
    const start = this.#position
    this.#advance(length)
    return this.#bytes.subarray(start, this.#position)
  }

  #varint(): number {
    let value = 0
    let factor = 1
    for (let i = 0; i < 10; i++) {
      const byte = this.#byte()
      value += (byte & 127) * factor
      if (byte < 128) return value
      factor *= 128
    }
    throw new FooterError('a number without an end')
  }

  #byte(): number {
    const byte = this.#bytes[this.#position]
    if (byte === undefined) throw new FooterError('the end in the middle')
    this.#position += 1
    return byte
  }

  #advance(count: number): void {
    if (count > this.#bytes.length - this.#position) throw new FooterError('the end in the middle')
    this.#position += count
  }
}
