/** Raising a table's format version: one way, and only when asked for. */
import { InvalidArgumentError } from '../../errors.ts'
import type { FormatVersion, TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { CommitAttempt, CommitChange } from '../commit.ts'

export class UpgradeFormatVersionChange implements CommitChange {
  readonly operation = 'upgrade of the format version'
  readonly snapshotId = null
  readonly #version: FormatVersion

  constructor(version: FormatVersion) {
    this.#version = version
  }

  async apply(base: TableMetadata): Promise<CommitAttempt | null> {
    if (this.isApplied(base)) return null
    if (this.#version < base['format-version']) {
      throw new InvalidArgumentError(
        `The table has format version ${base['format-version']}, and there is no way back`,
      )
    }
    return {
      updates: [{ action: 'upgrade-format-version', 'format-version': this.#version }],
      requirements: [],
    }
  }

  isApplied(metadata: TableMetadata): boolean {
    return metadata['format-version'] === this.#version
  }

  async discardAttempt(): Promise<void> {}

  async discardAll(): Promise<void> {}

  writtenFiles(): readonly string[] {
    return []
  }
}
