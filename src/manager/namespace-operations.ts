/** Operations on namespaces. */
import type { Namespace, Properties } from '../catalog/catalog.ts'
import { toNamespace, type NamespaceReference } from '../table/identifier.ts'
import type { PropertyChanges } from '../table/operations/update-properties.ts'

import type { CallOptions } from './manager-base.ts'
import { ManagerBase } from './manager-base.ts'

export abstract class NamespaceOperations extends ManagerBase {
  /** NamespaceAlreadyExistsError. Missing parents are created. */
  async createNamespace(
    namespace: NamespaceReference,
    properties: Properties = {},
    options: CallOptions = {},
  ): Promise<void> {
    const levels = toNamespace(namespace)
    await this.run('createNamespace', { namespace: levels }, () =>
      this.runtime.catalog.createNamespace(levels, properties, options),
    )
  }

  /** Direct children of `parent`, by default of the root, as full namespaces. NoSuchNamespaceError. */
  listNamespaces(parent?: NamespaceReference, options: CallOptions = {}): Promise<readonly Namespace[]> {
    const levels = parent === undefined ? undefined : toNamespace(parent)
    return this.run('listNamespaces', levels === undefined ? {} : { namespace: levels }, () =>
      this.runtime.catalog.listNamespaces(levels, options),
    )
  }

  namespaceExists(namespace: NamespaceReference, options: CallOptions = {}): Promise<boolean> {
    const levels = toNamespace(namespace)
    return this.run('namespaceExists', { namespace: levels }, () =>
      this.runtime.catalog.namespaceExists(levels, options),
    )
  }

  /** A namespace's properties. NoSuchNamespaceError. */
  loadNamespace(namespace: NamespaceReference, options: CallOptions = {}): Promise<Properties> {
    const levels = toNamespace(namespace)
    return this.run('loadNamespace', { namespace: levels }, () =>
      this.runtime.catalog.loadNamespace(levels, options),
    )
  }

  /** NoSuchNamespaceError. */
  async updateNamespace(
    namespace: NamespaceReference,
    changes: PropertyChanges,
    options: CallOptions = {},
  ): Promise<void> {
    const levels = toNamespace(namespace)
    await this.run('updateNamespace', { namespace: levels }, () =>
      this.runtime.catalog.updateNamespace(levels, changes, options),
    )
  }

  /** NoSuchNamespaceError; NamespaceNotEmptyError while it holds tables or namespaces. */
  async dropNamespace(namespace: NamespaceReference, options: CallOptions = {}): Promise<void> {
    const levels = toNamespace(namespace)
    await this.run('dropNamespace', { namespace: levels }, () =>
      this.runtime.catalog.dropNamespace(levels, options),
    )
  }
}
