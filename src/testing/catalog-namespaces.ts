/** Namespaces, as every catalog must keep them. */
import {
  InvalidArgumentError,
  NamespaceAlreadyExistsError,
  NamespaceNotEmptyError,
  NoSuchNamespaceError,
  NoSuchTableError,
  OperationAbortedError,
} from '../errors.ts'
import { expectEqual, expectError, expectThat } from './case.ts'
import { REQUEST, type CatalogCheck } from './catalog-fixtures.ts'

const text = (namespaces: readonly (readonly string[])[]): string[] =>
  namespaces.map((levels) => levels.join('/')).sort()

export const NAMESPACE_CHECKS: readonly CatalogCheck[] = [
  {
    name: 'a namespace is created, found, and dropped',
    run: async ({ catalog, other }) => {
      expectEqual(await catalog.namespaceExists(['a']), false, 'exists before')
      await catalog.createNamespace(['a'])
      expectEqual(await other.namespaceExists(['a']), true, 'exists')
      expectEqual(text(await other.listNamespaces()), ['a'], 'list')
      expectEqual(await other.listTables(['a']), [], 'tables')
      await expectError(other.createNamespace(['a']), NamespaceAlreadyExistsError, 'again')
      await other.dropNamespace(['a'])
      expectEqual(await catalog.namespaceExists(['a']), false, 'exists after')
      await expectError(catalog.dropNamespace(['a']), NoSuchNamespaceError, 'drop again')
    },
  },
  {
    name: 'what needs a namespace says that it is missing',
    run: async ({ catalog }) => {
      const missing = ['missing']
      await expectError(catalog.loadNamespace(missing), NoSuchNamespaceError, 'load')
      await expectError(catalog.listTables(missing), NoSuchNamespaceError, 'tables')
      await expectError(catalog.listNamespaces(missing), NoSuchNamespaceError, 'children')
      await expectError(catalog.updateNamespace(missing, { set: { a: 'b' } }), NoSuchNamespaceError, 'update')
      const id = { namespace: missing, name: 't' }
      await expectError(catalog.createTable(id, REQUEST), NoSuchNamespaceError, 'create a table')
      await expectError(catalog.loadTable(id), NoSuchTableError, 'load a table')
      expectEqual(await catalog.tableExists(id), false, 'table exists')
    },
  },
  {
    name: 'properties are kept, changed and removed',
    needs: (traits) => traits.namespaceProperties,
    run: async ({ catalog, other }) => {
      await catalog.createNamespace(['a'], { owner: 'me', empty: '' })
      expectEqual(await other.loadNamespace(['a']), { owner: 'me', empty: '' }, 'created')
      await catalog.updateNamespace(['a'], { set: { owner: 'you', more: 'x' }, remove: ['empty', 'never'] })
      expectEqual(await other.loadNamespace(['a']), { owner: 'you', more: 'x' }, 'updated')
      await expectError(
        catalog.updateNamespace(['a'], { set: { owner: 'x' }, remove: ['owner'] }),
        InvalidArgumentError,
        'set and removed at once',
      )
    },
  },
  {
    name: 'a namespace outlives its last property',
    needs: (traits) => traits.namespaceProperties,
    run: async ({ catalog, other }) => {
      await catalog.createNamespace(['a'], { owner: 'me' })
      await catalog.updateNamespace(['a'], { remove: ['owner'] })
      expectEqual(await other.loadNamespace(['a']), {}, 'properties')
      expectEqual(text(await other.listNamespaces()), ['a'], 'list')
      await catalog.updateNamespace(['a'], { set: { owner: 'you' } })
      expectEqual(await other.loadNamespace(['a']), { owner: 'you' }, 'properties again')
    },
  },
  {
    name: 'a listing shows direct children only, of exactly that parent',
    needs: (traits) => traits.nestedNamespaces,
    run: async ({ catalog, other }) => {
      for (const levels of [['n1'], ['n1', 'n2'], ['n1', 'n2', 'n3'], ['n10']]) {
        await catalog.createNamespace(levels)
      }
      expectEqual(text(await other.listNamespaces()), ['n1', 'n10'], 'the root')
      expectEqual(text(await other.listNamespaces([])), ['n1', 'n10'], 'the root, said explicitly')
      expectEqual(text(await other.listNamespaces(['n1'])), ['n1/n2'], 'n1')
      expectEqual(text(await other.listNamespaces(['n1', 'n2'])), ['n1/n2/n3'], 'n1.n2')
      expectEqual(text(await other.listNamespaces(['n10'])), [], 'n10')
    },
  },
  {
    name: 'missing parents are created and stay',
    needs: (traits) => traits.nestedNamespaces,
    run: async ({ catalog, other }) => {
      await catalog.createNamespace(['a', 'b', 'c'])
      expectEqual(text(await other.listNamespaces()), ['a'], 'the root')
      await expectError(other.createNamespace(['a', 'b']), NamespaceAlreadyExistsError, 'a parent')
      await expectError(other.dropNamespace(['a']), NamespaceNotEmptyError, 'drop of a parent')
      await catalog.dropNamespace(['a', 'b', 'c'])
      expectEqual(await other.namespaceExists(['a', 'b']), true, 'the parent')
    },
  },
  {
    name: 'names that look alike to a pattern are different names',
    run: async ({ catalog, other }) => {
      const names = ['my_ns', 'my_ns_1', 'myXns', 'MY_NS', 'a%b', 'acb', "quote'"]
      for (const name of names) {
        await catalog.createNamespace([name])
        await catalog.createTable({ namespace: [name], name: 'only' }, REQUEST)
      }
      for (const name of names) {
        expectEqual(await other.listTables([name]), [{ namespace: [name], name: 'only' }], name)
      }
      await catalog.dropTable({ namespace: ['my_ns'], name: 'only' })
      await catalog.dropNamespace(['my_ns'])
      const left = names.filter((name) => name !== 'my_ns').sort()
      expectEqual(text(await other.listNamespaces()), left, 'what is left')
      for (const name of left) {
        expectEqual(await other.tableExists({ namespace: [name], name: 'only' }), true, name)
      }
      expectEqual(await other.namespaceExists(['a_b']), false, 'a pattern that was never created')
    },
  },
  {
    name: 'names that begin alike do not make a namespace full',
    needs: (traits) => traits.nestedNamespaces,
    run: async ({ catalog }) => {
      await catalog.createNamespace(['ab'])
      await catalog.createNamespace(['abc', 'x'])
      await catalog.createNamespace(['a_', 'x'])
      expectEqual(await catalog.namespaceExists(['a']), false, 'a, which they all begin with')
      await catalog.dropNamespace(['ab'])
      expectEqual(await catalog.namespaceExists(['abc', 'x']), true, 'abc.x')
    },
  },
  {
    name: 'a namespace with a table cannot be dropped',
    run: async ({ catalog, other }) => {
      await catalog.createNamespace(['a'])
      await catalog.createTable({ namespace: ['a'], name: 't' }, REQUEST)
      await expectError(other.dropNamespace(['a']), NamespaceNotEmptyError, 'drop')
      await catalog.dropTable({ namespace: ['a'], name: 't' })
      await other.dropNamespace(['a'])
    },
  },
  {
    name: "a namespace may have the catalog's own name",
    run: async ({ catalog, other }) => {
      const id = { namespace: [catalog.name], name: catalog.name }
      await catalog.createNamespace([catalog.name])
      await catalog.createTable(id, REQUEST)
      expectEqual(await other.listTables([catalog.name]), [id], 'tables')
      expectThat((await other.loadTable(id)).metadata.location !== '', 'it loads')
      expectEqual(await other.tableExists({ namespace: ['ns'], name: catalog.name }), false, 'elsewhere')
    },
  },
  {
    name: 'a level with a dot is one level',
    needs: (traits) => traits.dotsInNames,
    run: async ({ catalog, other }) => {
      await catalog.createNamespace(['a.b'])
      expectEqual(await other.namespaceExists(['a']), false, 'a')
      expectEqual(await other.namespaceExists(['a', 'b']), false, 'a, b')
      expectEqual(await other.listNamespaces(), [['a.b']], 'list')
    },
  },
  {
    name: 'a level with a dot is refused, and found nowhere',
    needs: (traits) => !traits.dotsInNames,
    run: async ({ catalog }) => {
      await catalog.createNamespace(['a', 'b'])
      await catalog.createTable({ namespace: ['a', 'b'], name: 't' }, REQUEST)
      await expectError(catalog.createNamespace(['x.y']), InvalidArgumentError, 'create')
      expectEqual(await catalog.namespaceExists(['a.b']), false, 'exists')
      await expectError(catalog.listTables(['a.b']), NoSuchNamespaceError, 'tables')
      const dotted = { namespace: ['a.b'], name: 't' }
      await expectError(catalog.loadTable(dotted), NoSuchTableError, 'load')
      await expectError(catalog.dropTable(dotted), NoSuchTableError, 'drop')
      await expectError(
        catalog.createTable({ namespace: ['a'], name: 'x.y' }, REQUEST),
        InvalidArgumentError,
        'a table name with a dot',
      )
    },
  },
  {
    name: 'empty levels, empty names and control characters are refused',
    run: async ({ catalog }) => {
      for (const namespace of [[], [''], ['a', ''], ['new\nline'], ['nul\0']]) {
        await expectError(catalog.createNamespace(namespace), InvalidArgumentError, JSON.stringify(namespace))
      }
      await catalog.createNamespace(['a'])
      for (const name of ['', '\t']) {
        const created = catalog.createTable({ namespace: ['a'], name }, REQUEST)
        await expectError(created, InvalidArgumentError, JSON.stringify(name))
      }
    },
  },
  {
    name: 'an aborted call changes nothing',
    run: async ({ catalog }) => {
      const signal = AbortSignal.abort()
      await expectError(catalog.createNamespace(['a'], {}, { signal }), OperationAbortedError, 'create')
      expectEqual(await catalog.namespaceExists(['a']), false, 'exists')
    },
  },
]
