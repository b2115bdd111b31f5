/** Some of the spooled rows, as the source of a write. */
import type { PositionSet } from '../../format/position-set.ts'
import type { Schema } from '../../format/schema.ts'
import { EngineError } from '../../errors.ts'
import type { SelectedRows } from '../row-changes.ts'
import { blockSource } from './block-source.ts'
import type { Block } from './column-data.ts'
import { duckType } from './duck-types.ts'
import { exposeSource, type ExposedSource } from './js-source.ts'
import { joinedBits } from './row-choice.ts'
import type { OpenSource } from './sources.ts'
import { Spool } from './spool.ts'

/** Rows of a spool by their numbers. */
export class Selection implements SelectedRows {
  readonly kind = 'selected'
  readonly spool: Spool
  readonly rows: PositionSet
  /** How often beyond the first a row is meant. */
  readonly repeated: ReadonlyMap<number, number>

  constructor(spool: Spool, rows: PositionSet, repeated: ReadonlyMap<number, number>) {
    this.spool = spool
    this.rows = rows
    this.repeated = repeated
  }
}

export function openSelected(selected: SelectedRows, schema: Schema): OpenSource {
  if (!(selected instanceof Selection)) throw new EngineError('the rows were selected by another data plane')
  const { rows, repeated } = selected
  const spool = Spool.of(selected.spool)
  const again = repeated.size === 0 ? null : exposeRepeated(repeated)
  const once = `SELECT * FROM ${spool.from} WHERE get_bit($1::BIT, file_row_number::INTEGER) = 1`
  const more =
    again === null
      ? ''
      : ` UNION ALL SELECT spooled.* FROM ${spool.from} AS spooled ` +
        `JOIN ${again.sql} AS again ON spooled.file_row_number = again.row_number`
  const rowCount = rows.size + [...repeated.values()].reduce((sum, times) => sum + times, 0)
  return {
    name: 'the source',
    columns: spool.columnsFor(schema),
    from: `(${once}${more})`,
    paths: [spool.path],
    // They were checked when they were spooled.
    nullsChecked: true,
    rowCount,
    sizeBytes: spool.rows === 0 ? 0 : (spool.sizeBytes * rowCount) / spool.rows,
    failure: () => again?.failure() ?? null,
    rowCheck: null,
    position: null,
    stored: {
      values: [joinedBits([{ rowCount: spool.rows, positions: rows }]).value],
      nameOf: () => 'the spooled source',
      diagnose: (error) => Promise.resolve(error),
    },
    close: async () => void again?.close(),
  }
}

function exposeRepeated(repeated: ReadonlyMap<number, number>): ExposedSource {
  const columns = [{ name: 'row_number', type: duckType({ kind: 'long' }) }]
  return exposeSource(blockSource(columns, repetitions(repeated), { cardinality: null }))
}

const BLOCK_ROWS = 65_536

function* repetitions(repeated: ReadonlyMap<number, number>): Generator<Block, void, undefined> {
  let numbers: bigint[] = []
  for (const [row, times] of repeated) {
    for (let time = 0; time < times; time++) {
      numbers.push(BigInt(row))
      if (numbers.length < BLOCK_ROWS) continue
      yield block(numbers)
      numbers = []
    }
  }
  if (numbers.length > 0) yield block(numbers)
}

function block(numbers: readonly bigint[]): Block {
  const bytes = new Uint8Array(BigInt64Array.from(numbers).buffer)
  return { rows: numbers.length, columns: [{ kind: 'fixed', width: 8, bytes, validity: null }] }
}
