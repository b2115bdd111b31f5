import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileScanTask } from '../../src/engine/data-plane.ts'
import type { FileMatch, KeyMatchRequest } from '../../src/engine/row-changes.ts'
import { OperationAbortedError } from '../../src/errors.ts'
import { bindExpression } from '../../src/format/expressions/bind.ts'
import { eq, gte, type Expression } from '../../src/format/expressions/expression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import type { Schema } from '../../src/format/schema.ts'
import type { Row } from '../../src/format/values/value.ts'
import { deleteRequest, matchOf, matchRequest, readRequest, rowsOfTasks, taskOf } from './changing.ts'
import { entryOf } from './reading.ts'
import { fieldsOf, openWorkshop, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

async function fileOf(rows: readonly Row[], schema: Schema): Promise<ContentFile> {
  const [file] = (await shop.write({ kind: 'rows', rows }, schema)).files
  if (file === undefined) throw new Error('no file was written')
  return file
}

interface Options {
  readonly keys: readonly number[]
  readonly updateMatched?: boolean
  readonly insertNotMatched?: boolean
  readonly deleteWhen?: Expression
  readonly notMatchedBySource?: Expression
}

interface Outcome {
  readonly counts: Readonly<Record<'updated' | 'inserted' | 'deleted' | 'unchanged', number>>
  readonly matches: readonly FileMatch[]
  /** The table after the change: rows that stay, and those written. */
  readonly table: readonly Row[]
  readonly written: readonly Row[]
}

/** Matches, writes what is to be written, and reads what the table then is. */
async function merged(
  tasks: readonly FileScanTask[],
  source: readonly Row[],
  schema: Schema,
  options: Options,
): Promise<Outcome> {
  const spooled = await shop.plane.spool({
    source: { kind: 'rows', rows: source },
    schema,
    files: shop.files,
  })
  const bound = (filter: Expression | undefined) =>
    filter === undefined ? null : bindExpression(schema, filter)
  const request: KeyMatchRequest = {
    ...matchRequest(shop, schema, tasks),
    source: spooled,
    keys: options.keys,
    compare: schema.fields.map(({ id }) => id).filter((id) => !options.keys.includes(id)),
    updateMatched: options.updateMatched ?? true,
    insertNotMatched: options.insertNotMatched ?? true,
    deleteWhen: bound(options.deleteWhen),
    notMatchedBySource: bound(options.notMatchedBySource),
  }
  const match = await shop.plane.matchKeys(request)
  const { files } = await shop.write(match.selected, schema)
  const written = await rowsOfTasks(
    shop.plane,
    readRequest(
      shop,
      schema,
      files.map((file) => taskOf(file, schema)),
    ),
  )
  const positions = new Map(match.matches.map((each) => [each.task.entry.file.location, each.positions]))
  const rest = await shop.write(
    { kind: 'scan', read: readRequest(shop, schema, tasks), rows: { take: 'except', positions } },
    schema,
  )
  const kept = await rowsOfTasks(
    shop.plane,
    readRequest(
      shop,
      schema,
      rest.files.map((file) => taskOf(file, schema)),
    ),
  )
  await match.close()
  await spooled.close()
  return {
    counts: {
      updated: match.rowsUpdated,
      inserted: match.rowsInserted,
      deleted: match.rowsDeleted,
      unchanged: match.rowsUnchanged,
    },
    matches: match.matches,
    table: [...kept, ...written],
    written,
  }
}

const plain = schemaOf({ id: { kind: 'long' }, v: { kind: 'string' } })

describe('matchKeys', () => {
  test('updates what differs, inserts what is new, and leaves alone what is the same', async () => {
    const file = await fileOf(
      [
        { id: 1n, v: 'a' },
        { id: 2n, v: 'b' },
        { id: 3n, v: null },
        { id: null, v: 'n' },
      ],
      plain,
    )
    const source = [
      { id: 1n, v: 'a' },
      { id: 2n, v: 'B' },
      { id: 3n, v: 'c' },
      { id: 4n, v: null },
    ]
    const { counts, table, matches, written } = await merged([taskOf(file, plain)], source, plain, {
      keys: [1],
    })
    expect(counts).toStrictEqual({ updated: 2, inserted: 1, deleted: 0, unchanged: 1 })
    expect(matches.map(({ positions, liveRows }) => [[...positions], liveRows])).toStrictEqual([[[1, 2], 4]])
    expect(written).toStrictEqual([source[1], source[2], source[3]])
    expect(table).toHaveLength(5)
  })
})
