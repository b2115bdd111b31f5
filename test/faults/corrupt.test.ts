/** Damaged files through the public API: a typed error that names the file, or what was there before. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DataPlane } from '../../src/engine/data-plane.ts'
import { FloebergError, t, table } from '../../src/index.ts'
import { memoryManagerWorld, openEngine, type ManagerWorld } from '../support/manager-world.ts'
import { damage, filesByKind, flipped, KINDS, READS, TABLE, type FileKind } from './damage.ts'
import { aside } from './sweep.ts'

let root: string
let plane: DataPlane
let world: ManagerWorld
let restore: () => Promise<void>
let files: Readonly<Record<FileKind, string>>
const good = new Map<string, string>()

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floeberg-corrupt-'))
  plane = await openEngine(root)
  world = await memoryManagerWorld(root, plane)
  files = await aside(world, async (manager) => {
    await manager.createNamespace('demo')
    const created = await manager.createTable({
      namespace: 'demo',
      name: 't',
      schema: table({ id: t.long().required(), text: t.string() }),
    })
    await manager.writeData(created, [{ id: 1n, text: 'one' }, { id: 2n }])
    await manager.writeData(created, [
      { id: 3n, text: 'three' },
      { id: 4n, text: 'four' },
    ])
    for (const [name, read] of Object.entries(READS)) good.set(name, await read(manager))
    return filesByKind(created)
  })
  restore = await world.keep()
})
beforeEach(() => restore())
afterAll(async () => {
  await plane.close()
  await rm(root, { recursive: true })
})

async function wholeBytes(kind: FileKind): Promise<Uint8Array> {
  return world.store().get(files[kind])
}

/** How a read ends: what it saw, or its error. */
async function endOf(name: string): Promise<{ readonly seen?: string; readonly error?: unknown }> {
  const read = READS[name]
  if (read === undefined) throw new Error(`no such read: ${name}`)
  try {
    return { seen: await aside(world, read) }
  } catch (error) {
    return { error }
  }
}

/** Which reads need which file; the others must not even notice. */
const NEEDED_BY: Readonly<Record<FileKind, readonly string[]>> = {
  metadata: Object.keys(READS),
  'manifest list': ['scan', 'filtered scan', 'count', 'filtered count', 'inspect files', 'inspect manifests'],
  manifest: ['scan', 'filtered scan', 'count', 'filtered count', 'inspect files'],
  'data file': ['scan', 'filtered scan'],
}

async function expectEverywhere(kind: FileKind, code: string, where: string): Promise<void> {
  for (const name of Object.keys(READS)) {
    const end = await endOf(name)
    if (!NEEDED_BY[kind].includes(name)) expect(end, `${where}, ${name}`).toEqual({ seen: good.get(name) })
    else expect(end, `${where}, ${name}`).toMatchObject({ error: { code, file: files[kind] } })
  }
}

describe.each(KINDS)('%s', (kind) => {
  test('missing', async () => {
    await damage(world, files[kind], null)
    await expectEverywhere(kind, 'FLOEBERG_MISSING_FILE', 'missing')
  })

  test('empty, of zeros, of something else, with something behind', async () => {
    const whole = await wholeBytes(kind)
    const others = await Promise.all(KINDS.filter((other) => other !== kind).map(wholeBytes))
    const damages = [
      new Uint8Array(),
      new Uint8Array(whole.length),
      new TextEncoder().encode('<html>404</html>'),
      ...others,
      Uint8Array.from([...whole, ...whole]),
    ]
    for (const [i, bytes] of damages.entries()) {
      await damage(world, files[kind], bytes)
      await expectEverywhere(kind, 'FLOEBERG_CORRUPT_FILE', `damage ${i}`)
    }
  })

  test('cut off anywhere', async () => {
    const whole = await wholeBytes(kind)
    // Any length for the read that is the quickest and needs the file, some for all reads.
    const read = kind === 'data file' ? 'scan' : 'count'
    for (let length = 0; length < whole.length; length += 1) {
      await damage(world, files[kind], whole.slice(0, length))
      if (length % Math.ceil(whole.length / 12) === 0) {
        await expectEverywhere(kind, 'FLOEBERG_CORRUPT_FILE', `cut at ${length}`)
      } else {
        const error = { code: 'FLOEBERG_CORRUPT_FILE', file: files[kind] }
        expect(await endOf(read), `cut at ${length}`).toMatchObject({ error })
      }
    }
  })

  test('a flipped bit: a typed error, or the rows that were there', async () => {
    const whole = await wholeBytes(kind)
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length * 8 - 1), async (bit) => {
        await damage(world, files[kind], flipped(whole, bit))
        for (const name of Object.keys(READS)) {
          const { seen, error } = await endOf(name)
          if (error !== undefined) expect(error).toBeInstanceOf(FloebergError)
          else expect(allowed(kind, name), `bit ${bit}, ${name}`).toContainEqual(guarded(kind, name, seen))
        }
      }),
      { numRuns: 150 },
    )
  })
})

/**
 * The part of what a read saw that damage to this file cannot change unnoticed. Neither JSON nor
 * Parquet as engines write it has checksums: a letter in a column's name, or a value in a page, may
 * be another one. Manifests and their lists have them.
 */
