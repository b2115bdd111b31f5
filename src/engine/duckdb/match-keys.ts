/**
 * Matching table rows with spooled source rows by their keys, window of files by window of files.
 *
 * Usually in two steps. The first looks at keys alone: only the source's are held. The second
 * compares the other columns, of those rows alone that met in the first, and of those files alone
 * that have any. Where most of what is read would be read twice, one step does both.
 */
import { throwIfAborted } from '../../abort.ts'
import { PositionSet } from '../../format/position-set.ts'
import type { Schema } from '../../format/schema.ts'
import type { FileMatch, KeyMatch, KeyMatchRequest } from '../row-changes.ts'
import { Hits, ROW_IDS, type AddHit } from './hits.ts'
import { columnsOf, differingSql, joinSql, pairsOf, scopeColumn, tableNames, type Pairs } from './key-join.ts'
import { KeyTally } from './key-tally.ts'
import { refuseUnsupported, type OpenTask, type OpenTasks, type Reader } from './open-tasks.ts'
import { readPositionDeletes, withoutDeleted } from './position-deletes.ts'
import { diagnosed } from './read-failure.ts'
import { joinedBits, type RowChoice } from './row-choice.ts'
import { scanQuery, type ScanQuery } from './scan-sql.ts'
import { Selection } from './selected-source.ts'
import type { GatherOptions } from './session.ts'
import { SourceRows } from './source-rows.ts'
import { Spool } from './spool.ts'
import { openWindows } from './windows.ts'

/** RowChanges.matchKeys by DuckDB. */
export async function matchKeys(reader: Reader, request: KeyMatchRequest): Promise<KeyMatch> {
  throwIfAborted(request.signal)
  refuseUnsupported(request.tasks)
  const matching = await KeyMatching.start(reader, request)
  const matches = await matching.run(reader)
  return { matches, ...matching.outcome(), close: async () => {} }
}

class KeyMatching {
  readonly #request: KeyMatchRequest
  readonly #spool: Spool
  readonly #source: SourceRows
  readonly #tally: KeyTally
  /** Source rows that delete what they match. */
  readonly #deleting: PositionSet
  readonly #keys: Schema
  /** The keys, and behind them what is compared. */
  readonly #compared: Schema

  private constructor(request: KeyMatchRequest, source: SourceRows, deleting: PositionSet) {
    this.#request = request
    this.#spool = source.spool
    this.#source = source
    this.#deleting = deleting
    this.#tally = new KeyTally(source.spool.rows)
    this.#keys = columnsOf(request.tableSchema, request.keys)
    const compared = request.updateMatched ? request.compare : []
    this.#compared = columnsOf(request.tableSchema, [...request.keys, ...compared])
  }

  static async start(reader: Reader, request: KeyMatchRequest): Promise<KeyMatching> {
    const source = new SourceRows(Spool.of(request.source), request.tableSchema)
    const deleting =
      request.deleteWhen === null
        ? new PositionSet()
        : await source.matching(reader.engine, request.deleteWhen, request.signal)
    return new KeyMatching(request, source, deleting)
  }

