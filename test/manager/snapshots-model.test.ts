/**
 * Random sequences of writes, branches, tags, moves, rollbacks and picks, against branches that are
 * lists of rows: every ref and every snapshot reads the same rows after every step, and what the model
 * refuses is refused.
 */
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IcebergTableManager, table, t, type Table } from '../../src/index.ts'
import { temporaryFolder } from '../support/folders.ts'

/** A snapshot as the model has it: its parent, what it appended (null: something else), and its rows. */
interface Commit {
  readonly parent: Commit | null
  readonly appended: readonly number[] | null
  readonly rows: readonly number[]
  /** The commit that it is a pick of. */
  readonly source: Commit | null
}

interface Ref {
  readonly kind: 'branch' | 'tag'
  readonly at: Commit
}

class Model {
  readonly refs = new Map<string, Ref>()
  readonly commits: Commit[] = []

  head(name: string): Commit | null {
    return this.refs.get(name)?.at ?? null
  }

  line(name: string): readonly Commit[] {
    const line: Commit[] = []
    for (let at = this.head(name); at !== null; at = at.parent) line.push(at)
    return line
  }

  add(branch: string, commit: Omit<Commit, 'parent'>, isStaged = false): void {
    const made = { ...commit, parent: this.head(branch) }
    this.commits.push(made)
    if (!isStaged) this.refs.set(branch, { kind: 'branch', at: made })
  }
}

const BRANCHES = ['main', 'a', 'b'] as const
const NAMES = ['a', 'b', 'x', 'y'] as const

const branch = fc.constantFrom(...BRANCHES)
const name = fc.constantFrom(...NAMES)
const place = fc.nat({ max: 30 })

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), branch, staged: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), branch, staged: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create' as const), name, tag: fc.boolean(), place }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('replace' as const), name, tag: fc.boolean(), place }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), name, tag: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('forward' as const),
      branch,
      to: fc.constantFrom('main', ...NAMES),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('rollback' as const), branch, place, force: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pick' as const), branch, place }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** A model that refused says so by null; else what is new is in the model. */
function play(model: Model, each: Step, fresh: () => number): (() => void) | null {
  const at = 'place' in each ? (model.commits[each.place % Math.max(1, model.commits.length)] ?? null) : null
  switch (each.do) {
    case 'append':
    case 'delete': {
      const { branch: to, staged, do: what } = each
      if (to !== 'main' && model.refs.get(to)?.kind !== 'branch') return null
      const before = model.head(to)?.rows ?? []
      const added = what === 'append' ? [fresh()] : null
      const rows = added === null ? before.slice(1) : [...before, ...added]
      return () => model.add(to, { appended: added, rows, source: null }, staged)
    }
    case 'create':
      if (at === null || model.refs.has(each.name)) return null
      return () => model.refs.set(each.name, { kind: each.tag ? 'tag' : 'branch', at })
    case 'replace': {
      const kind = each.tag ? 'tag' : 'branch'
      if (at === null || model.refs.get(each.name)?.kind !== kind) return null
      return () => model.refs.set(each.name, { kind, at })
    }
    case 'remove':
      if (model.refs.get(each.name)?.kind !== (each.tag ? 'tag' : 'branch')) return null
      return () => model.refs.delete(each.name)
    case 'forward': {
      const to = model.head(each.to)
      const from = model.refs.get(each.branch)
      if (to === null || from?.kind === 'tag' || (from === undefined && each.branch !== 'main')) return null
      if (from !== undefined && !model.line(each.to).includes(from.at)) return null
      return () => model.refs.set(each.branch, { kind: 'branch', at: to })
    }
    case 'rollback': {
      const ref = model.refs.get(each.branch)
      if (at === null || ref?.kind === 'tag' || (ref === undefined && each.branch !== 'main')) return null
      if (!each.force && !model.line(each.branch).includes(at)) return null
      return () => model.refs.set(each.branch, { kind: 'branch', at })
    }
    case 'pick': {
      const ref = model.refs.get(each.branch)
      if (at === null || ref?.kind === 'tag' || (ref === undefined && each.branch !== 'main')) return null
      const head = ref?.at ?? null
      if (at.parent === head) return () => model.refs.set(each.branch, { kind: 'branch', at })
      if (model.line(each.branch).some((one) => one === at || one.source === at)) return null
      const { appended } = at
      if (appended === null) return null
      const rows = [...(head?.rows ?? []), ...appended]
      return () => model.add(each.branch, { appended, rows, source: at })
    }
  }
}

