/** A manager over memory for each test, all on one engine. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import type { IcebergTableManager, SchemaInput, Table, TableConfig } from '../../src/index.ts'
import { parseType } from '../../src/format/type-text.ts'
import { assignFreshIds } from '../../src/format/schema-ids.ts'
import { memoryManagerWorld, openEngine, type ManagerWorld } from '../support/manager-world.ts'
import { rowText } from '../support/observe.ts'

export interface EvolutionWorld extends ManagerWorld {
  readonly manager: IcebergTableManager
  /** A new handle, by a manager that remembers nothing of the other. */
  reload(): Promise<Table>
}

/** Opens one engine for the file; the returned function makes a world for a test. */
export function evolutionWorlds(): () => Promise<EvolutionWorld> {
  let root: string
  let plane: DataPlane
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'floeberg-evolution-'))
    plane = await openEngine(root)
  })
  afterAll(async () => {
    await plane.close()
    await rm(root, { recursive: true })
  })
  return async () => {
    const world = await memoryManagerWorld(await mkdtemp(join(root, 'test-')), plane)
    const manager = await world.open()
    const aside = await world.openAside()
    onTestFinished(async () => {
      await manager.close()
      await aside.close()
    })
    return { ...world, manager, reload: () => aside.loadTable('demo.t') }
  }
}

/** `demo.t` of these columns, written as in `id: long required, s: struct<x: int>`. */
export async function createTable(
  { manager }: EvolutionWorld,
  columns: string,
  config: Partial<Omit<TableConfig, 'schema'>> = {},
): Promise<Table> {
  const schema: SchemaInput = schemaFromText(columns)
  return manager.createTable({ namespace: 'demo', name: 't', ...config, schema }, { createNamespace: true })
}

export function schemaFromText(columns: string) {
  const type = parseType(`struct<${columns}>`)
  const fields = type.kind === 'struct' ? type.fields : []
  return assignFreshIds({ schemaId: 0, fields, identifierFieldIds: [] }).schema
}

/** Rows as text, sorted; of a filter, if one is given. */
export async function rowsOf(table: Table, filter?: string): Promise<readonly string[]> {
  const rows = await table.scan(filter === undefined ? {} : { filter }).toArray()
  return rows.map(valueText).sort()
}

/** A row as text, maps as their entries. */
export function valueText(value: unknown): string {
  return rowText(plain(value))
}

function plain(value: unknown): unknown {
  if (value instanceof Map) return [...value].map(([key, each]) => [plain(key), plain(each)])
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]))
}
