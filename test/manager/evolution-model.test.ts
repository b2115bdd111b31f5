import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SchemaChange, Table } from '../../src/index.ts'
import { createTable, evolutionWorlds, rowsOf, valueText, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

/** A column as the model knows it: told from others by being itself, whatever its name. */
interface Column {
  name: string
  type: 'int' | 'long' | 'string' | 'struct'
  readonly members: Column[]
}

type Cell = number | string | null
/** Values by column; a struct that is there has the value of its own presence. */
type ModelRow = ReadonlyMap<Column, Cell>

/** What a table with such a history must hold, by nothing but lists of columns and of values. */
class Model {
  readonly columns: Column[] = [
    { name: 'key', type: 'int', members: [] },
    { name: 's', type: 'struct', members: [{ name: 'x', type: 'int', members: [] }] },
  ]
  readonly rows: ModelRow[] = []
  names = 0

  /** All columns with their full names, structs before their members. */
  all(): readonly { readonly column: Column; readonly name: string; readonly siblings: Column[] }[] {
    return this.columns.flatMap((column) => [
      { column, name: column.name, siblings: this.columns },
      ...column.members.map((member) => ({
        column: member,
        name: `${column.name}.${member.name}`,
        siblings: column.members,
      })),
    ])
  }

  row(row: ModelRow): object {
    return this.object(this.columns, row)
  }

  object(columns: readonly Column[], row: ModelRow): object {
    return Object.fromEntries(columns.map((column) => [column.name, this.value(column, row)]))
  }

  value(column: Column, row: ModelRow): unknown {
    const cell = row.get(column) ?? null
    if (cell === null) return null
    if (column.type === 'struct') return this.object(column.members, row)
    return column.type === 'long' ? BigInt(cell) : cell
  }
}

const choice = fc.nat(1000)
const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      choice,
      rows: fc.integer({ min: 1, max: 3 }),
    }),
  },
  ...(['add', 'rename', 'delete', 'widen', 'move', 'exchange', 'partition', 'unpartition'] as const).map(
    (kind) => ({
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant(kind), choice, rows: fc.constant(0) }),
    }),
  ),
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

class Run {
  readonly #world: EvolutionWorld
  readonly #table: Table
  readonly model = new Model()
  #count = 0

  constructor(world: EvolutionWorld, table: Table) {
    this.#world = world
    this.#table = table
  }