function guarded(kind: FileKind, name: string, seen: string | undefined): unknown {
  if (name === 'count' || name === 'filtered count') return seen
  if (kind === 'metadata' && ['snapshots', 'inspect files'].includes(name)) return null
  if (kind === 'metadata') return name.endsWith('scan') ? seen?.match(/:("[^"]*"|null)/g)?.sort() : seen
  if (kind === 'data file') return name === 'scan' ? seen?.split('\n').length : null
  return seen
}

/** What a read may see: what was there, or, of a column whose id was damaged, nulls in place of its values. */
function allowed(kind: FileKind, name: string): readonly unknown[] {
  const seen = good.get(name)
  const withoutTexts = seen?.replaceAll(/"text":"[^"]*"/g, '"text":null')
  return (kind === 'metadata' ? [seen, withoutTexts] : [seen]).map((text) => guarded(kind, name, text))
}

describe('writing to a damaged table', () => {
  const row = { id: 5n, text: 'five' }

  test.each(KINDS.filter((kind) => kind !== 'metadata'))(
    'an append that meets a damaged %s fails or does no harm',
    async (kind) => {
      const whole = await wholeBytes(kind)
      for (const strategy of ['fast_append', 'merge_commit'] as const) {
        for (const bytes of [null, new Uint8Array(), whole.slice(0, whole.length - 9), flipped(whole, 77)]) {
          await restore()
          await damage(world, files[kind], bytes)
          const before = await world.objects()
          const error = await aside(world, async (manager) => {
            const target = await manager.loadTable(TABLE)
            await manager.updateProperties(target, { set: { 'commit.manifest.min-count-to-merge': '2' } })
            return manager.writeData(target, [row], { commitStrategy: strategy }).then(
              () => null,
              (reason: unknown) => reason,
            )
          })
          if (error !== null) {
            expect(error).toMatchObject({ file: files[kind] })
            // One metadata file more, of the properties.
            expect((await world.objects()).length).toBe(before.length + 1)
          }
          await damage(world, files[kind], whole)
          const rows = await aside(world, async (manager) =>
            (await manager.loadTable(TABLE)).scan().toArray(),
          )
          expect(rows.map(({ id }) => id).sort()).toEqual([1n, 2n, 3n, 4n, ...(error === null ? [5n] : [])])
        }
      }
    },
  )

  test.each(['manifest list', 'manifest'] as const)(
    'a damaged %s stops a purge before the drop',
    async (kind) => {
      const whole = await wholeBytes(kind)
      for (const bytes of [new Uint8Array(), whole.slice(0, whole.length - 9), whole.slice(0, 300)]) {
        await damage(world, files[kind], bytes)
        const before = await world.objects()
        await aside(world, async (manager) => {
          await expect(manager.dropTable(TABLE, { purge: true })).rejects.toMatchObject({
            code: 'FLOEBERG_CORRUPT_FILE',
            file: files[kind],
            table: TABLE,
          })
          expect(await manager.tableExists(TABLE)).toBe(true)
        })
        expect(await world.objects()).toEqual(before)
      }
    },
  )

  test.each(['manifest list', 'manifest', 'data file'] as const)(
    'a missing %s does not stop a purge',
    async (kind) => {
      await damage(world, files[kind], null)
      await aside(world, async (manager) => {
        expect(await manager.dropTable(TABLE, { purge: true })).toMatchObject({
          keptFiles: [],
          failure: null,
        })
        expect(await manager.tableExists(TABLE)).toBe(false)
      })
      // What only the missing file named stays; its data file too, since nothing tells of it any more.
      expect((await world.objects()).filter((location) => location.endsWith('.metadata.json'))).toEqual([])
    },
  )
})

describe('a table whose metadata file is gone', () => {
  test('is listed, exists, is not asked for again and again, and can be dropped', async () => {
    await damage(world, files.metadata, null)
    const manager = await world.open()
    world.controller.reset()
    await expect(manager.loadTable(TABLE)).rejects.toMatchObject({
      code: 'FLOEBERG_MISSING_FILE',
      file: files.metadata,
      table: TABLE,
    })
    expect(world.controller.calls.filter(({ target }) => target === 'store')).toHaveLength(1)
    expect(await manager.listTables('demo')).toEqual([{ namespace: ['demo'], name: 't' }])
    expect(await manager.tableExists(TABLE)).toBe(true)
    await expect(manager.dropTable(TABLE, { purge: true })).rejects.toMatchObject({
      code: 'FLOEBERG_MISSING_FILE',
    })
    expect(await manager.tableExists(TABLE)).toBe(true)
    await manager.dropTable(TABLE)
    expect(await manager.listTables('demo')).toEqual([])
    await manager.close()
  })

  test('does not keep others from being created, found and read', async () => {
    await aside(world, async (manager) => {
      const schema = table({ id: t.long() })
      const other = await manager.createTable({ namespace: 'demo', name: 'other', schema })
      await manager.writeData(other, [{ id: 1n }])
      await damage(world, files.metadata, null)
      expect(await (await manager.loadTable('demo.other')).scan().count()).toBe(1)
      expect(await manager.listTables('demo')).toHaveLength(2)
      await manager.createTable({ namespace: 'demo', name: 'third', schema })
      const location = 'memory://bucket/elsewhere'
      await manager.createTable({ namespace: 'demo', name: 'fourth', schema, location })
      const inside = `${files.metadata.slice(0, files.metadata.indexOf('/metadata/'))}/data`
      await expect(
        manager.createTable({ namespace: 'demo', name: 'fifth', schema, location: inside }),
      ).rejects.toMatchObject({ path: 'location' })
    })
  })
})
