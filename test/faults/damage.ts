/** Files of a table, damaged one at a time, and every way in which a user meets them. */
import type { IcebergTableManager, Table } from '../../src/index.ts'
import type { ManagerWorld } from '../support/manager-world.ts'
import { rowText } from '../support/observe.ts'

/** Which of a table's files. */
export const KINDS = ['metadata', 'manifest list', 'manifest', 'data file'] as const
export type FileKind = (typeof KINDS)[number]

export const TABLE = 'demo.t'

/** One file of each kind, of the current snapshot. */
export async function filesByKind(table: Table): Promise<Readonly<Record<FileKind, string>>> {
  const [manifest] = await table.inspect.manifests()
  const [data] = await table.inspect.files()
  return {
    metadata: expectText(table.metadataLocation),
    'manifest list': expectText(table.currentSnapshot?.['manifest-list']),
    manifest: expectText(manifest?.path),
    'data file': expectText(data?.file_path),
  }
}

function expectText(location: string | null | undefined): string {
  if (typeof location === 'string') return location
  throw new Error('The table has no such file')
}

/** Ways of meeting a table's files that read and change nothing; each gives what it saw, as text. */
export const READS: Readonly<Record<string, (manager: IcebergTableManager) => Promise<string>>> = {
  scan: async (manager) => sorted(await (await manager.loadTable(TABLE)).scan().toArray()),
  'filtered scan': async (manager) =>
    sorted(await (await manager.loadTable(TABLE)).scan({ filter: 'id >= 2' }).toArray()),
  count: async (manager) => String(await (await manager.loadTable(TABLE)).scan().count()),
  'filtered count': async (manager) =>
    String(await (await manager.loadTable(TABLE)).scan({ filter: 'id >= 2' }).count()),
  snapshots: async (manager) => rowText(await manager.listSnapshots(await manager.loadTable(TABLE))),
  'inspect files': async (manager) => rowText(await (await manager.loadTable(TABLE)).inspect.files()),
  'inspect manifests': async (manager) => rowText(await (await manager.loadTable(TABLE)).inspect.manifests()),
}

function sorted(rows: readonly unknown[]): string {
  return rows.map(rowText).sort().join('\n')
}

/** Puts other bytes in a file's place; null: the file is gone. */
export async function damage(world: ManagerWorld, location: string, bytes: Uint8Array | null): Promise<void> {
  const store = world.store()
  if (bytes === null) await store.delete([location])
  else await store.put(location, bytes)
}

/** The bytes with one bit turned over. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const at = bit >> 3
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7))
  return copy
}