async function perform(manager: IcebergTableManager, tbl: Table, model: Model, each: Step, next: number) {
  const ids = tbl.metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])
  const at = 'place' in each ? (ids[each.place % Math.max(1, ids.length)] ?? 0n) : 0n
  const changes = manager.manageSnapshots(tbl)
  switch (each.do) {
    case 'append':
      return manager.writeData(tbl, [{ id: next }], { branch: each.branch, stageOnly: each.staged })
    case 'delete': {
      const first = model.head(each.branch)?.rows[0]
      return manager.deleteRows(tbl, `id = ${first ?? -1}`, { branch: each.branch, stageOnly: each.staged })
    }
    case 'create':
      return (
        each.tag
          ? changes.createTag(each.name, { snapshotId: at })
          : changes.createBranch(each.name, { snapshotId: at })
      ).commit()
    case 'replace':
      return (
        each.tag
          ? changes.replaceTag(each.name, { snapshotId: at })
          : changes.replaceBranch(each.name, { snapshotId: at })
      ).commit()
    case 'remove':
      return (each.tag ? changes.removeTag(each.name) : changes.removeBranch(each.name)).commit()
    case 'forward':
      return changes.fastForward(each.branch, each.to).commit()
    case 'rollback':
      return manager.rollbackToSnapshot(tbl, at, { branch: each.branch, force: each.force })
    case 'pick':
      return changes.cherryPick(at, { branch: each.branch }).commit()
  }
}

const rowsAt = async (
  tbl: Table,
  travel: { ref?: string; snapshotId?: bigint },
): Promise<readonly number[]> =>
  (await tbl.scan(travel).toArray()).map((row) => Number(row['id'])).sort((a, b) => a - b)

const sorted = (rows: readonly number[]): readonly number[] => rows.toSorted((a, b) => a - b)

test('every ref and every snapshot reads as the model says', async () => {
  const folder = await temporaryFolder()
  const manager = await IcebergTableManager.open({
    catalog: { type: 'memory', warehouse: 'memory://wh' },
    scratchDir: join(folder, 'scratch'),
    engine: { threads: 1 },
  })
  await manager.createNamespace('demo')
  let tables = 0
  const done = new Set<string>()
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 8, maxLength: 24 }),
      fc.constantFrom(1 as const, 2 as const),
      async (steps, formatVersion) => {
        const tbl: Table = await manager.createTable({
          namespace: 'demo',
          name: `t${(tables += 1)}`,
          schema: table({ id: t.int() }),
          formatVersion,
        })
        const model = new Model()
        let last = 0
        for (const each of steps) {
          // Nothing to delete commits nothing, here and there.
          if (each.do === 'delete' && (model.head(each.branch)?.rows.length ?? 0) === 0) continue
          const accepted = play(model, each, () => (last += 1))
          const outcome = await perform(manager, tbl, model, each, last)
            .then(
              () => 'done',
              (error: unknown) => (error instanceof Error && 'code' in error ? 'refused' : String(error)),
            )
            .catch(String)
          expect(outcome, JSON.stringify(each)).toBe(accepted === null ? 'refused' : 'done')
          accepted?.()
          done.add(`${each.do} ${outcome}`)
          expect(Object.keys(tbl.metadata.refs).sort(), JSON.stringify(each)).toEqual(
            [...model.refs.keys()].sort(),
          )
          expect(tbl.metadata.snapshots).toHaveLength(model.commits.length)
        }
        for (const [ref, { kind, at }] of model.refs) {
          expect(tbl.metadata.refs[ref]?.type).toBe(kind)
          expect(await rowsAt(tbl, { ref }), ref).toEqual(sorted(at.rows))
        }
        for (const [index, { rows }] of model.commits.entries()) {
          const snapshotId = tbl.metadata.snapshots[index]?.['snapshot-id'] ?? 0n
          expect(await rowsAt(tbl, { snapshotId })).toEqual(sorted(rows))
        }
      },
    ),
    { numRuns: 60 },
  )
  await manager.close()
  // Each was tried both ways.
  expect([...done].filter((each) => each.endsWith('refused')).length).toBeGreaterThan(5)
}, 60_000)
