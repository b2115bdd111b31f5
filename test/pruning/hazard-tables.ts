/** Small tables for what went wrong elsewhere, and what another decoder and a filter find in them. */
import { expect } from 'vitest'
import type { DeclaredSchema, Expression, Row, Table } from '../../src/index.ts'
import type { AvroRecord } from '../support/avro.ts'
import { plainMetadata, PlainReader } from '../support/reachable.ts'
import { openPruningWorld, type PruningWorld } from './world.ts'

export interface Layout {
  readonly partitionSpec?: readonly {
    readonly source: string
    readonly transform?: string
    readonly name?: string
  }[]
  readonly formatVersion?: 1 | 2
}

export interface HazardTables {
  readonly world: PruningWorld
  /** A table with an append for each batch of rows. */
  tableOf(schema: DeclaredSchema, layout: Layout, ...batches: readonly (readonly Row[])[]): Promise<Table>
  /** The first partition value of each row, by the row's `id`. */
  partitionOfId(of: Table): Promise<Record<number, unknown>>
}

export async function openHazardTables(): Promise<HazardTables> {
  const world = await openPruningWorld()
  await world.manager.createNamespace('hazards')
  let tables = 0
  return {
    world,
    async tableOf(schema, { partitionSpec = [], formatVersion = 2 }, ...batches) {
      tables += 1
      const created: Table = await world.manager.createTable({
        namespace: 'hazards',
        name: `t${tables}`,
        schema: schema.schema,
        partitionSpec: [...partitionSpec],
        formatVersion,
      })
      for (const batch of batches) await world.manager.writeData(created, batch)
      return created
    },
    async partitionOfId(of) {
      const found: Record<number, unknown> = {}
      for (const file of await dataFiles(of)) {
        const [value] = Object.values(file['partition'] as AvroRecord)
        for (const row of await world.readRaw(String(file['file_path']), 'id'))
          found[Number(row['id'])] = value
      }
      return found
    },
  }
}

/** `data_file` records of the live files. */
export async function dataFiles(of: Table): Promise<readonly AvroRecord[]> {
  const snapshot = (await plainMetadata(of.metadataLocation ?? '')).snapshots?.at(-1)
  if (snapshot === undefined) return []
  return (await new PlainReader().live(snapshot)).map(({ file }) => file)
}

/** Ids of the rows that a filter finds, which a count agrees with. */
export async function idsWhere(of: Table, filter: Expression | string): Promise<number[]> {
  const scan = of.scan({ filter })
  const ids = (await scan.toArray()).map((row) => Number(row['id'])).sort((a, b) => a - b)
  expect(await scan.count()).toBe(ids.length)
  return ids
}
