/**
 * Random sequences of writes, refs, rollbacks and every kind of upkeep, with changes of others between
 * a plan and its execution: every live snapshot reads its exact rows, and the store holds what is
 * reachable and nothing that was expired.
 */
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  CherryPickError,
  CommitConflictError,
  eq,
  gte,
  type IcebergTableManager,
  isIn,
  lt,
  NotAnAncestorError,
  t,
  table,
} from '../../src/index.ts'
import type { Expression, Table } from '../../src/index.ts'
import { temporaryFolder } from '../support/folders.ts'
import { localManagerWorld, openEngine, type ManagerWorld } from '../support/manager-world.ts'
import { localPath, reachableFiles } from '../support/reachable.ts'

interface ModelRow {
  readonly k: number
  readonly s: string
}

const schema = table({ k: t.int().required(), s: t.string() })
const HOUR_MS = 3_600_000

const row = fc.record({ k: fc.integer({ min: 0, max: 9 }), s: fc.constantFrom('a', 'b', 'c') })
const predicates = [
  { filter: gte('k', 5), holds: ({ k }: ModelRow) => k >= 5 },
  { filter: lt('k', 3), holds: ({ k }: ModelRow) => k < 3 },
  { filter: eq('s', 'a'), holds: ({ s }: ModelRow) => s === 'a' },
  { filter: isIn('s', ['b', 'c']), holds: ({ s }: ModelRow) => s === 'b' || s === 'c' },
] satisfies readonly { filter: Expression; holds(row: ModelRow): boolean }[]

/** Which one of those that there are, whatever their number. */
const choice = fc.nat({ max: 11 })
const record = fc.record

const write = fc.oneof(
  record({ op: fc.constant('append' as const), rows: fc.array(row, { minLength: 1, maxLength: 5 }) }),
  record({ op: fc.constant('delete' as const), predicate: fc.constantFrom(...predicates) }),
  record({
    op: fc.constant('upsert' as const),
    rows: fc.uniqueArray(row, { minLength: 1, maxLength: 5, selector: ({ k }) => k }),
  }),
  record({
    op: fc.constant('overwrite' as const),
    rows: fc.array(row, { maxLength: 5 }),
    predicate: fc.constantFrom(null, ...predicates),
  }),
)

const refChange = fc.oneof(
  record({ op: fc.constant('tag' as const), snapshot: choice }),
  record({ op: fc.constant('branch' as const), snapshot: choice }),
  record({ op: fc.constant('remove ref' as const), ref: choice }),
  record({ op: fc.constant('fast-forward' as const), ref: choice }),
  record({ op: fc.constant('replace main' as const), snapshot: choice }),
  record({ op: fc.constant('cherry-pick' as const), snapshot: choice }),
  record({ op: fc.constant('rollback' as const), snapshot: choice }),
)

const byOthers = fc.oneof(record({ op: fc.constant('write' as const), branch: choice, write }), refChange)

const expiry = record({
  op: fc.constant('expire' as const),
  hours: fc.integer({ min: 0, max: 4 }),
  keepLast: fc.constantFrom(1, 1, 2),
  between: fc.option(byOthers),
})

const upkeep = fc.oneof(
  { weight: 3, arbitrary: expiry },
  record({
    op: fc.constant('compact' as const),
    strategy: fc.constantFrom('bin_pack' as const, 'sort' as const),
    between: fc.option(byOthers),
  }),
  record({ op: fc.constant('rewrite manifests' as const) }),
  record({ op: fc.constant('rewrite position deletes' as const) }),
  record({ op: fc.constant('orphans' as const), between: fc.option(byOthers) }),
)

type Write = typeof write extends fc.Arbitrary<infer T> ? T : never
type ByOthers = typeof byOthers extends fc.Arbitrary<infer T> ? T : never
type Upkeep = typeof upkeep extends fc.Arbitrary<infer T> ? T : never

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
class Run {
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
        if (change.between === null) expect(await this.#stored()).toEqual(await this.#reachable())
      }
    }
  }

  /** Upkeep changes no row: whatever it made has the rows of its parent. */
  async #learnReplaced(): Promise<void> {
    const { metadata } = await this.load()
    for (const snapshot of metadata.snapshots) {
      const id = snapshot['snapshot-id']
      if (this.model.rows.has(id)) continue
      expect(snapshot.summary?.operation).toBe('replace')
      this.model.rows.set(id, this.model.rowsOf(snapshot['parent-snapshot-id'] ?? null))
    }
  }

  async check(): Promise<void> {
    const tbl = await this.load()
    for (const snapshot of tbl.metadata.snapshots) {
      const snapshotId = snapshot['snapshot-id']
      const found = await tbl.scan({ snapshotId }).toArray()
      expect(asText(found), String(snapshotId)).toEqual(asText(this.model.rowsOf(snapshotId)))
    }
    // Throws where a file is missing that the table needs.
    await this.#reachable()
  }

  async #expectGone(reachableBefore: readonly string[]): Promise<void> {
    const reachable = new Set(await this.#reachable())
    const dead = reachableBefore.filter((file) => !reachable.has(file))
    expect(dead.filter((file) => existsSync(localPath(file)))).toEqual([])
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

const tables = fc.constantFrom(
  { formatVersion: 1 as const, partitionSpec: [{ source: 's' }] },
  { formatVersion: 2 as const, partitionSpec: [{ source: 's' }] },
  {
    formatVersion: 2 as const,
    partitionSpec: [],
    properties: { 'write.delete.mode': 'merge-on-read', 'write.merge.mode': 'merge-on-read' },
  },
)

const step = fc.oneof(
  { weight: 4, arbitrary: record({ kind: fc.constant('write' as const), change: byOthers }) },
  { weight: 3, arbitrary: record({ kind: fc.constant('upkeep' as const), change: upkeep }) },
)

const beginning = fc.array(
  write.map((change) => ({
    kind: 'write' as const,
    change: { op: 'write' as const, branch: 0, write: change },
  })),
  { minLength: 2, maxLength: 5 },
)
const rest = fc.array(step, { minLength: 2, maxLength: 9 })

test('any sequence: live snapshots keep their rows, dead files go', { timeout: 240_000 }, async () => {
  const folder = await temporaryFolder()
  const plane = await openEngine(folder)
  const world = await localManagerWorld(await mkdtemp(join(folder, 'world-')), plane)
  let now = Date.now()
  const clock = { now: () => now, sleep: async () => {} }
  const manager = await world.openAside({ clock, retention: { minSnapshotsToKeep: 1 } })
  let count = 0
  try {
    await manager.createNamespace('any')
    await fc.assert(
      fc.asyncProperty(tables, beginning, rest, async (config, first, then) => {
        count += 1
        await manager.createTable({ namespace: 'any', name: `t${count}`, schema, ...config })
        const run = new Run(world, manager, `t${count}`)
        for (const { kind, change } of [...first, ...then]) {
          now += HOUR_MS
          if (kind === 'write') await run.writeOrRef(change)
          else await run.keepUp(change)
          await run.check()
        }
      }),
      { numRuns: 30 },
    )
  } finally {
    await manager.close()
    await plane.close()
  }
})
