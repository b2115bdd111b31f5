/** What a Parquet footer tells of its columns, as the file has it: for files that others wrote. */
import { FooterError } from './parquet-footer.ts'
import { isList, isStruct, readThrift, type ThriftStruct, type ThriftValue } from './thrift-tree.ts'

/** Parquet's physical types, by their numbers. */
export type ParquetType =
  'BOOLEAN' | 'INT32' | 'INT64' | 'INT96' | 'FLOAT' | 'DOUBLE' | 'BYTE_ARRAY' | 'FIXED_LEN_BYTE_ARRAY'

const TYPES: readonly ParquetType[] = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
]

/** A leaf column over all row groups. */
export interface LeafFacts {
  readonly type: ParquetType
  /** Bytes of a value of fixed length; null for other types. */
  readonly length: number | null
  /** Of a time or timestamp; null for other columns. */
  readonly unit: 'millis' | 'micros' | 'nanos' | null
  /** Bytes, compressed. */
  readonly columnSize: number
  readonly valueCount: number
  /** null when a row group does not say. */
  readonly nullCount: number | null
  /** Of each row group that has values; null when one of them has no statistics. */
  readonly bounds: readonly GroupBounds[] | null
}

/** Least and greatest value of a row group, plainly encoded. */
export interface GroupBounds {
  readonly min: Uint8Array
  readonly max: Uint8Array
  /** Whether they are values of the column for certain, and not cut. */
  readonly isExact: boolean
}

export interface FooterFacts {
  readonly rowCount: number
  /** In the order of the schema. */
  readonly leaves: readonly LeafFacts[]
  /** Where row groups begin, ascending; null when the file does not say so consistently. */
  readonly splitOffsets: readonly number[] | null
}

/** Throws FooterError for what is no footer; what is merely not known is null. */
export function footerFacts(footer: Uint8Array): FooterFacts {
  const root = readThrift(footer)
  const elements = structs(root, 2).slice(1)
  const leafElements = elements.filter((element) => number(element, 5) === null)
  const groups = structs(root, 4)
  const columns = groups.map((group) => {
    const chunks = structs(group, 1).map((chunk) => struct(chunk, 3))
    if (chunks.length !== leafElements.length) throw new FooterError('row groups without some column')
    return chunks
  })
  const leaves = leafElements.map((element, at) =>
    leafFacts(
      element,
      columns.map((chunks) => chunks[at] ?? new Map()),
    ),
  )
  return { rowCount: number(root, 3) ?? 0, leaves, splitOffsets: splitOffsetsOf(columns) }
}

function leafFacts(element: ThriftStruct, chunks: readonly ThriftStruct[]): LeafFacts {
  const type = TYPES[number(element, 1) ?? -1]
  if (type === undefined) throw new FooterError('a column of an unknown type')
  const nulls = chunks.map((chunk) => number(optionalStruct(chunk, 12), 3))
  return {
    type,
    length: number(element, 2),
    unit: unitOf(element),
    columnSize: sum(chunks.map((chunk) => number(chunk, 7) ?? 0)),
    valueCount: sum(chunks.map((chunk) => number(chunk, 5) ?? 0)),
    nullCount: nulls.includes(null) ? null : sum(nulls.map((count) => count ?? 0)),
    bounds: boundsOf(type, chunks),
  }
}

function boundsOf(type: ParquetType, chunks: readonly ThriftStruct[]): readonly GroupBounds[] | null {
  const bounds: GroupBounds[] = []
  for (const chunk of chunks) {
    const statistics = optionalStruct(chunk, 12)
    // Nothing but nulls has no bounds.
    if (number(statistics, 3) === number(chunk, 5)) continue
    const found = groupBounds(type, statistics)
    if (found === null) return null
    bounds.push(found)
  }
  return bounds
}

function groupBounds(type: ParquetType, statistics: ThriftStruct): GroupBounds | null {
  const [min, max] = [binary(statistics, 6), binary(statistics, 5)]
  if (min !== null && max !== null) {
    const flagged = statistics.get(7)?.value === true && statistics.get(8)?.value === true
    return { min, max, isExact: flagged || isNeverCut(type) }
  }
  // The older pair was compared by whatever order its writer knew: only of signed numbers is it known.
  const [oldMin, oldMax] = [binary(statistics, 2), binary(statistics, 1)]
  if (oldMin === null || oldMax === null || !isNeverCut(type)) return null
  return { min: oldMin, max: oldMax, isExact: true }
}

function isNeverCut(type: ParquetType): boolean {
  return type !== 'BYTE_ARRAY' && type !== 'FIXED_LEN_BYTE_ARRAY' && type !== 'INT96'
}

/** ConvertedType's TIME_MILLIS to TIMESTAMP_MICROS. */
const CONVERTED_UNITS: ReadonlyMap<number | null, LeafFacts['unit']> = new Map([
  [7, 'millis'],
  [8, 'micros'],
  [9, 'millis'],
  [10, 'micros'],
])

function unitOf(element: ThriftStruct): LeafFacts['unit'] {
  const logical = optionalStruct(element, 10)
  for (const member of [7, 8]) {
    const unit = optionalStruct(optionalStruct(logical, member), 2)
    if (unit.has(1)) return 'millis'
    if (unit.has(2)) return 'micros'
    if (unit.has(3)) return 'nanos'
  }
  return CONVERTED_UNITS.get(number(element, 6)) ?? null
}

function splitOffsetsOf(columns: readonly (readonly ThriftStruct[])[]): readonly number[] | null {
  const offsets = columns.map((chunks) => {
    const data = number(chunks[0] ?? new Map(), 9)
    // Some writers put 0 where there is no dictionary.
    const dictionary = number(chunks[0] ?? new Map(), 11) ?? 0
    return data !== null && dictionary > 0 && dictionary < data ? dictionary : data
  })
  const isAscending = offsets.every((offset, at) => offset !== null && offset > (offsets[at - 1] ?? 0))
  return isAscending ? offsets.map((offset) => offset ?? 0) : null
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

function number(from: ThriftStruct, id: number): number | null {
  const value = from.get(id)?.value
  return typeof value === 'bigint' ? Number(value) : null
}

function binary(from: ThriftStruct, id: number): Uint8Array | null {
  const value: ThriftValue | undefined = from.get(id)?.value
  return value instanceof Uint8Array ? value : null
}

function struct(from: ThriftStruct, id: number): ThriftStruct {
  const value = from.get(id)?.value
  if (!isStruct(value)) throw new FooterError('a part missing')
  return value
}

function optionalStruct(from: ThriftStruct, id: number): ThriftStruct {
  const value = from.get(id)?.value
  return isStruct(value) ? value : new Map()
}

function structs(from: ThriftStruct, id: number): readonly ThriftStruct[] {
  const value = from.get(id)?.value
  if (!isList(value)) throw new FooterError('a part missing')
  return value.values.filter((each) => isStruct(each))
}
