/** What the catalogs make of a pointer change whose answer was lost. */
import { describe, expect, test } from 'vitest'
import { MemoryPointers } from '../../src/catalog/memory.ts'
import { PointerCatalog } from '../../src/catalog/pointer-catalog.ts'
import type { TablePointer } from '../../src/catalog/pointers.ts'
import type { TableIdentifier } from '../../src/catalog/catalog.ts'
import {
  CatalogUnavailableError,
  CommitConflictError,
  CommitStateUnknownError,
  OperationAbortedError,
  StorageQuotaError,
  StorageUnavailableError,
  TableAlreadyExistsError,
} from '../../src/errors.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { NAMESPACE, REQUEST, setProperty, TABLE } from '../../src/testing/catalog-fixtures.ts'
import { commit, fileNames, memorySetup, WAREHOUSE } from './support.ts'

/** What happens to the next insert or swap. */
type Accident = (apply: () => Promise<unknown>) => Promise<void>

/** Pointers whose next change of a table loses its answer. */
class LossyPointers extends MemoryPointers {
  accident: Accident | null = null
  blind = false

  override async find(id: TableIdentifier): Promise<TablePointer | null> {
    if (this.blind) throw new CatalogUnavailableError('Injected: away')
    return super.find(id)
  }

  override async insert(id: TableIdentifier, location: string) {
    await this.#strike(() => super.insert(id, location))
    return super.insert(id, location)
  }

  override async swap(id: TableIdentifier, expected: string, location: string): Promise<boolean> {
    await this.#strike(() => super.swap(id, expected, location))
    return super.swap(id, expected, location)
  }

  async #strike(apply: () => Promise<unknown>): Promise<void> {
    const accident = this.accident
    this.accident = null
    if (accident === null) return
    await accident(apply)
    throw new CommitStateUnknownError('Injected: the answer was lost')
  }
}

function setUp() {
  const store = new MemoryObjectStore()
  const pointers = new LossyPointers()
  const open = () =>
    new PointerCatalog(pointers, { name: 'test', warehouse: WAREHOUSE, getObjectStore: () => store })
  return { store, pointers, catalog: open(), rival: open() }
}

async function withTable() {
  const setup = setUp()
  await setup.catalog.createNamespace(NAMESPACE)
  await setup.catalog.createTable(TABLE, REQUEST)
  return setup
}

describe('a pointer that is moved to another version', () => {
  /** Two versions; the newest is current. */
  async function withVersions() {
    const setup = await withTable()
    const first = (await setup.catalog.loadTable(TABLE)).metadataLocation ?? ''
    const second = (await commit(setup.catalog, setProperty('a', '1'))).metadataLocation ?? ''
    const replace = () => setup.catalog.metadataPointers.replace(TABLE, { expected: second, target: first })
    const where = async () => (await setup.pointers.find(TABLE))?.metadataLocation
    return { ...setup, first, second, replace, where }
  }

  test('and was, is moved', async () => {
    const { pointers, replace, first, where } = await withVersions()
    pointers.accident = async (apply) => void (await apply())
    expect((await replace()).metadataLocation).toBe(first)
    expect(await where()).toBe(first)
  })

  test('and was not, is unavailable: nothing was changed', async () => {
    const { pointers, replace, second, where } = await withVersions()
    pointers.accident = async () => {}
    await expect(replace()).rejects.toThrow(CatalogUnavailableError)
    expect(await where()).toBe(second)
  })

  test('and may have been before somebody else went on, is unknown', async () => {
    const { pointers, rival, replace, first } = await withVersions()
    pointers.accident = async (apply) => {
      await apply()
      await commit(rival, setProperty('b', '2'))
    }
    await expect(replace()).rejects.toMatchObject({
      code: 'FLOEBERG_COMMIT_STATE_UNKNOWN',
      keptFiles: [first],
    })
  })

  test('and nobody can be asked, is unknown', async () => {
    const { pointers, replace } = await withVersions()
    pointers.accident = async (apply) => {
      await apply()
      pointers.blind = true
    }
    await expect(replace()).rejects.toThrow(CommitStateUnknownError)
  })

  test('after another commit, is a conflict, though the version before is the target', async () => {
    const { catalog, rival, replace, first, second, where } = await withVersions()
    await catalog.metadataPointers.replace(TABLE, { expected: second, target: first })
    // The pointer before is the target now: that it was so once says nothing of this change.
    const newest = (await commit(rival, setProperty('b', '2'))).metadataLocation
    await expect(replace()).rejects.toThrow(CommitConflictError)
    expect(await where()).toBe(newest)
  })

  test('that is there already, is moved', async () => {
    const { replace, first, where } = await withVersions()
    await Promise.all([replace(), replace()])
    expect(await where()).toBe(first)
  })
})

