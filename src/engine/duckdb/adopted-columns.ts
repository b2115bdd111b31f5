/** Which column of a file that somebody else wrote is which field of the table, or why it cannot be. */
import { SchemaMismatchError } from '../../errors.ts'
import type { MappedField } from '../../format/name-mapping.ts'
import { typeToString } from '../../format/types-json.ts'
import {
  isPrimitive,
  type NestedField,
  type PrimitiveType,
  type StructType,
  type Type,
} from '../../format/types.ts'
import type { LeafFacts } from './footer-facts.ts'
import type { PhysicalField, PhysicalNode } from './physical.ts'
import { columnSql, findIn, fileLevel, mappingOf, type FileColumns, type Level } from './projection.ts'

/** A primitive field of the table and the file's column of it. */
export interface MatchedLeaf {
  readonly field: NestedField
  readonly type: PrimitiveType
  /** From the top-level column down. */
  readonly path: readonly NestedField[]
  readonly facts: LeafFacts
  /** As DuckDB reads it. */
  readonly sqlType: string
  /** Inside a list or map: it has no bounds. */
  readonly isRepeated: boolean
}

export interface MatchedColumns {
  readonly leaves: readonly MatchedLeaf[]
  /** Whether a column was found by its name, for want of an id. */
  readonly byName: boolean
}

/** Matches a file's columns. SchemaMismatchError, naming file and column. */
export function matchColumns(
  schema: StructType,
  file: FileColumns,
  facts: readonly LeafFacts[],
  fieldNames: ReadonlyMap<number, ReadonlySet<string>>,
): MatchedColumns {
  // Refuses what cannot be read at all: missing required columns, types that do not go together.
  for (const field of schema.fields) columnSql(field, file)
  return new Matcher(file, leafFactsByNode(file, facts), fieldNames).match(schema)
}

/** Leaves stand in the footer in the order in which they stand in the schema. */
function leafFactsByNode(
  file: FileColumns,
  facts: readonly LeafFacts[],
): ReadonlyMap<PhysicalNode, LeafFacts> {
  const nodes = file.physical.columns.flatMap(({ node }) => leafNodes(node))
  if (nodes.length !== facts.length) throw refused(file, 'its columns cannot be told apart')
  const byNode = new Map<PhysicalNode, LeafFacts>()
  for (const [at, node] of nodes.entries()) {
    const of = facts[at]
    if (of !== undefined) byNode.set(node, of)
  }
  return byNode
}

function leafNodes(node: PhysicalNode): readonly PhysicalNode[] {
  switch (node.kind) {
    case 'leaf':
      return [node]
    case 'struct':
      return node.fields.flatMap((field) => leafNodes(field.node))
    case 'list':
      return leafNodes(node.element)
    case 'map':
      return [...leafNodes(node.key), ...leafNodes(node.value)]
  }
}

class Matcher {
  readonly #file: FileColumns
  readonly #facts: ReadonlyMap<PhysicalNode, LeafFacts>
  readonly #names: ReadonlyMap<number, ReadonlySet<string>>
  readonly #leaves: MatchedLeaf[] = []
  #byName = false

  constructor(
    file: FileColumns,
    facts: ReadonlyMap<PhysicalNode, LeafFacts>,
    names: ReadonlyMap<number, ReadonlySet<string>>,
  ) {
    this.#file = file
    this.#facts = facts
    this.#names = names
  }

  match(schema: StructType): MatchedColumns {
    this.#members(schema, fileLevel(this.#file), [])
    return { leaves: this.#leaves, byName: this.#byName }
  }

  #members(type: StructType, level: Level, above: readonly NestedField[], isRepeated = false): void {
    const matched = new Set<PhysicalField>()
    for (const field of type.fields) {
      const found = findIn(field, level, this.#file)
      if (found === null) continue
      matched.add(found.field)
      if (found.field.id === null) this.#byName = true
      else this.#checkName(field, found.field, above)
      this.#value(field.type, found.field.node, found.mapping, [...above, field], isRepeated)
    }
    const unknown = level.fields.find((field) => !matched.has(field))
    if (unknown === undefined) return
    throw refused(this.#file, `it has a column that the table lacks`, nameOf(above, unknown.name), {
      hint: 'Add the column to the table first (evolveSchema, `floeberg evolve`), or write the rows instead.',
    })
  }

