import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileAccess } from '../../src/engine/file-access.ts'
import type { KeyMatchRequest, SpooledRows } from '../../src/engine/row-changes.ts'
import {
  CorruptFileError,
  EngineMemoryError,
  MissingFileError,
  OperationAbortedError,
  StorageQuotaError,
} from '../../src/errors.ts'
import { gte } from '../../src/format/expressions/expression.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { createSpec } from '../../src/format/partition-spec.ts'
import { PositionSet } from '../../src/format/position-set.ts'
import { deleteRequest, matchOf, matchRequest, readRequest, taskOf } from './changing.ts'
import { entryOf } from './reading.ts'
import { openWorkshop, pathOf, schemaOf, type Workshop } from './writing.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

const schema = schemaOf({ id: { kind: 'long' }, p: { kind: 'int' }, s: { kind: 'string' } })

/** A file of numbers from `first` on, made by the engine out of nothing. */
async function fileOf(count: number, first = 0, at: Workshop = shop): Promise<ContentFile> {
  const path = join(at.folder, `made-${crypto.randomUUID()}.parquet`)
  await at.sql(
    `COPY (SELECT range::BIGINT AS id, (range % 3)::INTEGER AS p, md5(range::VARCHAR) AS s ` +
      `FROM range(${first}, ${first + count})) TO '${path}' (FORMAT parquet)`,
  )
  const source = { kind: 'files', format: 'parquet', paths: [path] } as const
  const [file] = (await at.write(source, schema)).files
  if (file === undefined) throw new Error('no file was written')
  return file
}

interface Watched {
  readonly files: FileAccess
  /** Inputs opened and not released. */
  readonly held: () => number
  readonly steps: () => number
}

/** Storage that fails at a step; -1 for never. `onInput` is told when a file is at hand. */
function watched(fatal: number, failure: Error, onInput = (): void => {}): Watched {
  let held = 0
  let steps = 0
  const step = (): void => {
    steps += 1
    if (steps - 1 === fatal) throw failure
  }
  return {
    held: () => held,
    steps: () => steps,
    files: {
      input: async (file, options) => {
        step()
        const input = await shop.files.input(file, options)
        held += 1
        onInput()
        return {
          ...input,
          release: async () => {
            held -= 1
            await input.release()
          },
        }
      },
      output: async (location, options) => {
        step()
        const output = await shop.files.output(location, options)
        return {
          ...output,
          commit: async () => {
            step()
            return output.commit()
          },
        }
      },
      scratch: async () => {
        step()
        return shop.files.scratch()
      },
    },
  }
}

function keyRequest(
  files: FileAccess,
  tasks: KeyMatchRequest['tasks'],
  source: SpooledRows,
  more: Partial<KeyMatchRequest> = {},
): KeyMatchRequest {
  return {
    ...matchRequest(shop, schema, tasks),
    files,
    source,
    keys: [1],
    compare: [2, 3],
    updateMatched: true,
    insertNotMatched: true,
    deleteWhen: null,
    notMatchedBySource: null,
    ...more,
  }
}

type Run = (files: FileAccess, signal?: AbortSignal) => Promise<unknown>

/** Every operation over two files, one with deletes. */
async function operations(rows: number): Promise<readonly (readonly [string, Run])[]> {
  const [a, b] = [await fileOf(rows), await fileOf(rows, rows)]
  const deletes = await shop.plane.writePositionDeletes(
    deleteRequest(shop, schema, [matchOf(a, schema, [1, 2])]),
  )
  const tasks = [
    taskOf(a, schema, gte('id', 5n), { deletes: deletes.map(entryOf) }),
    taskOf(b, schema, gte('id', 5n)),
  ]
  const path = join(shop.folder, `source-${crypto.randomUUID()}.parquet`)
  await shop.sql(
    `COPY (SELECT (range * 2)::BIGINT AS id, 0::INTEGER AS p, 'x' AS s FROM range(${rows})) TO '${path}' (FORMAT parquet)`,
  )
  const source = await shop.plane.spool({
    source: { kind: 'files', format: 'parquet', paths: [path] },
    schema,
    files: shop.files,
  })
  const spec = createSpec(schema, [{ source: 'p', transform: 'identity' }])
  const positions = new Map([[a.location, PositionSet.of([0, 7])]])
  return [
    ['match', (files, signal) => shop.plane.match({ ...matchRequest(shop, schema, tasks), files, signal })],
    [
      'matchPartitions',
      (files, signal) =>
        shop.plane.matchPartitions({
          ...matchRequest(shop, schema, tasks),
          files,
          signal,
          spec,
          partitions: [[1]],
        }),
    ],
    [
      'write of scanned rows',
      (files, signal) => {
        const read = { ...readRequest(shop, schema, tasks), files, signal }
        const scan = { kind: 'scan', read, rows: { take: 'except', positions } } as const
        return shop.write(scan, schema, { files, signal, spec })
      },
    ],
    [
      'writePositionDeletes',
      (files, signal) =>
        shop.plane.writePositionDeletes(
          deleteRequest(shop, schema, [matchOf(a, schema, [3]), matchOf(b, schema, [4])], { files, signal }),
        ),
    ],
    ['matchKeys', (files, signal) => shop.plane.matchKeys(keyRequest(files, tasks, source, { signal }))],
  ]
}

