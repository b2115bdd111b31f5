/** A catalog whose next commits end as a test says: the outcomes of real catalogs, one by one. */
import type {
  Catalog,
  CommitOptions,
  LoadedTable,
  TableCommit,
  TableIdentifier,
} from '../../src/catalog/catalog.ts'
import {
  CatalogUnavailableError,
  CommitConflictError,
  CommitRejectedError,
  CommitStateUnknownError,
} from '../../src/errors.ts'

/**
 * - `conflict`: refused, nothing done
 * - `rejected`: refused for good, nothing done
 * - `unavailable`: certainly nothing done
 * - `lost answer`: done, but the caller hears that nobody knows
 * - `lost request`: not done, and the caller hears that nobody knows
 */
export type Outcome = 'conflict' | 'rejected' | 'unavailable' | 'lost answer' | 'lost request'

export interface Step {
  readonly outcome: Outcome
  /** Runs before the outcome, with the real catalog: what somebody else does in between. */
  readonly before?: (catalog: Catalog, options: CommitOptions | undefined) => Promise<void>
}

export interface ScriptedCatalog extends Catalog {
  /** Commits that were sent, in order. */
  readonly sent: readonly { readonly commit: TableCommit; readonly options: CommitOptions | undefined }[]
}

/** The catalog with its first commits scripted; later ones go through. */
export function scriptedCatalog(catalog: Catalog, steps: readonly Step[]): ScriptedCatalog {
  const sent: { commit: TableCommit; options: CommitOptions | undefined }[] = []
  const queue = [...steps]
  async function commitTable(
    id: TableIdentifier,
    commit: TableCommit,
    options?: CommitOptions,
  ): Promise<LoadedTable> {
    sent.push({ commit, options })
    const step = queue.shift()
    if (step === undefined) return catalog.commitTable(id, commit, options)
    await step.before?.(catalog, options)
    switch (step.outcome) {
      case 'conflict':
        throw new CommitConflictError('scripted conflict')
      case 'rejected':
        throw new CommitRejectedError('scripted rejection')
      case 'unavailable':
        throw new CatalogUnavailableError('scripted absence')
      case 'lost answer':
        await catalog.commitTable(id, commit, options)
        throw new CommitStateUnknownError('scripted loss')
      case 'lost request':
        throw new CommitStateUnknownError('scripted loss')
    }
  }
  return new Proxy(catalog, {
    get(target, key) {
      if (key === 'sent') return sent
      if (key === 'commitTable') return commitTable
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  }) as ScriptedCatalog
}
