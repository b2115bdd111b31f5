/** A catalog whose calls are recorded and can be made to fail. */
import type { Catalog, Namespace, TableIdentifier } from '../../src/catalog/catalog.ts'
import type { FaultController } from './faults.ts'

/** The same catalog, seen by the controller. `close` is neither recorded nor struck. */
export function faultCatalog(catalog: Catalog, controller: FaultController): Catalog {
  const reads =
    (method: string, about: string) =>
    <T>(run: () => Promise<T>): Promise<T> =>
      controller.call({ target: 'catalog', method, mutates: false, about: [about] }, run)
  const changes =
    (method: string, ...about: readonly string[]) =>
    <T>(run: () => Promise<T>): Promise<T> =>
      controller.call({ target: 'catalog', method, mutates: true, about }, run)
  const pointers = catalog.metadataPointers
  return {
    name: catalog.name,
    capabilities: catalog.capabilities,
    heedsAfter: catalog.heedsAfter,
    ...(pointers === undefined
      ? {}
      : {
          metadataPointers: {
            find: (id, ...rest) => reads('find', dotted(id))(() => pointers.find(id, ...rest)),
            read: (id, ...rest) => reads('read', dotted(id))(() => pointers.read(id, ...rest)),
            replace: (id, ...rest) => changes('replace', dotted(id))(() => pointers.replace(id, ...rest)),
          },
        }),
    createNamespace: (ns, ...rest) =>
      changes('createNamespace', levels(ns))(() => catalog.createNamespace(ns, ...rest)),
    listNamespaces: (parent = [], ...rest) =>
      reads('listNamespaces', levels(parent))(() => catalog.listNamespaces(parent, ...rest)),
    namespaceExists: (ns, ...rest) =>
      reads('namespaceExists', levels(ns))(() => catalog.namespaceExists(ns, ...rest)),
    loadNamespace: (ns, ...rest) =>
      reads('loadNamespace', levels(ns))(() => catalog.loadNamespace(ns, ...rest)),
    updateNamespace: (ns, ...rest) =>
      changes('updateNamespace', levels(ns))(() => catalog.updateNamespace(ns, ...rest)),
    dropNamespace: (ns, ...rest) =>
      changes('dropNamespace', levels(ns))(() => catalog.dropNamespace(ns, ...rest)),
    listTables: (ns, ...rest) => reads('listTables', levels(ns))(() => catalog.listTables(ns, ...rest)),
    tableExists: (id, ...rest) => reads('tableExists', dotted(id))(() => catalog.tableExists(id, ...rest)),
    loadTable: (id, ...rest) => reads('loadTable', dotted(id))(() => catalog.loadTable(id, ...rest)),
    createTable: (id, ...rest) => changes('createTable', dotted(id))(() => catalog.createTable(id, ...rest)),
    stageCreateTable: (id, ...rest) =>
      reads('stageCreateTable', dotted(id))(() => catalog.stageCreateTable(id, ...rest)),
    commitTable: (id, ...rest) => changes('commitTable', dotted(id))(() => catalog.commitTable(id, ...rest)),
    registerTable: (id, ...rest) =>
      changes('registerTable', dotted(id))(() => catalog.registerTable(id, ...rest)),
    renameTable: (from, to, ...rest) =>
      changes('renameTable', dotted(from), dotted(to))(() => catalog.renameTable(from, to, ...rest)),
    dropTable: (id, ...rest) => changes('dropTable', dotted(id))(() => catalog.dropTable(id, ...rest)),
    close: () => catalog.close(),
  }
}

function levels(namespace: Namespace): string {
  return namespace.join('.')
}

function dotted(id: TableIdentifier): string {
  return [...id.namespace, id.name].join('.')
}
