/** Builders of structs, lists and maps, and of whole rows. */
import { InvalidDataError, SchemaMismatchError, UnsupportedFeatureError } from '../../errors.ts'
import { elementField, keyField, valueField } from '../../format/nested-fields.ts'
import { typeToString } from '../../format/types-json.ts'
import {
  isPrimitive,
  type ListType,
  type MapType,
  type NestedField,
  type StructType,
} from '../../format/types.ts'
import { valueFromJson } from '../../format/values/nested-json.ts'
import type { Row, Value } from '../../format/values/value.ts'
import {
  leafBuilder,
  nullInRequired,
  ValidityBits,
  type ColumnBuilder,
  type Incoming,
} from './column-builder.ts'
import type { Block, ColumnData } from './column-data.ts'

/** A builder for the values of a field. */
export function columnBuilder(field: NestedField, path: string): ColumnBuilder {
  const { type, required } = field
  if (isPrimitive(type)) return leafBuilder(path, type, required)
  switch (type.kind) {
    case 'struct':
      return new StructBuilder(path, type, required)
    case 'list':
      return new ListBuilder(path, type, required)
    case 'map':
      return new MapBuilder(path, type, required)
    case 'variant':
      throw new UnsupportedFeatureError(`column ${path} of type ${typeToString(type)} cannot be written yet`)
  }
}

/** Turns plain objects into blocks of columns, one column per field of the schema. */
export class RowBuilder {
  readonly #source: string
  readonly #members: Members
  #row = 0
  #held = 0

  constructor(fields: readonly NestedField[], source: string) {
    this.#source = source
    this.#members = new Members('', fields)
  }

  /** Rows since the last `take`. */
  get held(): number {
    return this.#held
  }

  size(): number {
    return this.#members.size()
  }

  /** InvalidDataError or SchemaMismatchError naming column, source and row. */
  append(row: Row): void {
    try {
      if (!isPlainObject(row)) throw new InvalidDataError('a row is not an object of values by column')
      this.#members.append(row)
    } catch (error) {
      throw inRow(error, this.#source, this.#row)
    }
    this.#row += 1
    this.#held += 1
  }

  take(): Block {
    const rows = this.#held
    this.#held = 0
    return { rows, columns: this.#members.take() }
  }
}

/** An error of a value with its source and row added to it. */
export function inRow(error: unknown, source: string, row: number): unknown {
  if (error instanceof InvalidDataError) {
    return new InvalidDataError(`${error.message} (row ${row} of ${source})`, {
      column: error.column,
      hint: error.hint,
      source,
      row,
    })
  }
  if (error instanceof SchemaMismatchError) {
    return new SchemaMismatchError(`${error.message} (row ${row} of ${source})`, {
      column: error.column,
      hint: error.hint,
    })
  }
  return error
}

/** The members of a struct, or the columns of a row. */
class Members {
  readonly #prefix: string
  readonly #names: readonly string[]
  readonly #known: ReadonlySet<string>
  /** Whether every object has something of the name, such as `constructor`, which is no value of the column. */
  readonly #inherited: readonly boolean[]
  readonly #builders: readonly ColumnBuilder[]
  /** v3: what stands for a key that is not there; undefined for null. */
  readonly #defaults: readonly (Value | undefined)[]

  constructor(prefix: string, fields: readonly NestedField[]) {
    this.#prefix = prefix
    this.#names = fields.map((field) => field.name)
    this.#known = new Set(this.#names)
    this.#inherited = this.#names.map((name) => name in Object.prototype)
    this.#builders = fields.map((field) => columnBuilder(field, prefix + field.name))
    this.#defaults = fields.map((field) =>
      field.writeDefault === undefined || field.writeDefault === null
        ? undefined
        : valueFromJson(field.type, field.writeDefault),
    )
  }

  append(values: { readonly [name: string]: Incoming }): void {
    for (const key in values) if (!this.#known.has(key)) this.#refuse(values, key)
    for (let at = 0; at < this.#builders.length; at++) {
      const name = this.#names[at] ?? ''
      const isAbsent = this.#inherited[at] === true && !Object.hasOwn(values, name)
      const value = isAbsent ? undefined : values[name]
      this.#builders[at]?.append(value === undefined ? this.#defaults[at] : value)
    }
  }

  skip(): void {
    for (const builder of this.#builders) builder.skip()
  }

  size(): number {
    return this.#builders.reduce((sum, builder) => sum + builder.size(), 0)
  }

  take(): readonly ColumnData[] {
    return this.#builders.map((builder) => builder.take())
  }

  #refuse(values: { readonly [name: string]: Incoming }, key: string): void {
    // What a class or prototype adds is no column; neither is a key without a value.
    if (!Object.hasOwn(values, key) || values[key] === undefined) return
    const column = this.#prefix + key
    throw new SchemaMismatchError(`a row has a column that the table has not: ${column}`, {
      column,
      hint: 'Add the column to the table first, or leave it out of the rows.',
    })
  }
}

function isPlainObject(value: Incoming): value is { readonly [field: string]: Value } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Map) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array)
  )
}

