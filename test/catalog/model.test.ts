/** Random sequences of calls: the SQLite catalog must answer as the memory catalog does. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Catalog, Namespace, TableIdentifier } from '../../src/catalog/catalog.ts'
import { MemoryCatalog } from '../../src/catalog/memory.ts'
import { openSqliteCatalog } from '../../src/catalog/sql/sqlite.ts'
import { FloebergError } from '../../src/errors.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { REQUEST, setProperty } from '../../src/testing/catalog-fixtures.ts'
import { WAREHOUSE } from './support.ts'

// Names that patterns, prefixes and case folding would mix up.
const level = fc.constantFrom('a', 'A', 'ab', 'a_', 'a%')
const namespace: fc.Arbitrary<Namespace> = fc.array(level, { minLength: 1, maxLength: 3 })
const id: fc.Arbitrary<TableIdentifier> = fc.record({ namespace, name: fc.constantFrom('t', 'T', 't_') })
const property = fc.constantFrom('k', 'l')

type Step = (catalog: Catalog) => Promise<unknown>

const text = (namespaces: readonly Namespace[]): string[] =>
  namespaces.map((each) => JSON.stringify(each)).sort()

const step: fc.Arbitrary<readonly [string, Step]> = fc.oneof(
  namespace.map(
    (ns) => [`createNamespace ${ns}`, (catalog: Catalog) => catalog.createNamespace(ns)] as const,
  ),
  namespace.map((ns) => [`dropNamespace ${ns}`, (catalog: Catalog) => catalog.dropNamespace(ns)] as const),
  fc
    .tuple(namespace, property, fc.boolean())
    .map(
      ([ns, key, set]) =>
        [
          `updateNamespace ${ns} ${key} ${set}`,
          (catalog: Catalog) =>
            catalog.updateNamespace(ns, set ? { set: { [key]: 'v' } } : { remove: [key] }),
        ] as const,
    ),
  id.map(
    (table) =>
      [
        `createTable ${JSON.stringify(table)}`,
        async (catalog: Catalog) => (await catalog.createTable(table, REQUEST)).metadata.properties,
      ] as const,
  ),
  id.map(
    (table) =>
      [
        `commitTable ${JSON.stringify(table)}`,
        async (catalog: Catalog) => {
          const commit = { requirements: [], updates: [setProperty('p', 'v')] }
          return (await catalog.commitTable(table, commit)).metadata.properties
        },
      ] as const,
  ),
  id.map(
    (table) =>
      [`dropTable ${JSON.stringify(table)}`, (catalog: Catalog) => catalog.dropTable(table)] as const,
  ),
  fc
    .tuple(id, id)
    .map(
      ([from, to]) =>
        [
          `renameTable ${JSON.stringify(from)} ${JSON.stringify(to)}`,
          (catalog: Catalog) => catalog.renameTable(from, to),
        ] as const,
    ),
)

/** What a call came to, comparable between catalogs. */
async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return { value: await run() }
  } catch (error) {
    if (error instanceof FloebergError) return error.code
    throw error
  }
}

/** Everything that can be seen from outside. */
async function picture(catalog: Catalog, parent: Namespace = []): Promise<unknown> {
  const below = await catalog.listNamespaces(parent)
  const parts = await Promise.all(
    below.map(async (ns) => [
      JSON.stringify(ns),
      await catalog.loadNamespace(ns),
      (await catalog.listTables(ns)).map(({ name }) => name).sort(),
      await picture(catalog, ns),
    ]),
  )
  return [text(below), parts.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))]
}

test('any sequence of calls ends in the same answers and the same state', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const store = new MemoryObjectStore()
      const options = { name: 'm', warehouse: WAREHOUSE, getObjectStore: () => store }
      const memory = new MemoryCatalog(options)
      const sqlite = await openSqliteCatalog({ ...options, uri: 'sqlite://' })
      try {
        for (const [name, run] of steps) {
          expect(await outcome(() => run(sqlite)), name).toEqual(await outcome(() => run(memory)))
        }
        expect(await picture(sqlite)).toEqual(await picture(memory))
      } finally {
        await sqlite.close()
      }
    }),
    { numRuns: 60 },
  )
})
