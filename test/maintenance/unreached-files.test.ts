/** Candidates in bounded memory: each that nothing reaches comes out once, however few are held. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashOf, LocationHashes } from '../../src/maintenance/location-hashes.ts'
import type { Candidate, Staying } from '../../src/maintenance/expire-candidates.ts'
import { historyContext } from '../../src/maintenance/reachability.ts'
import { unreachedFiles } from '../../src/maintenance/unreached-files.ts'
import { collect } from '../../src/testing/case.ts'
import { createTestTable, memoryWorld } from '../support/memory-runtime.ts'

const candidate = (location: string): Candidate => ({ kind: 'manifestLists', location, bytes: 0 })

/** A table that keeps one snapshot for each of the lists. */
async function staying(lists: readonly string[]): Promise<readonly Staying[]> {
  const world = memoryWorld()
  const { state } = await createTestTable(world)
  const snapshots = lists.map((list, index) => ({
    'snapshot-id': BigInt(index + 1),
    'timestamp-ms': index,
    'manifest-list': list,
  }))
  const context = historyContext(state, { ...state.metadata, snapshots })
  return [{ context, snapshots, metadataFiles: [] }]
}

async function unreached(
  batches: readonly (readonly string[])[],
  kept: readonly string[],
  maxHeld?: number,
): Promise<readonly string[]> {
  const source = {
    async *batches() {
      for (const batch of batches) yield batch.map(candidate)
    },
  }
  const found = await collect(unreachedFiles(source, await staying(kept), { maxHeld }))
  return found.flat().map(({ location }) => location)
}

describe('unreached files', () => {
  test.each([1, 2, 3, 7, 100, undefined])('come out once each, with room for %s', async (maxHeld) => {
    const names = Array.from({ length: 60 }, (_, n) => `s3://bucket/t/metadata/snap-${n}.avro`)
    const kept = names.filter((_, n) => n % 7 === 0)
    const batches = [names.slice(0, 20), [], names.slice(10, 60), names.slice(0, 5)]
    const found = await unreached(batches, kept, maxHeld)
    expect(found.toSorted()).toEqual(names.filter((name) => !kept.includes(name)).toSorted())
  })

  test('are none where there are no candidates', async () => {
    expect(await unreached([], ['s3://bucket/t/a'])).toEqual([])
  })

  test.each([
    ['s3a://bucket/t/a', 's3://bucket/t/a'],
    ['file:/wh/t/a', 'file:///wh/t/a'],
    ['/wh/t/a', 'file:///wh/t/a'],
    ['file:///wh/t//a', 'file:///wh/t/a'],
  ])('%s is reached as %s too', async (one, other) => {
    expect(await unreached([[one]], [other])).toEqual([])
    expect(await unreached([[other]], [one])).toEqual([])
  })
})

describe('hashes of locations', () => {
  test('are a set of what was added, with marks that stay when it grows', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.nat({ max: 255 }))), (entries) => {
        const hashes = new LocationHashes()
        const marks = new Map<string, number>()
        for (const [name, mark] of entries) {
          expect(hashes.add(hashOf(name))).toBe(marks.has(name) ? 'known' : 'new')
          hashes.mark(hashOf(name), mark)
          marks.set(name, mark)
        }
        expect(hashes.size).toBe(marks.size)
        for (const [name, mark] of marks) expect(hashes.markOf(hashOf(name))).toBe(mark)
      }),
    )
  })

  test('of paths that differ little do not meet', () => {
    const hashes = new LocationHashes()
    const count = 200_000
    for (let n = 0; n < count; n += 1) hashes.add(hashOf(`s3://bucket/t/data/00000-${n}-file.parquet`))
    // By chance alone, one pair in a billion runs would.
    expect(hashes.size).toBe(count)
    for (let n = 0; n < count; n += 1) {
      const place = hashOf(`s3://bucket/t/data/00000-${n}-file.parquet`)
      if (!hashes.has(place)) throw new Error(`${n} is not there`)
    }
    expect(hashes.has(hashOf('s3://bucket/t/data/other.parquet'))).toBe(false)
  })

  test('say when they are full, of new ones only', () => {
    const hashes = new LocationHashes(2)
    expect(['a', 'b', 'a', 'c', 'b'].map((name) => hashes.add(hashOf(name)))).toEqual([
      'new',
      'new',
      'known',
      'full',
      'known',
    ])
    expect(hashes.mark(hashOf('c'), 1)).toBe(false)
    hashes.clear()
    expect(hashes.add(hashOf('c'))).toBe('new')
    expect(hashes.has(hashOf('a'))).toBe(false)
  })
})
