/** Setting and removing table properties. */
import type { Properties } from '../../catalog/catalog.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { TableUpdate } from '../../format/metadata/updates.ts'
import type { CommitAttempt, CommitChange } from '../commit.ts'

/** Changes of a table’s properties: what is set, and what is removed. */
export interface PropertyChanges {
  readonly set?: Properties
  /** Keys; removing one that is not there is fine. */
  readonly remove?: readonly string[]
}

/** Writes no file but the metadata; does nothing where the table already is as asked. */
export class UpdatePropertiesChange implements CommitChange {
  readonly operation = 'update of properties'
  readonly snapshotId = null
  readonly #set: Properties
  readonly #remove: readonly string[]

  constructor(changes: PropertyChanges) {
    this.#set = changes.set ?? {}
    this.#remove = changes.remove ?? []
  }

  async apply(base: TableMetadata): Promise<CommitAttempt | null> {
    if (this.isApplied(base)) return null
    const removals = this.#remove.filter((key) => Object.hasOwn(base.properties, key))
    const updates: TableUpdate[] = []
    if (removals.length > 0) updates.push({ action: 'remove-properties', removals })
    if (Object.keys(this.#set).length > 0) updates.push({ action: 'set-properties', updates: this.#set })
    return { updates, requirements: [] }
  }

  isApplied({ properties }: TableMetadata): boolean {
    return (
      Object.entries(this.#set).every(([key, value]) => properties[key] === value) &&
      this.#remove.every((key) => !Object.hasOwn(properties, key))
    )
  }

  async discardAttempt(): Promise<void> {}

  async discardAll(): Promise<void> {}

  writtenFiles(): readonly string[] {
    return []
  }
}
