/** A catalog in this process's memory; its tables' files are wherever its stores are. */
import type { CatalogCapabilities, Namespace, Properties, TableIdentifier } from './catalog.ts'
import { PointerCatalog, type PointerCatalogOptions } from './pointer-catalog.ts'
import type { NamespaceChanges, PointerStore, TablePointer } from './pointers.ts'

/** A catalog in memory, gone with the process: for tests and trials. */
export class MemoryCatalog extends PointerCatalog {
  constructor(options: PointerCatalogOptions) {
    super(new MemoryPointers(), options)
  }
}

interface TableEntry {
  readonly id: TableIdentifier
  readonly pointer: TablePointer
}

interface NamespaceEntry {
  readonly levels: Namespace
  readonly properties: Properties
}

/** Every step runs without an await, so that none can come in between. */
export class MemoryPointers implements PointerStore {
  readonly capabilities: CatalogCapabilities = {
    nestedNamespaces: true,
    dotsInNames: true,
    namespaceProperties: true,
    stageCreate: true,
    purge: 'client',
    shared: false,
  }
  readonly #tables = new Map<string, TableEntry>()
  readonly #namespaces = new Map<string, NamespaceEntry>()

  async find(id: TableIdentifier): Promise<TablePointer | null> {
    return this.#tables.get(tableKey(id))?.pointer ?? null
  }

  async insert(
    id: TableIdentifier,
    metadataLocation: string,
  ): Promise<'inserted' | 'exists' | 'no-namespace'> {
    if (!this.#exists(id.namespace)) return 'no-namespace'
    if (this.#tables.has(tableKey(id))) return 'exists'
    this.#tables.set(tableKey(id), { id, pointer: { metadataLocation, previousLocation: null } })
    return 'inserted'
  }

  async swap(id: TableIdentifier, expected: string, metadataLocation: string): Promise<boolean> {
    if (this.#tables.get(tableKey(id))?.pointer.metadataLocation !== expected) return false
    this.#tables.set(tableKey(id), { id, pointer: { metadataLocation, previousLocation: expected } })
    return true
  }

  async remove(id: TableIdentifier): Promise<boolean> {
    return this.#tables.delete(tableKey(id))
  }

  async rename(
    from: TableIdentifier,
    to: TableIdentifier,
  ): Promise<'renamed' | 'no-table' | 'exists' | 'no-namespace'> {
    const entry = this.#tables.get(tableKey(from))
    if (entry === undefined) return 'no-table'
    if (!this.#exists(to.namespace)) return 'no-namespace'
    if (this.#tables.has(tableKey(to))) return 'exists'
    this.#tables.delete(tableKey(from))
    this.#tables.set(tableKey(to), { id: to, pointer: entry.pointer })
    return 'renamed'
  }

  async names(namespace: Namespace): Promise<readonly string[] | null> {
    if (!this.#exists(namespace)) return null
    const inside = [...this.#tables.values()].filter(({ id }) => key(id.namespace) === key(namespace))
    return inside.map(({ id }) => id.name)
  }

  async createNamespace(namespace: Namespace, properties: Properties): Promise<boolean> {
    if (this.#exists(namespace)) return false
    for (let depth = 1; depth <= namespace.length; depth += 1) {
      const levels = namespace.slice(0, depth)
      if (this.#exists(levels)) continue
      const own = depth === namespace.length ? properties : {}
      this.#namespaces.set(key(levels), { levels, properties: { ...own } })
    }
    return true
  }

  async namespace(namespace: Namespace): Promise<Properties | null> {
    if (!this.#exists(namespace)) return null
    return this.#namespaces.get(key(namespace))?.properties ?? {}
  }

  async children(parent: Namespace): Promise<readonly Namespace[]> {
    return this.#childrenOf(parent)
  }

  #childrenOf(parent: Namespace): readonly Namespace[] {
    const below = this.#known().filter((levels) => isBelow(levels, parent))
    const children = below.map((levels) => levels.slice(0, parent.length + 1))
    return [...new Map(children.map((levels) => [key(levels), levels])).values()]
  }

  async updateNamespace(namespace: Namespace, changes: NamespaceChanges): Promise<boolean> {
    if (!this.#exists(namespace)) return false
    const before = this.#namespaces.get(key(namespace))?.properties ?? {}
    const removed = new Set(changes.remove)
    const kept = Object.fromEntries(Object.entries(before).filter(([name]) => !removed.has(name)))
    this.#namespaces.set(key(namespace), { levels: namespace, properties: { ...kept, ...changes.set } })
    return true
  }

  async dropNamespace(namespace: Namespace): Promise<'dropped' | 'no-namespace' | 'not-empty'> {
    if (!this.#exists(namespace)) return 'no-namespace'
    const hasTables = [...this.#tables.values()].some(({ id }) => key(id.namespace) === key(namespace))
    if (hasTables || this.#childrenOf(namespace).length > 0) return 'not-empty'
    this.#namespaces.delete(key(namespace))
    return 'dropped'
  }

  async close(): Promise<void> {
    // Nothing is held.
  }

  /** Also when it is only the parent of something, or holds a table. */
  #exists(namespace: Namespace): boolean {
    if (namespace.length === 0) return true
    return this.#known().some((levels) => key(levels) === key(namespace) || isBelow(levels, namespace))
  }

  #known(): readonly Namespace[] {
    return [
      ...Array.from(this.#namespaces.values(), ({ levels }) => levels),
      ...Array.from(this.#tables.values(), ({ id }) => id.namespace),
    ]
  }
}

function key(levels: readonly string[]): string {
  return JSON.stringify(levels)
}

function tableKey(id: TableIdentifier): string {
  return key([...id.namespace, id.name])
}

function isBelow(levels: Namespace, parent: Namespace): boolean {
  return levels.length > parent.length && parent.every((level, i) => levels[i] === level)
}