describe('changes of rows', () => {
  test('that fail at any step of storage leave nothing behind, and nothing open', async () => {
    const failure = new StorageQuotaError('the disk is full')
    for (const [name, run] of await operations(40)) {
      const counted = watched(-1, failure)
      await run(counted.files)
      expect(counted.held(), name).toBe(0)
      expect(counted.steps(), name).toBeGreaterThan(0)
      const before = await shop.leftovers()
      for (let at = 0; at < counted.steps(); at++) {
        const failing = watched(at, failure)
        await expect(run(failing.files), name).rejects.toBe(failure)
        expect(failing.held(), name).toBe(0)
        expect(await shop.leftovers(), name).toStrictEqual(before)
      }
    }
  })

  test('that are stopped in the middle leave nothing behind, and nothing open', async () => {
    for (const [name, run] of await operations(700_000)) {
      const before = await shop.leftovers()
      const stop = new AbortController()
      let opened = 0
      const watching = watched(-1, new Error('never'), () => {
        opened += 1
        // Both data files and the deletes are at hand: the engine is asked to begin right after this.
        if (opened === 3) setImmediate(() => stop.abort())
      })
      if (name === 'writePositionDeletes') stop.abort()
      await expect(run(watching.files, stop.signal), name).rejects.toThrow(OperationAbortedError)
      expect(watching.held(), name).toBe(0)
      expect(await shop.leftovers(), name).toStrictEqual(before)
    }
  })

  test('name the data file that is damaged inside, or gone', async () => {
    const [good, bad] = [await fileOf(50_000), await fileOf(50_000, 50_000)]
    const gone = { ...good, location: `${good.location}-gone` }
    const handle = await open(pathOf(bad), 'r+')
    await handle.write(new Uint8Array(4000).fill(255), 0, 4000, 100_000)
    await handle.close()
    const source = await shop.plane.spool({
      source: { kind: 'rows', rows: [{ id: 60_000n, p: 1, s: 's' }] },
      schema,
      files: shop.files,
    })
    const runs = (file: ContentFile): readonly (() => Promise<unknown>)[] => {
      const tasks = [taskOf(good, schema, gte('s', '1')), taskOf(file, schema, gte('s', '1'))]
      const scan = {
        kind: 'scan',
        read: readRequest(shop, schema, tasks),
        rows: { take: 'except', positions: new Map() },
      } as const
      return [
        () => shop.plane.match(matchRequest(shop, schema, tasks)),
        () => shop.write(scan, schema),
        () => shop.plane.matchKeys(keyRequest(shop.files, tasks, source)),
      ]
    }
    const before = await shop.leftovers()
    for (const run of runs(bad)) {
      const error: unknown = await run().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(CorruptFileError)
      expect(error).toMatchObject({ file: bad.location })
    }
    for (const run of runs(gone)) {
      const error: unknown = await run().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(MissingFileError)
      expect(error).toMatchObject({ file: gone.location })
    }
    expect(await shop.leftovers()).toStrictEqual(before)
    await source.close()
  })

  test('go on beside one another', async () => {
    const file = await fileOf(20_000)
    const task = taskOf(file, schema, gte('id', 10_000n))
    const results = await Promise.all(
      Array.from({ length: 8 }, async (_, at) => {
        const source = await shop.plane.spool({
          source: { kind: 'rows', rows: [{ id: BigInt(at + 10_000), p: 9, s: 's' }] },
          schema,
          files: shop.files,
        })
        const [found, keys] = await Promise.all([
          shop.plane.match(matchRequest(shop, schema, [task])),
          shop.plane.matchKeys(keyRequest(shop.files, [task], source)),
        ])
        await source.close()
        return [found[0]?.positions.size, [...(keys.matches[0]?.positions ?? [])]]
      }),
    )
    expect(results).toStrictEqual(Array.from({ length: 8 }, (_, at) => [10_000, [10_000 + at]]))
  })
})

describe('within little memory', () => {
  test('two million rows and a million keys, wide ones: spilled, or refused as such', async () => {
    const small = await openWorkshop({ memoryLimitBytes: 96 * 1024 * 1024 })
    try {
      const files = [await fileOf(1_000_000, 0, small), await fileOf(1_000_000, 1_000_000, small)]
      const path = join(small.folder, 'source.parquet')
      await small.sql(
        `COPY (SELECT (range * 3)::BIGINT AS id, 7::INTEGER AS p, md5((range * 3)::VARCHAR) AS s ` +
          `FROM range(1000000)) TO '${path}' (FORMAT parquet)`,
      )
      const source = await small.plane.spool({
        source: { kind: 'files', format: 'parquet', paths: [path] },
        schema,
        files: small.files,
      })
      const outcome = await small.plane
        .matchKeys({
          ...keyRequest(
            small.files,
            files.map((file) => taskOf(file, schema)),
            source,
          ),
        })
        .catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(EngineMemoryError)
      else expect(outcome).toMatchObject({ rowsUpdated: 666_667, rowsInserted: 333_333, rowsUnchanged: 0 })
      await source.close()
      const [home] = await readdir(join(small.folder, 'scratch'))
      const left = await readdir(join(small.folder, 'scratch', home ?? ''))
      expect(left.filter((name) => !name.startsWith('spill-'))).toStrictEqual([])
    } finally {
      await small.close()
    }
  })
})