  async apply({ kind, choice: chosen, rows }: Operation): Promise<void> {
    const { model } = this
    const all = model.all()
    const target = all[chosen % all.length]
    if (target === undefined) return
    const { column, name, siblings } = target
    switch (kind) {
      case 'append':
        return this.#append(rows, chosen)
      case 'add': {
        const structs = model.columns.filter(({ type }) => type === 'struct')
        const parent = chosen % 3 === 0 ? structs[chosen % Math.max(1, structs.length)] : undefined
        const added: Column = {
          name: `n${model.names++ % 4}`,
          type: chosen % 2 === 0 ? 'int' : 'string',
          members: [],
        }
        const members = parent?.members ?? model.columns
        if (members.some((each) => each.name === added.name)) return
        const path = parent === undefined ? added.name : `${parent.name}.${added.name}`
        await this.#evolve({ type: 'add_column', name: path, fieldType: added.type })
        members.push(added)
        return
      }
      case 'rename': {
        const newName = `n${chosen % 4}`
        if (siblings.some((each) => each.name === newName)) return
        await this.#evolve({ type: 'rename_column', name, newName })
        column.name = newName
        return
      }
      case 'exchange': {
        const other = siblings.find((each) => each !== column)
        if (other === undefined) return
        const prefix = name.slice(0, name.length - column.name.length)
        await this.#evolve(
          { type: 'rename_column', name, newName: 'between' },
          { type: 'rename_column', name: prefix + other.name, newName: column.name },
          { type: 'rename_column', name: `${prefix}between`, newName: other.name },
        )
        ;[column.name, other.name] = [other.name, column.name]
        return
      }
      case 'delete':
        if (siblings.length === 1 || this.#isPartitioned(name)) return
        await this.#evolve({ type: 'delete_column', name })
        siblings.splice(siblings.indexOf(column), 1)
        return
      case 'widen':
        if (column.type !== 'int') return
        await this.#evolve({ type: 'widen_type', name, fieldType: 'long' })
        column.type = 'long'
        return
      case 'move':
        await this.#evolve({ type: 'move_column', name, position: { first: true } })
        siblings.splice(siblings.indexOf(column), 1)
        siblings.unshift(column)
        return
      case 'partition':
        return this.#partition(column, name, chosen)
      case 'unpartition': {
        const field = this.#table.partitionSpec.fields.find(({ transform }) => transform.kind !== 'void')
        if (field === undefined) return
        await this.#world.manager.evolvePartitionSpec(this.#table, [
          { type: 'remove_field', field: field.name },
        ])
      }
    }
  }

  async #evolve(...changes: readonly SchemaChange[]): Promise<void> {
    await this.#world.manager.evolveSchema(this.#table, changes)
  }

  async #partition(column: Column, name: string, chosen: number): Promise<void> {
    if (column.type === 'struct' || this.#isPartitioned(name)) return
    const transform = ['bucket[2]', 'truncate[3]', 'identity'][chosen % 3]
    // Names of partition fields must stay clear of those that columns may come to have.
    const change = { type: 'add_field', source: name, transform, name: `p${this.#count++}` } as const
    await this.#world.manager.evolvePartitionSpec(this.#table, [change])
  }

  #isPartitioned(name: string): boolean {
    const { partitionSpec, schema } = this.#table
    const used = new Set(
      partitionSpec.fields.filter(({ transform }) => transform.kind !== 'void').map((f) => f.sourceId),
    )
    const [top, member] = name.split('.')
    const column = schema.fields.find((field) => field.name === top)
    if (column === undefined) return false
    if (column.type.kind !== 'struct') return used.has(column.id)
    const members = column.type.fields.filter((field) => member === undefined || field.name === member)
    return members.some(({ id }) => used.has(id))
  }

  async #append(count: number, seed: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, i) => this.#row(seed + i * 7))
    const data = rows.map((row) => this.model.row(row))
    // Values in are values out.
    await this.#world.manager.writeData(this.#table, JSON.parse(JSON.stringify(data, plainNumbers)))
    this.model.rows.push(...rows)
  }

  #row(seed: number): ModelRow {
    return new Map(
      this.model.all().map(({ column }, i): [Column, Cell] => {
        const value = (seed * 31 + i * 17) % 11
        if (value === 0) return [column, null]
        if (column.type === 'struct') return [column, 1]
        return [column, column.type === 'string' ? `v${value}` : value]
      }),
    )
  }
}

function plainNumbers(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

function expectedRows(model: Model, keep: (row: ModelRow) => boolean = () => true): readonly string[] {
  return model.rows
    .filter(keep)
    .map((row) => valueText(model.row(row)))
    .sort()
}

/** Whether a member's struct is there; top-level columns always are. */
function isPresent(model: Model, column: Column, row: ModelRow): boolean {
  const parent = model.columns.find(({ members }) => members.includes(column))
  return parent === undefined || (row.get(parent) ?? null) !== null
}

test.each([1, 2] as const)(
  'random histories of a table of format version %i equal a model',
  async (formatVersion) => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 3, maxLength: 14 }), async (operations) => {
        const world = await open()
        const table = await createTable(world, 'key: int, s: struct<x: int>', { formatVersion })
        const run = new Run(world, table)
        for (const each of operations) await run.apply(each)
        const { model } = run
        const read = await world.reload()
        expect(read.schema.fields.map(({ name }) => name)).toEqual(model.columns.map(({ name }) => name))
        expect(await rowsOf(read)).toEqual(expectedRows(model))
        for (const { column, name } of model.all()) {
          if (column.type === 'struct') continue
          const value = column.type === 'string' ? 'v5' : 5
          const matching = (row: ModelRow) => isPresent(model, column, row) && row.get(column) === value
          const literal = typeof value === 'string' ? `'${value}'` : String(value)
          expect(await rowsOf(read, `${name} = ${literal}`)).toEqual(expectedRows(model, matching))
          const nulls = (row: ModelRow) =>
            !isPresent(model, column, row) || (row.get(column) ?? null) === null
          expect(await rowsOf(read, `${name} is null`)).toEqual(expectedRows(model, nulls))
        }
      }),
      { numRuns: 30 },
    )
  },
  120_000,
)
