/** What tests of expiry share: a world whose time stands, and a naive look at what is where. */
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { t, table, type IcebergTableManager, type Table } from '../../src/index.ts'
import type { ConnectManagerOptions } from '../../src/compose.ts'
import { localManagerWorld, type ManagerWorld } from '../support/manager-world.ts'
import { reachableFiles } from '../support/reachable.ts'

export const DAY = 86_400_000
/** The time until it is moved: later than the catalog's own, which nobody moves. */
export const START = Date.parse('2100-03-01T00:00:00Z')

const events = table({ id: t.long().required(), kind: t.string() })

/** A world on the local disk in which time passes only when it is told to. */
export class ExpiryWorld {
  readonly world: ManagerWorld
  readonly folder: string
  now = START

  private constructor(world: ManagerWorld, folder: string) {
    this.world = world
    this.folder = folder
  }

  static async make(root: string, plane: DataPlane): Promise<ExpiryWorld> {
    const folder = await mkdtemp(join(root, 'world-'))
    return new ExpiryWorld(await localManagerWorld(folder, plane), folder)
  }

  readonly #options: Partial<ConnectManagerOptions> = {
    clock: { now: () => this.now, sleep: async () => {} },
    retention: { minSnapshotsToKeep: 1 },
  }

  /** Its calls go through the world's controller. */
  open(options: Partial<ConnectManagerOptions> = {}): Promise<IcebergTableManager> {
    return this.world.open({ ...this.#options, ...options })
  }

  /** Past the controller. */
  openAside(options: Partial<ConnectManagerOptions> = {}): Promise<IcebergTableManager> {
    return this.world.openAside({ ...this.#options, ...options })
  }

  /** Files below the warehouse that the table does not reach, as a naive walk has it. */
  async unreached(of: Table): Promise<readonly string[]> {
    const reached = new Set(await reachableFiles(of.metadataLocation ?? ''))
    return (await this.world.objects()).filter((location) => !reached.has(location))
  }
}

/** `demo.events`, empty. */
export async function newTable(
  manager: IcebergTableManager,
  properties: Readonly<Record<string, string>> = {},
): Promise<Table> {
  return manager.createTable(
    { namespace: 'demo', name: 'events', schema: events, properties },
    { createNamespace: true },
  )
}

export const rows = (...ids: readonly number[]): readonly { readonly id: bigint; readonly kind: string }[] =>
  ids.map((id) => ({ id: BigInt(id), kind: `k${id % 2}` }))

/** The ids in a snapshot, sorted. */
export async function idsOf(of: Table, snapshotId?: bigint): Promise<readonly number[]> {
  const found = await of.scan(snapshotId === undefined ? {} : { snapshotId }).toArray()
  return found.map((row) => Number(row['id'])).sort((a, b) => a - b)
}

export const snapshotIds = (of: Table): readonly bigint[] =>
  of.metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])