  /** Ids are numbers that every table begins at 1: those of another table would send columns anywhere. */
  #checkName(field: NestedField, physical: PhysicalField, above: readonly NestedField[]): void {
    if (this.#names.get(field.id)?.has(physical.name) === true) return
    throw refused(this.#file, `its field ids are not this table's`, nameOf(above, physical.name), {
      hint: 'The file was written for another table: write its rows instead (writeData, `floeberg write`).',
    })
  }

  #value(
    type: Type,
    node: PhysicalNode,
    mapping: readonly MappedField[] | null,
    path: readonly NestedField[],
    isRepeated: boolean,
  ): void {
    const field = path.at(-1)
    if (field === undefined) return
    if (type.kind === 'struct' && node.kind === 'struct') {
      this.#members(type, { fields: node.fields, mapping, sql: () => '' }, path, isRepeated)
    } else if (type.kind === 'list' && node.kind === 'list') {
      const element = {
        id: type.elementId,
        name: 'element',
        required: type.elementRequired,
        type: type.element,
      }
      this.#value(type.element, node.element, mappingOf(mapping, 'element'), [...path, element], true)
    } else if (type.kind === 'map' && node.kind === 'map') {
      const key = { id: type.keyId, name: 'key', required: true, type: type.key }
      const value = { id: type.valueId, name: 'value', required: type.valueRequired, type: type.value }
      this.#value(type.key, node.key, mappingOf(mapping, 'key'), [...path, key], true)
      this.#value(type.value, node.value, mappingOf(mapping, 'value'), [...path, value], true)
    } else if (isPrimitive(type) && node.kind === 'leaf') {
      const facts = this.#facts.get(node)
      if (facts === undefined || node.sqlType === null) return
      const name = path.map((part) => part.name).join('.')
      if (!everyoneReads(type, node.sqlType, facts)) {
        throw refused(
          this.#file,
          `column '${name}' is ${node.sqlType} in it, which not every client reads as ${typeToString(type)}`,
          name,
          {
            hint: 'Write the rows instead (writeData, `floeberg write`), which converts them.',
          },
        )
      }
      this.#leaves.push({ field, type, path, facts, sqlType: node.sqlType, isRepeated })
    }
  }
}

/**
 * Our own reader takes more forms of a value than the format has. A file that joins a table as it is
 * will be read by others too: only the format's own forms and promotions will do.
 */
function everyoneReads(
  type: PrimitiveType,
  sqlType: string,
  { type: physical, length, unit }: LeafFacts,
): boolean {
  switch (type.kind) {
    case 'int':
    case 'long':
      return !sqlType.startsWith('U')
    case 'timestamp':
      return (sqlType === 'TIMESTAMP' || sqlType === 'TIMESTAMP_MS') && unit !== 'nanos'
    case 'timestamptz':
      // INT96 says nothing of zones: Spark writes its instants so.
      return physical === 'INT96' || (sqlType === 'TIMESTAMP WITH TIME ZONE' && unit !== 'nanos')
    case 'time':
      return unit === 'micros'
    case 'string':
      return sqlType !== 'BLOB'
    case 'binary':
      return sqlType === 'BLOB'
    case 'fixed':
      return physical === 'FIXED_LEN_BYTE_ARRAY' && length === type.length
    case 'uuid':
      return physical === 'FIXED_LEN_BYTE_ARRAY' && length === 16
    default:
      return true
  }
}

function nameOf(above: readonly NestedField[], name: string): string {
  return [...above.map((field) => field.name), name].join('.')
}

function refused(
  file: FileColumns,
  reason: string,
  column?: string,
  more: { readonly hint?: string } = {},
): SchemaMismatchError {
  const message = `A file does not fit the table: ${reason}${column === undefined || reason.includes(column) ? '' : ` ('${column}')`}`
  return new SchemaMismatchError(message, { file: file.name, column, ...more })
}