  async run(reader: Reader): Promise<readonly FileMatch[]> {
    const { tasks, files, signal, onProgress, notMatchedBySource } = this.#request
    if (this.#spool.rows === 0 && notMatchedBySource === null) return []
    const totalRows = tasks.reduce((sum, { entry }) => sum + entry.file.recordCount, 0)
    const matches: FileMatch[] = []
    let rows = 0
    for await (const open of openWindows(reader, { tasks, files, signal })) {
      matches.push(...(await diagnosed(reader, open, () => this.#window(open))))
      rows += rowsOf(open.tasks)
      onProgress?.({ rows, totalRows })
    }
    return matches
  }

  outcome(): Omit<KeyMatch, 'matches' | 'close'> {
    const { matched, updated, repeated, rowsMatched, rowsUpdated, rowsDeleted } = this.#tally
    const selected = PositionSet.upTo(this.#request.insertNotMatched ? this.#spool.rows : 0)
    selected.removeAll(matched)
    selected.removeAll(this.#deleting)
    const rowsInserted = selected.size
    selected.addAll(updated)
    return {
      rowsUpdated,
      rowsInserted,
      rowsDeleted,
      rowsUnchanged: rowsMatched - rowsUpdated,
      selected: new Selection(this.#spool, selected, repeated),
    }
  }

  async #window(open: OpenTasks): Promise<readonly FileMatch[]> {
    const deleted = await readPositionDeletes(open, this.#request.signal)
    const hits = new Hits()
    const isOneStep = inOneStep(this.#spool, open.tasks)
    const met = await this.#meet(open, deleted, hits, isOneStep ? this.#compared : this.#keys)
    const isCompared = isOneStep || this.#compared.fields.length === this.#keys.fields.length
    if (!isCompared && met.source.size > 0) await this.#compare(open, met, hits)
    return hits.matches(open.tasks, deleted)
  }

  /**
   * Which rows have equal keys. Those that go whatever they hold are hits at once, and so are those
   * that differ in another of the columns looked at.
   */
  async #meet(
    open: OpenTasks,
    deleted: ReadonlyMap<OpenTask, PositionSet>,
    hits: Hits,
    projection: Schema,
  ): Promise<Met> {
    const { notMatchedBySource: scope, nameMapping } = this.#request
    const scan = scanQuery(open.tasks, {
      projection,
      names: tableNames(projection),
      nameMapping,
      rows: withoutDeleted(deleted),
      rowIds: ROW_IDS,
      ...(scope === null ? {} : { computed: scopeColumn(scope) }),
    })
    const sql = joinSql({
      table: scan.sql,
      source: this.#source.query(idsOf(projection)),
      keys: this.#keys.fields.length,
      columns: projection.fields.length,
      withOthers: scope !== null,
    })
    const met: Met = { rows: new Hits(), source: new PositionSet(this.#spool.rows) }
    const [hit, meet] = [hits.of(scan), met.rows.of(scan)]
    for await (const chunk of open.session.gather(sql, this.#statement(open.tasks, open, scan.values))) {
      this.#takePairs(pairsOf(chunk), met.source, hit, meet)
    }
    return met
  }

  /** Called chunk by chunk, so that it is soon compiled: a loop within an asynchronous function is not. */
  #takePairs(pairs: Pairs, metSource: PositionSet, hit: AddHit, meet: AddHit): void {
    const tally = this.#tally
    const deleting = this.#deleting.size > 0 ? this.#deleting : null
    for (let i = 0; i < pairs.count; i++) {
      const [task, position] = [pairs.tasks[i] ?? 0, Number(pairs.positions[i])]
      const sourceRow = Number(pairs.sourceRows[i])
      if (sourceRow >= 0) tally.matched.add(sourceRow)
      if (sourceRow < 0 || deleting?.has(sourceRow) === true) {
        hit(task, position)
        tally.rowsDeleted += 1
        continue
      }
      tally.rowsMatched += 1
      if (pairs.differs[i] === 1) {
        hit(task, position)
        tally.update(sourceRow)
      } else {
        meet(task, position)
        metSource.add(sourceRow)
      }
    }
  }

  /** Rows that met and differ are hits. */
  async #compare(open: OpenTasks, met: Met, hits: Hits): Promise<void> {
    const tasks = [...met.rows.found.keys()]
    const scan = scanQuery(tasks, {
      projection: this.#compared,
      names: tableNames(this.#compared),
      nameMapping: this.#request.nameMapping,
      rows: onlyRows(met.rows.found),
      rowIds: ROW_IDS,
    })
    const bits = joinedBits([{ rowCount: this.#spool.rows, positions: met.source }]).value
    const isMet = `get_bit($${scan.values.length + 1}::BIT, file_row_number::INTEGER) = 1`
    const sql = differingSql({
      table: scan.sql,
      source: this.#source.query(idsOf(this.#compared), isMet),
      keys: this.#keys.fields.length,
      columns: this.#compared.fields.length,
    })
    const options = this.#statement(tasks, open, [...scan.values, bits])
    const hit = hits.of(scan)
    for await (const chunk of open.session.gather(sql, options)) {
      const { count, tasks: numbers, positions, sourceRows } = pairsOf(chunk)
      for (let i = 0; i < count; i++) {
        hit(numbers[i] ?? 0, Number(positions[i]))
        this.#tally.update(Number(sourceRows[i]))
      }
    }
  }

  #statement(tasks: readonly OpenTask[], open: OpenTasks, values: ScanQuery['values']): GatherOptions {
    return {
      doing: 'match rows by their keys',
      // A key is in the source once: each of a table's rows comes with one row of it, or alone.
      atMost: rowsOf(tasks),
      signal: this.#request.signal,
      reading: open.tasks.map((task) => task.localPath),
      nameOf: open.nameOf,
      values,
    }
  }
}

/** Rows of both sides that have met, and that stay unless they differ. */
interface Met {
  readonly rows: Hits
  readonly source: PositionSet
}

function onlyRows(found: ReadonlyMap<OpenTask, PositionSet>): ReadonlyMap<OpenTask, RowChoice> {
  return new Map([...found].map(([task, positions]) => [task, { take: 'only', positions }]))
}

function rowsOf(tasks: readonly OpenTask[]): number {
  return tasks.reduce((sum, { file }) => sum + file.recordCount, 0)
}

function idsOf(schema: Schema): readonly number[] {
  return schema.fields.map(({ id }) => id)
}

/** Beyond this the rows of the source are not held to be compared: only their keys are. */
const MAX_HELD_BYTES = 64 * 1024 * 1024

/** Compressed bytes of a row up to which reading all of it costs little more than reading its keys. */
const NARROW_ROW_BYTES = 128

/** When at least one row of so many may match, hardly any part of a file goes without one. */
const DENSE_ROWS = 50

/** Whether keys and all else are best looked at together. */
function inOneStep(source: Spool, tasks: readonly OpenTask[]): boolean {
  const rows = rowsOf(tasks)
  const bytes = tasks.reduce((sum, { file }) => sum + file.fileSizeInBytes, 0)
  if (source.sizeBytes > MAX_HELD_BYTES || bytes > rows * NARROW_ROW_BYTES) return false
  return source.rows * DENSE_ROWS >= rows
}