describe('a commit', () => {
  test('that took effect is committed', async () => {
    const { catalog, rival, pointers, store } = await withTable()
    pointers.accident = async (apply) => void (await apply())
    const after = await commit(catalog, setProperty('a', 'b'))
    expect((await rival.loadTable(TABLE)).metadataLocation).toBe(after.metadataLocation)
    expect(await fileNames(store)).toHaveLength(2)
  })

  test.each([1, 2, 3])('that took effect, and was followed by %d of others, is committed', async (others) => {
    const { catalog, rival, pointers, store } = await withTable()
    pointers.accident = async (apply) => {
      await apply()
      for (let i = 0; i < others; i += 1) await commit(rival, setProperty(`rival${i}`, 'x'))
    }
    await commit(catalog, setProperty('a', 'b'))
    const { metadata } = await rival.loadTable(TABLE)
    expect(Object.keys(metadata.properties)).toHaveLength(2 + others)
    expect(await fileNames(store)).toHaveLength(2 + others)
  })

  test('that took no effect is a conflict, and its file is removed', async () => {
    const { catalog, rival, pointers, store } = await withTable()
    pointers.accident = async () => {}
    await expect(commit(catalog, setProperty('a', 'b'))).rejects.toThrow(CommitConflictError)
    expect((await rival.loadTable(TABLE)).metadata.properties['a']).toBeUndefined()
    expect(await fileNames(store)).toHaveLength(1)
  })

  test('that lost to another is a conflict, and only its own file is removed', async () => {
    const { catalog, rival, pointers, store } = await withTable()
    pointers.accident = async () => void (await commit(rival, setProperty('rival', 'x')))
    await expect(commit(catalog, setProperty('a', 'b'))).rejects.toThrow(CommitConflictError)
    const { metadata } = await rival.loadTable(TABLE)
    expect(metadata.properties).toEqual({ owner: 'me', rival: 'x' })
    expect(await fileNames(store)).toHaveLength(2)
  })

  test.each(['took effect', 'took none'])(
    'that nobody can look up afterwards is unknown (it %s)',
    async (how) => {
      const { catalog, pointers, store } = await withTable()
      pointers.accident = async (apply) => {
        if (how === 'took effect') await apply()
        pointers.blind = true
      }
      const error = await commit(catalog, setProperty('a', 'b')).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(CommitStateUnknownError)
      const names = await fileNames(store)
      expect(names).toHaveLength(2)
      const kept = error instanceof CommitStateUnknownError ? error.keptFiles : []
      expect(kept.map((file) => file.slice(file.lastIndexOf('/') + 1))).toEqual([names[1]])
    },
  )

  test.each(['took effect', 'took none'])(
    'that others have pushed out of the metadata log is unknown (it %s)',
    async (how) => {
      const { catalog, rival, pointers, store } = await withTable()
      await commit(catalog, setProperty('write.metadata.previous-versions-max', '1'))
      pointers.accident = async (apply) => {
        if (how === 'took effect') await apply()
        for (const name of ['b', 'c', 'd']) await commit(rival, setProperty(name, 'x'))
      }
      const before = await fileNames(store)
      const error = await commit(catalog, setProperty('a', 'b')).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(CommitStateUnknownError)
      expect(await fileNames(store)).toHaveLength(before.length + 4)
    },
  )

  test('to a table that is dropped meanwhile is unknown, and its file is kept', async () => {
    const { catalog, rival, pointers, store } = await withTable()
    pointers.accident = async (apply) => {
      await apply()
      await rival.dropTable(TABLE)
    }
    await expect(commit(catalog, setProperty('a', 'b'))).rejects.toThrow(CommitStateUnknownError)
    expect(await fileNames(store)).toHaveLength(2)
  })

  test('whose change was repeated below, and matched no row the second time, is committed', async () => {
    const { catalog, rival, pointers } = await withTable()
    const swap = pointers.swap.bind(pointers)
    pointers.swap = async (...args) => {
      await swap(...args)
      return swap(...args)
    }
    await commit(catalog, setProperty('a', 'b'))
    expect((await rival.loadTable(TABLE)).metadata.properties['a']).toBe('b')
  })
})

