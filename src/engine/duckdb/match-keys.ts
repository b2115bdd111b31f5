/**
 * Matching table rows with spooled source rows by their keys, in two steps for each window of files.
 * The first looks at keys alone: only the source's are held. The second compares the other columns,
 * of those rows alone that met in the first, and of those files alone that have any.
 */
import duckdb from '@duckdb/node-bindings'
import { throwIfAborted } from '../../abort.ts'
import { InvalidArgumentError } from '../../errors.ts'
import { PositionSet } from '../../format/position-set.ts'
import type { BoundExpression } from '../../format/expressions/expression.ts'
import type { Schema } from '../../format/schema.ts'
import type { FileMatch, KeyMatch, KeyMatchRequest } from '../row-changes.ts'
import { filterSql } from './filter-sql.ts'
import { Hits, ROW_IDS, rowsOfChunk } from './hits.ts'
import { KeyTally } from './key-tally.ts'
import { refuseUnsupported, type OpenTask, type OpenTasks, type Reader } from './open-tasks.ts'
import { readPositionDeletes, withoutDeleted } from './position-deletes.ts'
import { leafSql, type FileColumns } from './projection.ts'
import { bigint64sOf, wholeVector } from './raw-vector.ts'
import { diagnosed } from './read-failure.ts'
import { joinedBits, type RowChoice } from './row-choice.ts'
import { scanQuery, type ScanQuery, type ScanShape } from './scan-sql.ts'
import { Selection } from './selected-source.ts'
import type { StatementOptions, StreamChunk } from './session.ts'
import { SOURCE_ROW, SourceRows } from './source-rows.ts'
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
    const spool = Spool.of(request.source)
    const source = new SourceRows(spool, request.tableSchema)
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
      rows += open.tasks.reduce((sum, { file }) => sum + file.recordCount, 0)
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
    const hits = new Hits(open.tasks)
    const met = await this.#meet(open, deleted, hits)
    if (met.source.size > 0 && this.#compared.fields.length > this.#keys.fields.length) {
      await this.#compare(open, met, hits)
    }
    return hits.matches(deleted)
  }

  /** By keys alone: which rows meet. Those that go whatever they hold are hits already. */
  async #meet(open: OpenTasks, deleted: ReadonlyMap<OpenTask, PositionSet>, hits: Hits): Promise<Met> {
    const { notMatchedBySource: scope, nameMapping } = this.#request
    const scan = scanQuery(open.tasks, {
      projection: this.#keys,
      names: tableNames(this.#keys),
      nameMapping,
      rows: withoutDeleted(deleted),
      rowIds: ROW_IDS,
      ...(scope === null ? {} : { computed: scopeColumn(scope) }),
    })
    const join = joinSql(scan.sql, this.#source.query(this.#request.keys), {
      keys: this.#keys.fields.length,
      outer: scope !== null,
    })
    const where = scope === null ? '' : ` WHERE ${SOURCE_ROW} IS NOT NULL OR ${SCOPE}`
    const met: Met = { rows: new Hits(open.tasks), source: new PositionSet(this.#spool.rows) }
    const options = this.#statement(open, scan.values)
    for await (const chunk of open.session.stream(`${join}${where}`, options)) {
      for (const { task, position, sourceRow } of pairsOf(chunk)) {
        if (sourceRow >= 0) this.#tally.matched.add(sourceRow)
        if (sourceRow < 0 || this.#deleting.has(sourceRow)) {
          hits.add(task, position)
          this.#tally.rowsDeleted += 1
        } else {
          met.rows.add(task, position)
          met.source.add(sourceRow)
          this.#tally.rowsMatched += 1
        }
      }
    }
    return met
  }

  /** Rows that met and differ are hits. */
  async #compare(open: OpenTasks, met: Met, hits: Hits): Promise<void> {
    const numbers = [...met.rows.found.keys()]
    const tasks = numbers.flatMap((number) => open.tasks[number] ?? [])
    const scan = scanQuery(tasks, {
      projection: this.#compared,
      names: tableNames(this.#compared),
      nameMapping: this.#request.nameMapping,
      rows: new Map(tasks.map((task, at) => [task, onlyRows(met.rows.found.get(numbers[at] ?? 0))])),
      rowIds: ROW_IDS,
    })
    const bits = joinedBits([{ rowCount: this.#spool.rows, positions: met.source }]).value
    const isMet = `get_bit($${scan.values.length + 1}::BIT, file_row_number::INTEGER) = 1`
    const ids = this.#compared.fields.map(({ id }) => id)
    const keys = this.#keys.fields.length
    const differs = ids.slice(keys).map((_, at) => `t${keys + at} IS DISTINCT FROM s${keys + at}`)
    const sql =
      joinSql(scan.sql, this.#source.query(ids, isMet), { keys, outer: false }) +
      ` WHERE ${differs.join(' OR ')}`
    const options = this.#statement(open, [...scan.values, bits])
    for await (const chunk of open.session.stream(sql, options)) {
      for (const { task, position, sourceRow } of pairsOf(chunk)) {
        hits.add(numbers[task] ?? 0, position)
        this.#tally.update(sourceRow)
      }
    }
  }

  #statement(open: OpenTasks, values: ScanQuery['values']): StatementOptions {
    return {
      doing: 'match rows by their keys',
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

function onlyRows(positions = new PositionSet()): RowChoice {
  return { take: 'only', positions }
}

/** Top-level columns by id. Columns that are always null are left out. */
function columnsOf(schema: Schema, ids: readonly number[]): Schema {
  const fields = ids.map((id) => {
    const field = schema.fields.find((other) => other.id === id)
    if (field === undefined) throw new InvalidArgumentError(`no top-level column has the field id ${id}`)
    return field
  })
  return { ...schema, fields: fields.filter(({ type }) => type.kind !== 'unknown') }
}

function tableNames(schema: Schema): readonly string[] {
  return schema.fields.map((_, at) => `t${at}`)
}

/** Whether a table row lies within the scope of what the source is complete for. */
const SCOPE = '__floeberg_scope'

function scopeColumn(scope: BoundExpression): NonNullable<ScanShape['computed']> {
  const sql = (file: FileColumns): string => filterSql(scope, (ref) => leafSql(ref.path, file))
  return new Map([[SCOPE, { sqlType: 'BOOLEAN', sql }]])
}

/** Table row and source row of equal keys; null is equal to nothing. */
function joinSql(
  table: string,
  source: string,
  { keys, outer }: { readonly keys: number; readonly outer: boolean },
): string {
  const on = Array.from({ length: keys }, (_, at) => `t${at} = s${at}`)
  return (
    `SELECT ${ROW_IDS.task}, ${ROW_IDS.position}, CAST(coalesce(${SOURCE_ROW}, -1) AS BIGINT) AS source_row ` +
    `FROM (${table}) ${outer ? 'LEFT JOIN' : 'JOIN'} (${source}) ON ${on.join(' AND ')}`
  )
}

interface Pair {
  readonly task: number
  readonly position: number
  /** -1 for none. */
  readonly sourceRow: number
}

function* pairsOf(stream: StreamChunk): Generator<Pair, void, undefined> {
  const { tasks, positions } = rowsOfChunk(stream)
  const vector = duckdb.data_chunk_get_vector(stream.chunk.chunk, 2)
  const sourceRows = bigint64sOf(wholeVector(vector, stream.rowCount))
  for (let i = 0; i < stream.rowCount; i++) {
    yield { task: tasks[i] ?? 0, position: Number(positions[i]), sourceRow: Number(sourceRows[i]) }
  }
}
