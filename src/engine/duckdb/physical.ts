/** How a Parquet file lays out its columns: field ids as the file has them, types as DuckDB reads them. */
import {
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
} from '@duckdb/node-api'
import { corrupt } from './open-parquet.ts'
import { FooterError, parseColumns, type ParquetElement } from './parquet-footer.ts'
import type { Session } from './session.ts'
import { quotePaths } from './sql.ts'

export type PhysicalNode =
  /** `sqlType` is DuckDB's spelling; null for a column annotated as always null. */
  | { readonly kind: 'leaf'; readonly sqlType: string | null }
  | { readonly kind: 'struct'; readonly fields: readonly PhysicalField[] }
  | { readonly kind: 'list'; readonly element: PhysicalNode }
  | { readonly kind: 'map'; readonly key: PhysicalNode; readonly value: PhysicalNode }

export interface PhysicalField {
  /** As the file has it. */
  readonly name: string
  /** As DuckDB calls it: differs where names differ in case only. */
  readonly sqlName: string
  /** null when the file gives it no id. */
  readonly id: number | null
  readonly node: PhysicalNode
}

export interface PhysicalSchema {
  /** Files of the same number are laid out alike. */
  readonly number: number
  readonly columns: readonly PhysicalField[]
  /** Field ids of all columns, at every depth, elements of lists and maps included. */
  readonly ids: ReadonlySet<number>
  /** Field ids of the leaf columns, in the file's order. */
  readonly leafIds: readonly (number | null)[]
  /** Whether every leaf column has an id. */
  readonly isComplete: boolean
}

/** The options of every `read_parquet`: folder names are never taken for columns, nor bytes for texts. */
export const READ_OPTIONS = 'hive_partitioning = false, union_by_name = false, binary_as_string = false'

/** Layouts that were seen, so that a later scan of the same table asks nothing again. */
export class PhysicalSchemas {
  readonly #byKey = new Map<string, PhysicalSchema>()
  #count = 0

  /** The layout of a file, from the schema bytes of its footer. Throws CorruptFileError. */
  async of(
    session: Session,
    file: { readonly name: string; readonly localPath: string },
    schemaBytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<PhysicalSchema> {
    const key = keyOf(schemaBytes)
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const elements = parse(file, schemaBytes)
    const result = await session.run(
      `SELECT * FROM read_parquet(${quotePaths([file.localPath])}, ${READ_OPTIONS}) LIMIT 0`,
      { doing: 'read a data file', signal, reading: [file.localPath], nameOf: () => file.name },
    )
    this.#count += 1
    const schema = align(file, this.#count, elements, result.columnNames(), result.columnTypes())
    if (this.#byKey.size >= MAX_LAYOUTS) this.#byKey.clear()
    this.#byKey.set(key, schema)
    return schema
  }
}

const MAX_LAYOUTS = 1000

/** Cheaply comparable: the bytes themselves, one character each. */
export function keyOf(schemaBytes: Uint8Array): string {
  return Buffer.from(schemaBytes.buffer, schemaBytes.byteOffset, schemaBytes.byteLength).toString('latin1')
}

function parse(file: { readonly name: string }, schemaBytes: Uint8Array): readonly ParquetElement[] {
  try {
    return parseColumns(schemaBytes)
  } catch (error) {
    if (error instanceof FooterError) throw corrupt(file, `its footer has ${error.message}`)
    throw error
  }
}

function align(
  file: { readonly name: string },
  number: number,
  elements: readonly ParquetElement[],
  names: readonly string[],
  types: readonly DuckDBType[],
): PhysicalSchema {
  if (names.length !== elements.length) throw corrupt(file, 'its columns cannot be told apart')
  const ids = new Set<number>()
  let isComplete = true
  const field = (element: ParquetElement, sqlName: string, type: DuckDBType): PhysicalField => {
    return { name: element.name, sqlName, id: element.fieldId, node: columnNode(element, type) }
  }
  /** A column as it appears: repeated without an annotation it is a list of itself. */
  const columnNode = (element: ParquetElement, type: DuckDBType): PhysicalNode => {
    if (element.repetition === 'repeated' && type instanceof DuckDBListType) {
      return { kind: 'list', element: node(element, type.valueType) }
    }
    return node(element, type)
  }
  const node = (element: ParquetElement, type: DuckDBType): PhysicalNode => {
    if (element.fieldId !== null) ids.add(element.fieldId)
    if (type instanceof DuckDBMapType) return mapNode(element, type)
    if (type instanceof DuckDBListType) return listNode(element, type)
    if (type instanceof DuckDBStructType) {
      if (type.entryNames.length !== element.children.length) throw corrupt(file, 'a struct does not add up')
      const fields = element.children.map((child, at) =>
        field(child, type.entryNames[at] ?? '', type.entryTypes[at] ?? type),
      )
      return { kind: 'struct', fields }
    }
    if (element.fieldId === null) isComplete = false
    return { kind: 'leaf', sqlType: element.alwaysNull ? null : typeText(type) }
  }
  const listNode = (element: ParquetElement, type: DuckDBListType): PhysicalNode => {
    const repeated = element.children[0]
    if (repeated === undefined) throw corrupt(file, 'a list has no elements')
    return { kind: 'list', element: node(listElement(repeated, type.valueType), type.valueType) }
  }
  const mapNode = (element: ParquetElement, type: DuckDBMapType): PhysicalNode => {
    const [key, value] = element.children[0]?.children ?? []
    if (key === undefined || value === undefined) throw corrupt(file, 'a map has no key or value')
    return { kind: 'map', key: columnNode(key, type.keyType), value: columnNode(value, type.valueType) }
  }
  const columns = elements.map((element, at) => {
    const type = types[at]
    const name = names[at]
    if (type === undefined || name === undefined) throw corrupt(file, 'its columns cannot be told apart')
    return field(element, name, type)
  })
  return { number, columns, ids, leafIds: leafIdsOf(elements), isComplete }
}

function leafIdsOf(elements: readonly ParquetElement[]): readonly (number | null)[] {
  return elements.flatMap(({ fieldId, children }) =>
    children.length === 0 ? [fieldId] : leafIdsOf(children),
  )
}

/**
 * Which node of a list's group is its element: usually the repeated group is a wrapper with one
 * child, but older writers repeat the element itself. DuckDB has decided; its type tells.
 */
function listElement(repeated: ParquetElement, type: DuckDBType): ParquetElement {
  const only = repeated.children.length === 1 ? repeated.children[0] : undefined
  if (only === undefined) return repeated
  const isItself =
    type instanceof DuckDBStructType &&
    type.entryNames.length === 1 &&
    type.entryNames[0] === only.name &&
    !(only.children.length === 1 && only.annotation === null && only.children[0]?.name === only.name)
  return isItself ? repeated : only
}

/** DuckDB's own spelling of a type, without the alias that a JSON column has. */
function typeText(type: DuckDBType): string {
  if (type instanceof DuckDBDecimalType) return `DECIMAL(${type.width},${type.scale})`
  return type.toString()
}
