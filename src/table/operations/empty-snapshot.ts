/** A first snapshot without rows: what a branch of an empty table begins with. */
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { MAIN_BRANCH } from '../../format/snapshot.ts'
import { SnapshotProducer } from '../snapshot-producer.ts'
import type { MadeSnapshot, SnapshotMaker, SnapshotSite } from './snapshot-maker.ts'

export class EmptySnapshot implements SnapshotMaker {
  readonly #producer: SnapshotProducer

  constructor(site: SnapshotSite) {
    this.#producer = new SnapshotProducer({
      ...site,
      branch: MAIN_BRANCH,
      snapshotProperties: {},
      isStaged: true,
    })
  }

  async apply(base: TableMetadata, attempt: number): Promise<MadeSnapshot> {
    const change = { added: [], removed: [] }
    const content = { operation: 'append', manifests: [], change } as const
    const added = await this.#producer.stage(base, content, attempt)
    return { head: added['snapshot-id'], added }
  }

  tidy(): Promise<void> {
    return this.#producer.tidy()
  }

  discardAttempt(): Promise<void> {
    return this.#producer.discardAttempt()
  }

  discardAll(): Promise<void> {
    return this.#producer.discardAll()
  }

  writtenFiles(): readonly string[] {
    return this.#producer.writtenFiles()
  }
}
