/**
 * Chunks as rows of plain objects, straight from the vectors' memory. The values are those that
 * `datumToValue` gives; the forms that come by the million are made here without a detour.
 */
import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Schema } from '../../format/schema.ts'
import { isPrimitive, type StructType, type Type } from '../../format/types.ts'
import type { Row, Value } from '../../format/values/value.ts'
import { leafReader } from './leaf-values.ts'
import {
  countOf,
  isValid,
  listsOf,
  memberOf,
  readColumns,
  validityOf,
  type VectorRows,
} from './raw-vector.ts'

/** Reads the values of a column. */
export type ReadValues = (from: VectorRows) => Value[]

/** Reads the first rows of chunks whose columns are the schema's, in its order. */
export function rowReader(schema: Schema): (chunk: DuckDBDataChunk, rowCount: number) => readonly Row[] {
  const readers = schema.fields.map((field) => valueReader(field.type))
  const assemble = objectBuilder(schema.fields.map((field) => field.name))
  return (chunk, rowCount) => {
    const columns = readColumns(chunk, rowCount, (columnAt) => readers.map((read, at) => read(columnAt(at))))
    return Array.from({ length: rowCount }, (_, row) => assemble(columns, row))
  }
}

function valueReader(type: Type): ReadValues {
  if (isPrimitive(type)) return leafReader(type)
  switch (type.kind) {
    case 'struct':
      return structReader(type)
    case 'list':
      return listReader(valueReader(type.element))
    case 'map':
      return mapReader(valueReader(type.key), valueReader(type.value), isPrimitive(type.key))
    case 'variant':
      return leafReader({ kind: 'unknown' })
  }
}

function structReader(type: StructType): ReadValues {
  const readers = type.fields.map((field) => valueReader(field.type))
  const assemble = objectBuilder(type.fields.map((field) => field.name))
  return (from) => {
    const members = readers.map((read, at) => read(memberOf(from, at)))
    return withNulls(from, (i) => assemble(members, i))
  }
}

function listReader(readElements: ReadValues): ReadValues {
  return (from) => {
    const { lengths, elements } = listsOf(from, validityOf(from))
    const values = readElements(elements)
    let end = 0
    const starts = lengths.map((length) => (end += length) - length)
    return withNulls(from, (i) => values.slice(starts[i], (starts[i] ?? 0) + (lengths[i] ?? 0)))
  }
}

function mapReader(readKeys: ReadValues, readValues: ReadValues, keysArePrimitive: boolean): ReadValues {
  return (from) => {
    const { lengths, elements } = listsOf(from, validityOf(from))
    const keys = readKeys(memberOf(elements, 0))
    const values = readValues(memberOf(elements, 1))
    let next = 0
    const starts = lengths.map((length) => (next += length) - length)
    return withNulls(from, (i) => {
      const start = starts[i] ?? 0
      const entries = Array.from({ length: lengths[i] ?? 0 }, (_, k): [Value, Value] => [
        keys[start + k] ?? null,
        values[start + k] ?? null,
      ])
      return keysArePrimitive ? new Map(entries) : entries
    })
  }
}

/** `make(i)` for the i-th row meant, and null where the vector is null. */
function withNulls(from: VectorRows, make: (i: number) => Value): Value[] {
  const validity = validityOf(from)
  const values: Value[] = []
  for (let i = 0; i < countOf(from); i++) {
    const row = from.rows === null ? i : (from.rows[i] ?? 0)
    values.push(validity === null || isValid(validity, row) ? make(i) : null)
  }
  return values
}

type MutableRow = { [column: string]: Value }

/** Makes the object of a row from its columns' values. */
function objectBuilder(names: readonly string[]): (columns: readonly Value[][], row: number) => Row {
  const hasProto = names.includes('__proto__')
  return (columns, row) => {
    const object: MutableRow = {}
    for (let at = 0; at < names.length; at++) {
      const name = names[at] ?? ''
      const value = columns[at]?.[row] ?? null
      if (hasProto) define(object, name, value)
      else object[name] = value
    }
    return object
  }
}

/** An assignment to `__proto__` would replace the object's prototype instead of adding a column. */
function define(object: MutableRow, name: string, value: Value): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}
