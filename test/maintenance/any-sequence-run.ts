/** A table that goes through a sequence of steps, and what is expected of it. */
import { deepEqual } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import {
  CherryPickError,
  CommitConflictError,
  NotAnAncestorError,
  type IcebergTableManager,
  type Table,
} from '../../src/index.ts'
import type { ManagerWorld } from '../support/manager-world.ts'
import { localPath, reachableFiles } from '../support/reachable.ts'
import type { ByOthers, ModelRow, Upkeep, Write } from './any-sequence-steps.ts'

/** What is known of the table without looking at it. */
class Model {
  /** Rows of every snapshot ever made, as sorted text. */
  readonly rows = new Map<bigint, readonly ModelRow[]>()

  rowsOf(snapshotId: bigint | null): readonly ModelRow[] {
    if (snapshotId === null) return []
    const known = this.rows.get(snapshotId)
    if (known === undefined) throw new Error(`nobody made the snapshot ${snapshotId}`)
    return known
  }
}

function applied(before: readonly ModelRow[], change: Write): readonly ModelRow[] {
  switch (change.op) {
    case 'append':
      return [...before, ...change.rows]
    case 'delete':
      return before.filter((each) => !change.predicate.holds(each))
    case 'overwrite': {
      const { predicate } = change
      return [...before.filter((each) => predicate !== null && !predicate.holds(each)), ...change.rows]
    }
    case 'upsert': {
      const byKey = new Map(change.rows.map((each) => [each.k, each]))
      const known = new Set(before.map(({ k }) => k))
      return [
        ...before.map((each) => byKey.get(each.k) ?? each),
        ...change.rows.filter(({ k }) => !known.has(k)),
      ]
    }
  }
}

/** One table, what is expected of it, and the time, which passes by an hour with every step. */
export class Run {
  readonly model = new Model()
  readonly #world: ManagerWorld
  readonly #manager: IcebergTableManager
  readonly #name: string
  #refs = 0

  constructor(world: ManagerWorld, manager: IcebergTableManager, name: string) {
    this.#world = world
    this.#manager = manager
    this.#name = name
  }

  load(): Promise<Table> {
    return this.#manager.loadTable(`any.${this.#name}`)
  }

  async writeOrRef(change: ByOthers): Promise<void> {
    if (change.op !== 'write') return this.#changeRefs(change)
    const tbl = await this.load()
    const branches = Object.entries(tbl.metadata.refs).filter(([, ref]) => ref.type === 'branch')
    const [branch] = pick(branches, change.branch) ?? ['main']
    await this.#write(tbl, branch, change.write)
  }