describe('a create', () => {
  test.each([0, 2])('that took effect, and was followed by %d commits, has created', async (others) => {
    const { catalog, rival, pointers, store } = setUp()
    await catalog.createNamespace(NAMESPACE)
    pointers.accident = async (apply) => {
      await apply()
      for (let i = 0; i < others; i += 1) await commit(rival, setProperty(`rival${i}`, 'x'))
    }
    const { metadata } = await catalog.createTable(TABLE, REQUEST)
    expect((await rival.loadTable(TABLE)).metadata['table-uuid']).toBe(metadata['table-uuid'])
    expect(await fileNames(store)).toHaveLength(1 + others)
  })

  test('that took no effect says so, and leaves no file', async () => {
    const { catalog, pointers, store } = setUp()
    await catalog.createNamespace(NAMESPACE)
    pointers.accident = async () => {}
    await expect(catalog.createTable(TABLE, REQUEST)).rejects.toThrow(CatalogUnavailableError)
    expect(await fileNames(store)).toEqual([])
  })

  test("that lost to another's table leaves that table alone", async () => {
    const { catalog, rival, pointers, store } = setUp()
    await catalog.createNamespace(NAMESPACE)
    pointers.accident = async () => void (await rival.createTable(TABLE, REQUEST))
    await expect(catalog.createTable(TABLE, REQUEST)).rejects.toThrow(TableAlreadyExistsError)
    await rival.loadTable(TABLE)
    expect(await fileNames(store)).toHaveLength(1)
  })

  test('that nobody can look up afterwards is unknown, and its file is kept', async () => {
    const { catalog, pointers, store } = setUp()
    await catalog.createNamespace(NAMESPACE)
    pointers.accident = async () => {
      pointers.blind = true
    }
    await expect(catalog.createTable(TABLE, REQUEST)).rejects.toThrow(CommitStateUnknownError)
    expect(await fileNames(store)).toHaveLength(1)
  })
})

describe('a metadata file that cannot be written', () => {
  test.each([
    ['error-before', new StorageUnavailableError('Injected: away'), StorageUnavailableError],
    ['error-after', new StorageUnavailableError('Injected: away'), StorageUnavailableError],
    ['error-before', new StorageQuotaError('Injected: full'), StorageQuotaError],
  ] as const)('changes nothing: %s, %s', async (mode, error, expected) => {
    const { catalog, store, controller } = memorySetup()
    await catalog.createNamespace(NAMESPACE)
    const before = await catalog.createTable(TABLE, REQUEST)
    controller.reset({ mode, at: 1, error })
    await expect(commit(catalog, setProperty('a', 'b'))).rejects.toThrow(expected)
    expect(await catalog.loadTable(TABLE)).toEqual(before)
    expect(await fileNames(store)).toHaveLength(1)
    controller.reset({ mode, at: 1, error })
    const other = { namespace: NAMESPACE, name: 'other' }
    await expect(catalog.createTable(other, REQUEST)).rejects.toThrow(expected)
    expect(await catalog.tableExists(other)).toBe(false)
    expect(await fileNames(store)).toHaveLength(1)
  })

  test('the error of the write is not hidden by that of the clean-up', async () => {
    const { catalog, controller } = memorySetup()
    await catalog.createNamespace(NAMESPACE)
    await catalog.createTable(TABLE, REQUEST)
    const error = new StorageQuotaError('Injected: full')
    controller.reset({ mode: 'error-before', at: 1, lasting: true, error })
    await expect(commit(catalog, setProperty('a', 'b'))).rejects.toBe(error)
    expect(controller.calls.map(({ method }) => method)).toEqual(['put', 'delete'])
  })
})

test.each(['abort-before', 'abort-after'] as const)(
  'an abort (%s the write of the file) changes nothing',
  async (mode) => {
    const { catalog, store, controller } = memorySetup()
    await catalog.createNamespace(NAMESPACE)
    const before = await catalog.createTable(TABLE, REQUEST)
    controller.reset({ mode, at: 1 })
    const { signal } = controller
    const updates = [setProperty('a', 'b')]
    const aborted = catalog.commitTable(TABLE, { requirements: [], updates }, { signal })
    await expect(aborted).rejects.toThrow(OperationAbortedError)
    expect(await catalog.loadTable(TABLE)).toEqual(before)
    expect(await fileNames(store)).toHaveLength(1)
  },
)
