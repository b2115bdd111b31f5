/** Pointers to metadata files: found, and moved to another file by compare-and-swap, or not at all. */
import { CommitConflictError, MissingFileError, NoSuchTableError } from '../errors.ts'
import type { LoadedTable, MetadataPointers } from '../catalog/catalog.ts'
import { expectEqual, expectError, expectThat } from './case.ts'
import {
  setProperty,
  TABLE,
  withTable,
  type CatalogCheck,
  type CatalogUnderTest,
} from './catalog-fixtures.ts'

interface TwoVersions {
  readonly pointers: MetadataPointers
  readonly first: LoadedTable
  readonly second: LoadedTable
}

/** A table that has had two versions; null where the catalog keeps its pointers to itself. */
async function twoVersions(fixture: CatalogUnderTest): Promise<TwoVersions | null> {
  const { metadataPointers: pointers } = fixture.catalog
  if (pointers === undefined) return null
  const first = await withTable(fixture)
  const updates = [setProperty('a', '1')]
  const second = await fixture.catalog.commitTable(TABLE, { requirements: [], updates })
  return { pointers, first, second }
}

export const POINTER_CHECKS: readonly CatalogCheck[] = [
  {
    name: 'a pointer is found where the catalog shows it, with the one before',
    run: async (fixture) => {
      const versions = await twoVersions(fixture)
      if (versions === null) return
      const { pointers, first, second } = versions
      expectEqual(
        await pointers.find(TABLE),
        { metadataLocation: second.metadataLocation, previousLocation: first.metadataLocation },
        'the pointer',
      )
      const read = await pointers.read(TABLE, first.metadataLocation ?? '')
      expectEqual(read, first.metadata, 'an earlier version')
      await expectError(pointers.find({ ...TABLE, name: 'none' }), NoSuchTableError, 'no table')
    },
  },
  {
    name: 'a pointer moves to another file, and everybody sees that version, and commits on it',
    run: async (fixture) => {
      const versions = await twoVersions(fixture)
      if (versions === null) return
      const { pointers, first, second } = versions
      const change = { expected: second.metadataLocation ?? '', target: first.metadataLocation ?? '' }
      const answer = await pointers.replace(TABLE, change)
      expectEqual(answer.metadata, first.metadata, 'the answer')
      const loaded = await fixture.other.loadTable(TABLE)
      expectEqual(loaded.metadataLocation, first.metadataLocation, 'where it is')
      expectEqual(loaded.metadata, first.metadata, 'what it is')
      const updates = [setProperty('b', '2')]
      const after = await fixture.other.commitTable(TABLE, { requirements: [], updates })
      expectEqual(after.metadata.properties['a'], undefined, 'what was given up')
      expectEqual(after.metadata.properties['b'], '2', 'what was committed then')
    },
  },
  {
    name: 'a pointer that has moved on, and a file that is not there, move nothing',
    run: async (fixture) => {
      const versions = await twoVersions(fixture)
      if (versions === null) return
      const { pointers, first, second } = versions
      const [old, current] = [first.metadataLocation ?? '', second.metadataLocation ?? '']
      const stale = { expected: `${old}.gone`, target: old }
      await expectError(pointers.replace(TABLE, stale), CommitConflictError, 'moved on')
      const nowhere = { expected: current, target: `${old}.gone` }
      await expectError(pointers.replace(TABLE, nowhere), MissingFileError, 'no such file')
      const none = { ...TABLE, name: 'none' }
      await expectError(pointers.replace(none, { expected: old, target: old }), NoSuchTableError, 'no table')
      const after = await pointers.find(TABLE)
      expectThat(after.metadataLocation === current, 'the pointer stays')
    },
  },
]