  async #write(tbl: Table, branch: string, change: Write): Promise<void> {
    const before = this.model.rowsOf(tbl.metadata.refs[branch]?.['snapshot-id'] ?? null)
    const result = await this.#perform(tbl, branch, change)
    if (result.snapshotId !== null) this.model.rows.set(result.snapshotId, applied(before, change))
  }

  #perform(tbl: Table, branch: string, change: Write) {
    const manager = this.#manager
    switch (change.op) {
      case 'append':
        return manager.writeData(tbl, change.rows, { branch })
      case 'delete':
        return manager.deleteRows(tbl, change.predicate.filter, { branch })
      case 'upsert':
        return manager.writeData(tbl, change.rows, { mode: 'upsert', joinColumns: ['k'], branch })
      case 'overwrite':
        return manager.writeData(tbl, change.rows, {
          mode: 'overwrite',
          branch,
          ...(change.predicate === null ? {} : { overwriteFilter: change.predicate.filter }),
        })
    }
  }

  async #changeRefs(change: Exclude<ByOthers, { readonly op: 'write' }>): Promise<void> {
    const tbl = await this.load()
    const { metadata } = tbl
    const snapshotId = pick(
      metadata.snapshots.map((snapshot) => snapshot['snapshot-id']),
      'snapshot' in change ? change.snapshot : 0,
    )
    const others = Object.keys(metadata.refs).filter((name) => name !== 'main')
    const other = pick(others, 'ref' in change ? change.ref : 0)
    const edits = this.#manager.manageSnapshots(tbl)
    this.#refs += 1
    switch (change.op) {
      case 'tag':
        if (snapshotId === undefined) return
        return void (await edits.createTag(`tag-${this.#refs}`, { snapshotId }).commit())
      case 'branch':
        if (snapshotId === undefined) return
        return void (await edits.createBranch(`branch-${this.#refs}`, { snapshotId }).commit())
      case 'remove ref':
        if (other === undefined) return
        if (metadata.refs[other]?.type === 'tag') return void (await edits.removeTag(other).commit())
        return void (await edits.removeBranch(other).commit())
      case 'fast-forward':
        if (other === undefined) return
        return allowing(async () => void (await edits.fastForward('main', other).commit()))
      case 'replace main':
        if (snapshotId === undefined) return
        return void (await edits.setCurrentSnapshot({ snapshotId }).commit())
      case 'rollback':
        if (snapshotId === undefined) return
        return allowing(async () => void (await this.#manager.rollbackToSnapshot(tbl, snapshotId)))
      case 'cherry-pick':
        if (snapshotId === undefined) return
        return allowing(() => this.#cherryPick(tbl, snapshotId))
    }
  }

  async #cherryPick(tbl: Table, snapshotId: bigint): Promise<void> {
    const before = tbl.metadata.refs['main']?.['snapshot-id'] ?? null
    const picked = tbl.metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === snapshotId)
    await this.#manager.manageSnapshots(tbl).cherryPick(snapshotId).commit()
    const head = tbl.metadata.refs['main']?.['snapshot-id']
    if (head === undefined || this.model.rows.has(head)) return
    // Only what an append brought can come to another head.
    const added = minus(
      this.model.rowsOf(snapshotId),
      this.model.rowsOf(picked?.['parent-snapshot-id'] ?? null),
    )
    this.model.rows.set(head, [...this.model.rowsOf(before), ...added])
  }

  async keepUp(change: Upkeep): Promise<void> {
    const manager = this.#manager
    const tbl = await this.load()
    const between = async (): Promise<void> => {
      if ('between' in change && change.between !== null) await this.writeOrRef(change.between)
    }
    switch (change.op) {
      case 'expire': {
        const { hours, keepLast } = change
        const before = await this.#reachable()
        const plan = await manager.planExpireSnapshots(tbl, { olderThanDays: hours / 24, keepLast })
        await between()
        const beforeToo = await this.#reachable()
        await manager.execute(throughJson(plan))
        return this.#expectGone([...before, ...beforeToo])
      }
      case 'compact': {
        const sorted = change.strategy === 'sort' ? { sortBy: [{ source: 'k' }] } : {}
        const plan = await manager.planCompaction(tbl, {
          strategy: change.strategy,
          minInputFiles: 2,
          ...sorted,
        })
        await between()
        await allowing(async () => void (await manager.execute(throughJson(plan))))
        return this.#learnReplaced()
      }
      case 'rewrite manifests':
        await manager.rewriteManifests(tbl)
        return this.#learnReplaced()
      case 'rewrite position deletes':
        await manager.rewritePositionDeletes(tbl)
        return this.#learnReplaced()
      case 'orphans': {
        const plan = await manager.planOrphanFiles(tbl, { olderThanDays: 0, allowRecentFiles: true })
        await between()
        await manager.execute(throughJson(plan))
        if (change.between === null) deepEqual(await this.#stored(), await this.#reachable())
      }
    }
  }

  /** Upkeep changes no row: whatever it made has the rows of its parent. */
  async #learnReplaced(): Promise<void> {
    const { metadata } = await this.load()
    for (const snapshot of metadata.snapshots) {
      const id = snapshot['snapshot-id']
      if (this.model.rows.has(id)) continue
      deepEqual(snapshot.summary?.operation, 'replace')
      this.model.rows.set(id, this.model.rowsOf(snapshot['parent-snapshot-id'] ?? null))
    }
  }

  async check(): Promise<void> {
    const tbl = await this.load()
    for (const snapshot of tbl.metadata.snapshots) {
      const snapshotId = snapshot['snapshot-id']
      const found = await tbl.scan({ snapshotId }).toArray()
      deepEqual(asText(found), asText(this.model.rowsOf(snapshotId)))
    }
    // Throws where a file is missing that the table needs.
    await this.#reachable()
  }

  async #expectGone(reachableBefore: readonly string[]): Promise<void> {
    const reachable = new Set(await this.#reachable())
    const dead = reachableBefore.filter((file) => !reachable.has(file))
    deepEqual(
      dead.filter((file) => existsSync(localPath(file))),
      [],
    )
  }

  async #reachable(): Promise<readonly string[]> {
    const { metadataLocation } = await this.load()
    if (metadataLocation === null) throw new Error('the catalog does not say where the metadata is')
    return reachableFiles(metadataLocation)
  }

  async #stored(): Promise<readonly string[]> {
    const { location } = await this.load()
    return (await this.#world.objects()).filter((object) => object.startsWith(`${location}/`))
  }
}

function pick<T>(from: readonly T[], at: number): T | undefined {
  return from[at % from.length]
}

/** Refusals of what the sequence happens to ask for are part of the game; the checks follow all the same. */
async function allowing(change: () => Promise<void>): Promise<void> {
  try {
    await change()
  } catch (error) {
    const refusals = [CherryPickError, CommitConflictError, NotAnAncestorError]
    if (!refusals.some((refusal) => error instanceof refusal)) throw error
  }
}

function throughJson<T>(plan: T): T {
  return JSON.parse(JSON.stringify(plan))
}

function minus(all: readonly ModelRow[], without: readonly ModelRow[]): readonly ModelRow[] {
  const left = without.map(({ k, s }) => `${k} ${s}`)
  return all.filter(({ k, s }) => {
    const at = left.indexOf(`${k} ${s}`)
    if (at !== -1) left.splice(at, 1)
    return at === -1
  })
}

function asText(rows: readonly Readonly<Record<string, unknown>>[] | readonly ModelRow[]): string[] {
  return rows.map(({ k, s }) => `${String(k)} ${String(s)}`).toSorted()
}
