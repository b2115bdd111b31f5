/** What became of each source row while table rows were matched with them. */
import { PositionSet } from '../../format/position-set.ts'

export class KeyTally {
  /** Source rows that have met a table row. */
  readonly matched: PositionSet
  /** Source rows that replace a table row. */
  readonly updated: PositionSet
  /** How often beyond the first, of source rows that replace several table rows. */
  readonly repeated = new Map<number, number>()
  rowsMatched = 0
  rowsUpdated = 0
  rowsDeleted = 0

  constructor(sourceRows: number) {
    this.matched = new PositionSet(sourceRows)
    this.updated = new PositionSet(sourceRows)
  }

  /** A table row is replaced by a source row. */
  update(sourceRow: number): void {
    this.rowsUpdated += 1
    if (this.updated.has(sourceRow)) {
      this.repeated.set(sourceRow, (this.repeated.get(sourceRow) ?? 0) + 1)
    } else {
      this.updated.add(sourceRow)
    }
  }
}