class StructBuilder implements ColumnBuilder {
  readonly #column: string
  readonly #isRequired: boolean
  readonly #members: Members
  readonly #validity = new ValidityBits()
  #length = 0

  constructor(column: string, type: StructType, isRequired: boolean) {
    this.#column = column
    this.#isRequired = isRequired
    this.#members = new Members(`${column}.`, type.fields)
  }

  append(value: Incoming): void {
    if (value === null || value === undefined) {
      if (this.#isRequired) throw nullInRequired(this.#column)
      this.skip()
      return
    }
    if (!isPlainObject(value)) throw wrongShape(this.#column, 'an object')
    this.#members.append(value)
    this.#length += 1
  }

  skip(): void {
    this.#validity.setNull(this.#length)
    this.#members.skip()
    this.#length += 1
  }

  size(): number {
    return this.#members.size()
  }

  take(): ColumnData {
    const validity = this.#validity.take(this.#length)
    this.#length = 0
    return { kind: 'struct', children: this.#members.take(), validity }
  }
}

/** Where each list ends, and which lists are null. */
class Spans {
  readonly #validity = new ValidityBits()
  #offsets: number[] = [0]

  close(end: number): void {
    this.#offsets.push(end)
  }

  closeNull(end: number): void {
    this.#validity.setNull(this.#offsets.length - 1)
    this.#offsets.push(end)
  }

  size(): number {
    return this.#offsets.length * 16
  }

  take(): { readonly offsets: Int32Array; readonly validity: ColumnData['validity'] } {
    const offsets = Int32Array.from(this.#offsets)
    const validity = this.#validity.take(this.#offsets.length - 1)
    this.#offsets = [0]
    return { offsets, validity }
  }
}

class ListBuilder implements ColumnBuilder {
  readonly #column: string
  readonly #isRequired: boolean
  readonly #element: ColumnBuilder
  readonly #spans = new Spans()
  #elements = 0

  constructor(column: string, type: ListType, isRequired: boolean) {
    this.#column = column
    this.#isRequired = isRequired
    this.#element = columnBuilder(elementField(type), `${column}.element`)
  }

  append(value: Incoming): void {
    if (value === null || value === undefined) {
      if (this.#isRequired) throw nullInRequired(this.#column)
      this.skip()
      return
    }
    if (!isArray(value)) throw wrongShape(this.#column, 'an array')
    for (const element of value) this.#element.append(element)
    this.#elements += value.length
    this.#spans.close(this.#elements)
  }

  skip(): void {
    this.#spans.closeNull(this.#elements)
  }

  size(): number {
    return this.#spans.size() + this.#element.size()
  }

  take(): ColumnData {
    this.#elements = 0
    return { kind: 'list', child: this.#element.take(), ...this.#spans.take() }
  }
}

class MapBuilder implements ColumnBuilder {
  readonly #column: string
  readonly #isRequired: boolean
  readonly #key: ColumnBuilder
  readonly #value: ColumnBuilder
  readonly #spans = new Spans()
  #entries = 0

  constructor(column: string, type: MapType, isRequired: boolean) {
    this.#column = column
    this.#isRequired = isRequired
    this.#key = columnBuilder(keyField(type), `${column}.key`)
    this.#value = columnBuilder(valueField(type), `${column}.value`)
  }

  append(value: Incoming): void {
    if (value === null || value === undefined) {
      if (this.#isRequired) throw nullInRequired(this.#column)
      this.skip()
      return
    }
    for (const [key, item] of this.#entriesOf(value)) {
      this.#key.append(key)
      this.#value.append(item)
      this.#entries += 1
    }
    this.#spans.close(this.#entries)
  }

  skip(): void {
    this.#spans.closeNull(this.#entries)
  }

  size(): number {
    return this.#spans.size() + this.#key.size() + this.#value.size()
  }

  take(): ColumnData {
    this.#entries = 0
    const child: ColumnData = {
      kind: 'struct',
      children: [this.#key.take(), this.#value.take()],
      validity: null,
    }
    return { kind: 'list', child, ...this.#spans.take() }
  }

  #entriesOf(value: Exclude<Incoming, null | undefined>): Iterable<readonly [Value, Value]> {
    if (value instanceof Map) return value
    if (!isArray(value)) throw wrongShape(this.#column, 'a Map, or an array of [key, value]')
    const seen = new Set<Value>()
    return value.map((entry) => {
      const [key, item, ...rest] = isArray(entry) ? entry : []
      if (key === undefined || item === undefined || rest.length > 0) {
        throw wrongShape(this.#column, 'a Map, or an array of [key, value]')
      }
      if (seen.has(key)) {
        throw new InvalidDataError(`column ${this.#column}: a map has a key twice`, { column: this.#column })
      }
      seen.add(key)
      return [key, item]
    })
  }
}

function isArray(value: Incoming): value is readonly Value[] {
  return Array.isArray(value)
}

function wrongShape(column: string, wanted: string): InvalidDataError {
  return new InvalidDataError(`column ${column}: a value has not the shape of its type`, {
    column,
    hint: `Give ${wanted}.`,
  })
}
