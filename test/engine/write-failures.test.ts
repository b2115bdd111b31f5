import { basename, join } from 'node:path'
import { tableFromArrays } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ArrowRecordBatch, RowSource, WriteRequest } from '../../src/engine/data-plane.ts'
import type { FileAccess, OutputFile } from '../../src/engine/file-access.ts'
import { EngineMemoryError, OperationAbortedError, StorageQuotaError } from '../../src/errors.ts'
import { bindExpression } from '../../src/format/expressions/bind.ts'
import { parseExpression } from '../../src/format/expressions/parse.ts'
import { createSpec } from '../../src/format/partition-spec.ts'
import { createSortOrder } from '../../src/format/sort-order.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { createFileAccess } from '../../src/storage/staging.ts'
import { openWorkshop, pathOf, rowsOf, schemaOf, type Workshop, WRITERS } from './writing.ts'

describe.each(WRITERS)('rows by $writer', ({ open }) => {
  let shop: Workshop

  beforeAll(async () => {
    shop = await openWorkshop({}, open)
  })

  afterAll(() => shop.close())

  const schema = schemaOf({ n: { kind: 'long' }, k: { kind: 'int' }, s: { kind: 'string' } })
  const byK = createSpec(schema, [{ source: 'k', transform: 'identity' }])
  const byN = createSortOrder(schema, [
    { source: 'n', transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' },
  ])

  type Step = 'output' | 'adopt' | 'scratch' | 'commit before' | 'commit after'

  interface Counting {
    readonly files: FileAccess
    steps(): readonly Step[]
  }

  /** A FileAccess that counts its steps and fails at one of them. */
  function failingAt(fatal: number, failure: Error, adopts = true): Counting {
    const inner = createFileAccess(new LocalObjectStore(), { scratchDir: join(shop.folder, 'scratch') })
    const steps: Step[] = []
    const step = (name: Step): void => {
      steps.push(name)
      if (steps.length - 1 === fatal) throw failure
    }
    const stepping = (file: OutputFile): OutputFile => ({
      ...file,
      commit: async () => {
        step('commit before')
        const done = await file.commit()
        step('commit after')
        return done
      },
    })
    const files: FileAccess = {
      output: async (location, options) => {
        step('output')
        return stepping(await inner.output(location, options))
      },
      input: (file, options) => inner.input(file, options),
      scratch: async (options) => {
        step('scratch')
        return inner.scratch(options)
      },
    }
    const adopt: FileAccess['adopt'] = async (...args) => {
      step('adopt')
      return stepping((await inner.adopt?.(...args)) ?? noOutput())
    }
    return { steps: () => steps, files: adopts ? { ...files, adopt } : files }
  }

  function noOutput(): never {
    throw new Error('the file access adopts nothing')
  }

  const rows = Array.from({ length: 40 }, (_, n) => ({ n, k: n % 4, s: `value ${n}` }))

  /** More than go into one row group. */
  const manyRows = Array.from({ length: 260_000 }, (_, n) => ({ n }))

  describe('a failure at any step of storage leaves nothing', () => {
    const kinds: readonly (readonly [string, Partial<WriteRequest>])[] = [
      ['one file', {}],
      ['one file of several segments', { targetFileSizeBytes: 1_000_000_000 }],
      ['several files of several segments', { targetFileSizeBytes: 1 }],
      ['partitioned', { spec: byK }],
      ['partitioned and sorted', { spec: byK, sortOrder: byN }],
      ['sorted and split', { sortOrder: byN, targetFileSizeBytes: 300 }],
    ]
    const accesses = [
      { access: 'that adopts files', adopts: true },
      { access: 'that does not', adopts: false },
    ]
    const cases = accesses.flatMap((each) => kinds.map(([name, more]) => ({ ...each, name, more })))
    test.each(cases)('$name, by a file access $access', async ({ name, more, adopts }) => {
      const failure = new StorageQuotaError('the disk is full')
      const given = name.includes('segments') ? manyRows : rows
      const source = (): RowSource => ({ kind: 'rows', rows: given[Symbol.iterator]() })
      const before = await shop.leftovers()
      const counting = failingAt(-1, failure, adopts)
      const { files } = await shop.write(source(), schema, { ...more, files: counting.files })
      expect(counting.steps()).toContain('commit after')
      // Nothing is in place before everything is made.
      const made = Math.max(counting.steps().lastIndexOf('output'), counting.steps().lastIndexOf('adopt'))
      expect(counting.steps().indexOf('commit before')).toBeGreaterThan(made)
      const kept = await shop.leftovers()
      expect(kept.length).toBe(before.length + files.length)
      for (let at = 0; at < counting.steps().length; at++) {
        const failing = failingAt(at, failure, adopts)
        await expect(shop.write(source(), schema, { ...more, files: failing.files })).rejects.toBe(failure)
        expect(await shop.leftovers()).toEqual(kept)
      }
    })
  })

  describe('for who waits for the placing of files by himself', () => {
    test('the write answers while a file is on its way', async () => {
      const inner = failingAt(-1, new Error()).files
      let arrive: () => void = () => {}
      const way = new Promise<void>((resolve) => (arrive = resolve))
      const files: FileAccess = {
        ...inner,
        output: async (location, options) => {
          const file = await inner.output(location, options)
          return { ...file, commit: () => way.then(() => file.commit()) }
        },
      }
      const placing: Promise<void>[] = []
      const written = await shop.write({ kind: 'rows', rows }, schema, {
        files,
        onPlacing: (placed) => placing.push(placed),
      })
      const [file] = written.files
      if (file === undefined) throw new Error('no file was written')
      expect(placing).toHaveLength(1)
      expect(await shop.leftovers()).not.toContain(basename(pathOf(file)))
      arrive()
      await placing[0]
      expect(await shop.leftovers()).toContain(basename(pathOf(file)))
      expect(await rowsOf(file)).toHaveLength(rows.length)
    })

    test.each<readonly [string, Partial<WriteRequest>]>([
      ['one file', {}],
      ['partitioned', { spec: byK }],
    ])('%s: a failure at any step leaves nothing', async (_name, more) => {
      const failure = new StorageQuotaError('the disk is full')
      const kept = await shop.leftovers()
      const ends: string[] = []
      for (let at = 0; ; at++) {
        const failing = failingAt(at, failure)
        let placed: Promise<void> = Promise.resolve()
        const onPlacing = (placing: Promise<void>): void => {
          placed = placing
        }
        const end = await shop
          .write({ kind: 'rows', rows }, schema, { ...more, files: failing.files, onPlacing })
          .then(
            () =>
              placed.then(
                () => 'placed',
                () => 'not placed',
              ),
            () => 'not written',
          )
        ends.push(end)
        if (end === 'placed') break
        expect(await shop.leftovers()).toEqual(kept)
      }
      expect(ends).toContain('not written')
      // Files of partitions are on their way while others are being made: the write itself fails.
      if (more.spec === undefined) expect(ends).toContain('not placed')
    })
  })

  test('where no row is left nothing is on its way when the write answers', async () => {
    const before = await shop.leftovers()
    const placing: Promise<void>[] = []
    const written = shop.write({ kind: 'rows', rows }, schema, {
      spec: byK,
      filter: bindExpression(schema, parseExpression('n < 0')),
      onPlacing: (placed) => placing.push(placed),
    })
    expect(await written).toEqual({ files: [], rows: 0 })
    expect(placing).toEqual([])
    expect(await shop.leftovers()).toEqual(before)
  })

  describe('a source that cannot be closed', () => {
    const failure = new Error('the rows came over a line that broke')
    const batches: Iterable<ArrowRecordBatch> = {
      [Symbol.iterator]: () => {
        const all = tableFromArrays({ n: [1n, 2n], k: Int32Array.of(1, 2) }).batches[Symbol.iterator]()
        return {
          next: () => all.next(),
          return: () => {
            throw failure
          },
        }
      },
    }

    test.each<readonly [string, Partial<WriteRequest>]>([
      ['one file', {}],
      ['partitioned', { spec: byK }],
    ])('%s: nothing is placed', async (_name, more) => {
      const before = await shop.leftovers()
      const counting = failingAt(-1, failure)
      const placing: Promise<void>[] = []
      for (const onPlacing of [undefined, (placed: Promise<void>) => placing.push(placed)]) {
        const write = shop.write({ kind: 'arrow', batches }, schema, {
          ...more,
          files: counting.files,
          onPlacing,
        })
        await expect(write).rejects.toThrow(failure.message)
        expect(await shop.leftovers()).toEqual(before)
      }
      expect(placing).toEqual([])
      expect(counting.steps()).not.toContain('commit before')
    })
  })

  describe('an abort', () => {
    test('in the middle of files stops the engine and leaves nothing', async () => {
      const path = join(shop.folder, 'large.parquet')
      await shop.sql(
        `COPY (SELECT range AS n, (range % 4)::INTEGER AS k, repeat('x', 50) || range AS s FROM range(2000000)) TO '${path}' (FORMAT parquet)`,
      )
      for (const more of [{}, { spec: byK }, { sortOrder: byN }]) {
        const before = await shop.leftovers()
        const controller = new AbortController()
        const counting = failingAt(-1, new Error())
        const files: FileAccess = {
          ...counting.files,
          // The engine is asked to begin right after this.
          scratch: async (options) => {
            const scratch = await counting.files.scratch(options)
            setImmediate(() => controller.abort())
            return scratch
          },
        }
        const written = shop.write({ kind: 'files', format: 'parquet', paths: [path] }, schema, {
          ...more,
          files,
          targetFileSizeBytes: 1_000_000,
          signal: controller.signal,
        })
        await expect(written).rejects.toThrow(OperationAbortedError)
        expect(await shop.leftovers()).toEqual(before)
      }
    })

    test('before anything reads nothing', async () => {
      let read = false
      const lazily = (function* () {
        read = true
        yield { n: 1 }
      })()
      const written = shop.write({ kind: 'rows', rows: lazily }, schema, { signal: AbortSignal.abort() })
      await expect(written).rejects.toThrow(OperationAbortedError)
      expect(read).toBe(false)
    })
  })

  describe('within little memory', () => {
    test('a sorted write of more than fits is spilled, or refused as such', async () => {
      const small = await openWorkshop({ memoryLimitBytes: 64 * 1024 * 1024 })
      try {
        const path = join(small.folder, 'large.parquet')
        await small.sql(
          `COPY (SELECT (hash(range) // 2)::BIGINT AS n, (range % 4)::INTEGER AS k, md5(range::VARCHAR) || md5((range + 1)::VARCHAR) AS s
         FROM range(1500000)) TO '${path}' (FORMAT parquet)`,
        )
        const source: RowSource = { kind: 'files', format: 'parquet', paths: [path] }
        const outcome = await small.write(source, schema, { sortOrder: byN }).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(EngineMemoryError)
        else expect(outcome).toMatchObject({ rows: 1_500_000 })
      } finally {
        await small.close()
      }
    })
  })

  describe('several writes at once', () => {
    test('do not disturb one another', async () => {
      const results = await Promise.all(
        Array.from({ length: 12 }, (_, at) => {
          const mine = Array.from({ length: 3000 + at }, (__, n) => ({ n, k: at, s: `${at}` }))
          const given =
            at % 2 === 0
              ? mine
              : (async function* () {
                  yield* mine
                })()
          return shop.write({ kind: 'rows', rows: given }, schema)
        }),
      )
      for (const [at, { files, rows: count }] of results.entries()) {
        expect(count).toBe(3000 + at)
        const [found] = await shop.sql(
          `SELECT count(*) AS n, min(k) AS least, max(k) AS greatest FROM read_parquet('${pathOf(files[0] ?? fail())}')`,
        )
        expect(found).toEqual({ n: BigInt(3000 + at), least: at, greatest: at })
      }
    })

    test('a source that writes while it is read', async () => {
      const nested = (async function* () {
        yield { n: 1, k: 1, s: 'outer' }
        await shop.write({ kind: 'rows', rows: [{ n: 2, k: 2, s: 'inner' }] }, schema)
        yield { n: 3, k: 3, s: 'outer' }
      })()
      expect((await shop.write({ kind: 'rows', rows: nested }, schema)).rows).toBe(2)
    })
  })

  function fail(): never {
    throw new Error('no file')
  }
})
