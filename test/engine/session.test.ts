import { mkdir, mkdtemp, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { BIGINT } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DuckDbEngine } from '../../src/engine/duckdb/connection.ts'
import { exposeSource } from '../../src/engine/duckdb/js-source.ts'
import {
  CorruptFileError,
  EngineError,
  EngineMemoryError,
  InvalidArgumentError,
  MissingFileError,
  OperationAbortedError,
  StorageDeniedError,
} from '../../src/errors.ts'

let folder: string
let engine: DuckDbEngine

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floeberg-session-'))
  engine = await DuckDbEngine.open({ scratchDir: join(folder, 'scratch'), threads: 2 })
})

afterAll(async () => {
  await engine.close()
  await rm(folder, { recursive: true, force: true })
})

async function drained(query: string, rowCount?: number): Promise<number> {
  return engine.withSession({}, async (session) => {
    let rows = 0
    for await (const part of session.stream(query, { doing: 'read', rowCount })) rows += part.rowCount
    return rows
  })
}

describe('a stream', () => {
  test('delivers every row and nothing of its end mark', async () => {
    expect(await drained('SELECT range AS x FROM range(10000)')).toBe(10_000)
    expect(await drained('SELECT range AS x FROM range(2048)')).toBe(2048)
    expect(await drained('SELECT range AS x FROM range(0)')).toBe(0)
  })

  test('keeps the order of its query', async () => {
    const last = await engine.withSession({}, async (session) => {
      let seen = 0n
      const query = 'SELECT range AS x FROM range(100000) ORDER BY x'
      for await (const { chunk, rowCount } of session.stream(query, { doing: 'read' })) {
        for (const value of chunk.getColumnValues(0).slice(0, rowCount)) {
          expect(value).toBe(seen)
          seen += 1n
        }
      }
      return seen
    })
    expect(last).toBe(100_000n)
  })

  test('that meets damage after its first rows says so', async () => {
    const path = join(engine.scratchDir, 'damaged.parquet')
    await engine.withSession({ paths: [path] }, (session) =>
      session.run(
        `COPY (SELECT hash(range) AS x FROM range(600000)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 20480)`,
        { doing: 'write' },
      ),
    )
    const { size } = await stat(path)
    const file = await open(path, 'r+')
    await file.write(new Uint8Array(200_000).fill(255), 0, 200_000, size - 250_000)
    await file.close()
    const run = engine.withSession({ paths: [path] }, async (session) => {
      const options = { doing: 'read', reading: [path] }
      let rows = 0
      try {
        for await (const part of session.stream(`SELECT x FROM '${path}'`, options)) rows += part.rowCount
      } finally {
        expect(rows).toBeGreaterThan(0)
      }
    })
    await expect(run).rejects.toThrow(CorruptFileError)
  })

  test('that fails after its first rows throws instead of ending', async () => {
    const query = `SELECT CASE WHEN range = 90000 THEN error('a secret row') ELSE range END AS x FROM range(100000)`
    await expect(drained(query)).rejects.toThrow(EngineError)
    await expect(drained(query)).rejects.not.toThrow(/secret/)
  })

  test('whose rows are counted throws when it breaks off, and goes by what the query yields', async () => {
    const failing = `SELECT CASE WHEN range = 90000 THEN error('a secret row') ELSE range END AS x FROM range(100000)`
    await expect(drained(failing, 100_000)).rejects.toThrow(EngineError)
    await expect(drained(failing, 100_000)).rejects.not.toThrow(/secret/)
    const query = 'SELECT range AS x FROM range(10000)'
    expect(await drained(query, 10_000)).toBe(10_000)
    // The caller was wrong about them, not the engine.
    expect(await drained(query, 10_001)).toBe(10_000)
    expect(await drained(query, 9_999)).toBe(10_000)
    expect(await drained('SELECT 1 AS x WHERE false', 0)).toBe(0)
  })

  test.each([undefined, 100_000_000])(
    'that is aborted between two chunks throws (%s rows)',
    async (rowCount) => {
      const controller = new AbortController()
      const run = engine.withSession({}, async (session) => {
        const query = 'SELECT range AS x FROM range(100000000)'
        for await (const part of session.stream(query, {
          doing: 'read',
          rowCount,
          signal: controller.signal,
        })) {
          expect(part.rowCount).toBeGreaterThan(0)
          controller.abort()
        }
      })
      await expect(run).rejects.toThrow(OperationAbortedError)
    },
  )

  test('that is left early gives its connection up', async () => {
    await engine.withSession({}, async (session) => {
      for await (const part of session.stream('SELECT range AS x FROM range(1000000)', { doing: 'read' })) {
        expect(part.rowCount).toBe(2048)
        break
      }
    })
    expect(await drained('SELECT 1 AS x')).toBe(1)
  })
})

describe('rows that are gathered', () => {
  /** So few that they are held as they come, and so many that the engine keeps them. */
  const amounts = [3000, 600_000]

  async function gathered(query: string, atMost: number, own = engine): Promise<readonly bigint[]> {
    return own.withSession({}, async (session) => {
      const values: bigint[] = []
      for await (const { chunk, rowCount } of session.gather(query, { doing: 'read', atMost })) {
        const column = chunk.getColumnValues(0)
        expect(column).toHaveLength(rowCount)
        for (const value of column) if (typeof value === 'bigint') values.push(value)
      }
      return values
    })
  }

  test.each(amounts)('are all of a query with parameters, each once (%s at most)', async (atMost) => {
    await engine.withSession({}, async (session) => {
      const options = { doing: 'read', atMost, values: [2999n] }
      // Twice: what the first left behind would be in the way of the second.
      for (const _ of [1, 2]) {
        const sum = { rows: 0, of: 0n }
        const query = 'SELECT range AS x FROM range(100000) WHERE range <= $1::BIGINT'
        for await (const { chunk } of session.gather(query, options)) {
          for (const value of chunk.getColumnValues(0)) {
            sum.rows += 1
            sum.of += BigInt(String(value))
          }
        }
        expect(sum).toStrictEqual({ rows: 3000, of: (2999n * 3000n) / 2n })
      }
      const tables = await session.rows('SELECT count(*) AS n FROM duckdb_tables()', { doing: 'look' })
      expect(tables).toStrictEqual([{ n: 0n }])
    })
    expect(await gathered('SELECT 1::BIGINT AS x WHERE false', atMost)).toStrictEqual([])
  })

  test.each(amounts)('are none when the query fails at its last row (%s at most)', async (atMost) => {
    const query = `SELECT CASE WHEN range = 2999 THEN error('a secret row') ELSE range END AS x FROM range(3000)`
    let rows = 0
    const run = engine.withSession({}, async (session) => {
      for await (const part of session.gather(query, { doing: 'read', atMost })) rows += part.rowCount
    })
    await expect(run).rejects.toThrow(EngineError)
    await expect(run).rejects.not.toThrow(/secret/)
    expect(rows).toBe(0)
    expect(await gathered('SELECT 7::BIGINT AS x', atMost)).toStrictEqual([7n])
  })

  test.each(amounts)('stop with their signal, and when nobody wants more (%s at most)', async (atMost) => {
    const query = 'SELECT range AS x FROM range(100000)'
    const stop = new AbortController()
    const stopped = engine.withSession({}, async (session) => {
      for await (const part of session.gather(query, { doing: 'read', atMost, signal: stop.signal })) {
        expect(part.rowCount).toBeGreaterThan(0)
        stop.abort()
      }
    })
    await expect(stopped).rejects.toThrow(OperationAbortedError)
    const early = engine.withSession({}, async (session) => {
      for await (const part of session.gather(query, { doing: 'read', atMost })) return part.rowCount
      return 0
    })
    expect(await early).toBe(2048)
    expect(await gathered(query, atMost)).toHaveLength(100_000)
  })

  test('beyond the memory limit are kept on disk, and nothing of them stays there', async () => {
    const small = await DuckDbEngine.open({
      scratchDir: join(folder, 'gathering'),
      threads: 2,
      memoryLimitBytes: 48 * 1024 * 1024,
    })
    // Numbers that compression makes nothing of: 80 MB of them.
    const query = 'SELECT (hash(range) >> 1)::BIGINT AS x, hash(range + 1) AS y FROM range(5000000)'
    const seen = { rows: 0, mostOnDisk: 0n }
    await small.withSession({}, async (session) => {
      for await (const { rowCount } of session.gather(query, { doing: 'read', atMost: 5_000_000 })) {
        if (seen.rows === 0) {
          const look = 'SELECT coalesce(sum(size), 0)::BIGINT AS size FROM duckdb_temporary_files()'
          const [{ size } = {}] = await small.withSession({}, (other) => other.rows(look, { doing: 'look' }))
          if (typeof size === 'bigint') seen.mostOnDisk = size
        }
        seen.rows += rowCount
      }
    })
    expect(seen.rows).toBe(5_000_000)
    expect(seen.mostOnDisk).toBeGreaterThan(20_000_000n)
    await small.close()
    expect(await readdir(join(folder, 'gathering'))).toStrictEqual([])
  })
})

describe('a statement', () => {
  const endless = (from: string): string => `SELECT count(*) FROM ${from} AS a WHERE a.range % 7 = 9`

  test('does not start when its signal has fired', async () => {
    const run = engine.withSession({}, (session) =>
      session.run(endless('range(100000000000)'), { doing: 'count', signal: AbortSignal.abort() }),
    )
    await expect(run).rejects.toThrow(OperationAbortedError)
  })

  test('stops when its signal fires while it runs', async () => {
    const controller = new AbortController()
    const source = exposeSource({
      columns: [{ name: 'range', type: BIGINT }],
      cardinality: null,
      fill: () => {
        controller.abort()
        return 2048
      },
    })
    const run = engine.withSession({}, (session) =>
      session.run(endless(source.sql), { doing: 'count', signal: controller.signal }),
    )
    await expect(run).rejects.toThrow(OperationAbortedError)
    source.close()
  })

  test('over the memory limit is an EngineMemoryError', async () => {
    const small = await DuckDbEngine.open({
      scratchDir: join(folder, 'scratch'),
      threads: 1,
      memoryLimitBytes: 20_000_000,
    })
    const sql = `SELECT string_agg(repeat('x', 1000) || range) AS x FROM range(1000000)`
    const run = small.withSession({}, (session) => session.run(sql, { doing: 'join' }))
    await expect(run).rejects.toThrow(EngineMemoryError)
    await small.close()
  })

  test('never passes on what DuckDB says', async () => {
    const run = engine.withSession({}, (session) =>
      session.run(`SELECT 'private value'::INTEGER`, { doing: 'convert' }),
    )
    const error = await run.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(EngineError)
    expect(String(error)).not.toContain('private')
    expect((error as Error).cause).toBeUndefined()
  })
})

describe('an engine for statements that are work for one thread', () => {
  const doing = 'count'

  test('has one thread, may touch the same folders, and ends with the other', async () => {
    const inside = join(folder, 'beside', 'x.parquet')
    await mkdir(join(folder, 'beside'))
    const owner = await DuckDbEngine.open({
      scratchDir: join(folder, 'owner'),
      threads: 2,
      allowedFolders: [join(folder, 'beside')],
    })
    const [one, again] = await Promise.all([owner.sequential(), owner.sequential()])
    expect(again).toBe(one)
    const rows = await one.withSession({}, (session) =>
      session.rows("SELECT current_setting('threads') AS threads", { doing }),
    )
    expect(rows).toEqual([{ threads: 1n }])
    const copy = (path: string): Promise<unknown> =>
      one.withSession({}, (session) => session.run(`COPY (SELECT 1 AS x) TO '${path}'`, { doing }))
    await copy(inside)
    await expect(copy(join(folder, 'elsewhere.parquet'))).rejects.toThrow(EngineError)
    await owner.close()
    expect(await readdir(join(folder, 'owner'))).toEqual([])
    await expect(owner.sequential()).rejects.toThrow(InvalidArgumentError)
    await expect(one.session()).rejects.toThrow(InvalidArgumentError)
  })

  test('is the engine itself where that has no more threads', async () => {
    const own = await DuckDbEngine.open({ scratchDir: join(folder, 'single'), threads: 1 })
    expect(await own.sequential()).toBe(own)
    await own.close()
  })

  test('is opened anew after it could not be', async () => {
    const owner = await DuckDbEngine.open({ scratchDir: join(folder, 'anew'), threads: 2 })
    const away = join(folder, 'away')
    await rename(join(folder, 'anew'), away)
    // A file where a folder has to be.
    await writeFile(join(folder, 'anew'), '')
    await expect(owner.sequential()).rejects.toThrow(EngineError)
    await rm(join(folder, 'anew'))
    await rename(away, join(folder, 'anew'))
    const one = await owner.sequential()
    await one.withSession({}, (session) => session.run('SELECT 1', { doing }))
    await owner.close()
  })

  test('that cannot be closed does not keep the other from being closed', async () => {
    const owner = await DuckDbEngine.open({ scratchDir: join(folder, 'stuck'), threads: 2 })
    const one = await owner.sequential()
    const close = one.close.bind(one)
    one.close = async () => {
      await close()
      throw new StorageDeniedError('Its folder cannot be removed')
    }
    const session = await owner.session()
    await expect(owner.close()).rejects.toThrow(StorageDeniedError)
    expect(await readdir(join(folder, 'stuck'))).toEqual([])
    session.release()
    await expect(owner.session()).rejects.toThrow(InvalidArgumentError)
  })

  test('a wider instance that cannot be opened does not keep the one before from being closed', async () => {
    const owner = await DuckDbEngine.open({ scratchDir: join(folder, 'narrow'), threads: 2 })
    await mkdir(join(folder, 'wider'))
    const { scratchDir } = owner
    await rm(scratchDir, { recursive: true })
    // A file where the folder for spilled data has to be.
    await writeFile(scratchDir, '')
    const wider = owner.session({ paths: [join(folder, 'wider', 'x.parquet')] })
    // The wider instance is being opened by then.
    await Promise.resolve()
    const closed = owner.close()
    await expect(wider).rejects.toThrow(EngineError)
    await closed
    expect(await readdir(join(folder, 'narrow'))).toEqual([])
  })
})

describe('what the engine may touch', () => {
  test('is its scratch folder and the folders of the task, and no other', async () => {
    const inside = join(folder, 'inside', 'x.parquet')
    const outside = join(folder, 'outside', 'x.parquet')
    await mkdir(join(folder, 'inside'))
    await mkdir(join(folder, 'outside'))
    const copy = (path: string): Promise<unknown> =>
      engine.withSession({ paths: [inside] }, (session) =>
        session.run(`COPY (SELECT 1 AS x) TO '${path}'`, { doing: 'write' }),
      )
    await copy(inside)
    await expect(copy(outside)).rejects.toThrow(EngineError)
    await expect(copy(join(folder, 'inside', '..', 'outside', 'x.parquet'))).rejects.toThrow(EngineError)
    expect(await readdir(join(folder, 'outside'))).toEqual([])
  })

  test('stays few instances, however many folders of a table are touched', async () => {
    const own = await DuckDbEngine.open({ scratchDir: join(folder, 'other'), threads: 1 })
    for (let at = 0; at < 40; at++) {
      const path = join(folder, 'table', 'data', `k=${at}`, 'x.parquet')
      await mkdir(join(folder, 'table', 'data', `k=${at}`), { recursive: true })
      await own.withSession({ paths: [path] }, (session) =>
        session.run(`COPY (SELECT 1 AS x) TO '${path}'`, { doing: 'write' }),
      )
    }
    const instances = (await readdir(own.scratchDir)).filter((name) => name.startsWith('spill-'))
    expect(instances.length).toBeLessThan(12)
    const outside = join(folder, 'table', 'x.parquet')
    const refused = own.withSession({ paths: [] }, (session) =>
      session.run(`COPY (SELECT 1 AS x) TO '${outside}'`, { doing: 'write' }),
    )
    await expect(refused).rejects.toThrow(EngineError)
    await own.close()
  })

  test('cannot be widened by SQL, and nothing can be installed', async () => {
    const run = (sql: string): Promise<unknown> =>
      engine.withSession({}, (session) => session.run(sql, { doing: 'run' }))
    await expect(run('SET enable_external_access = true')).rejects.toThrow(EngineError)
    await expect(run("SET GLOBAL memory_limit = '100GB'")).rejects.toThrow(EngineError)
    await expect(run('INSTALL httpfs')).rejects.toThrow(EngineError)
    await expect(run('LOAD httpfs')).rejects.toThrow(EngineError)
  })

  test('a stream goes on while a wider instance takes over', async () => {
    const late = join(folder, 'late', 'x.parquet')
    await mkdir(join(folder, 'late'))
    await engine.withSession({}, async (session) => {
      let rows = 0
      for await (const part of session.stream('SELECT range AS x FROM range(20000)', { doing: 'read' })) {
        if (rows === 0) {
          await engine.withSession({ paths: [late] }, (other) =>
            other.run(`COPY (SELECT 1 AS x) TO '${late}'`, { doing: 'write' }),
          )
        }
        rows += part.rowCount
      }
      expect(rows).toBe(20_000)
    })
  })

  test('instances that could not take over leave the one before, and another may', async () => {
    const home = await mkdtemp(join(folder, 'failing-'))
    const own = await DuckDbEngine.open({ scratchDir: join(home, 'scratch'), threads: 1 })
    const wanted = ['a', 'b'].map((name) => join(home, name, 'x.parquet'))
    await Promise.all(wanted.map((path) => mkdir(dirname(path))))
    const touch = (path: string | null): Promise<unknown> =>
      own.withSession({ paths: path === null ? [] : [path] }, (session) =>
        session.run(path === null ? 'SELECT 1' : `COPY (SELECT 1 AS x) TO '${path}'`, { doing: 'write' }),
      )
    // A file where the folder for spills would be made.
    await rm(own.scratchDir, { recursive: true })
    await writeFile(own.scratchDir, '')
    const ends = await Promise.allSettled(wanted.map(touch))
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await touch(null)
    await rm(own.scratchDir)
    await Promise.all(wanted.map(touch))
    await own.close()
  })

  test('one that cannot be opened leaves no folder behind', async () => {
    const scratchDir = join(folder, 'never-opened')
    await expect(DuckDbEngine.open({ scratchDir, threads: 0 })).rejects.toThrow(EngineError)
    expect(await readdir(scratchDir)).toEqual([])
    const file = join(folder, 'no-folder')
    await writeFile(file, '')
    await expect(DuckDbEngine.open({ scratchDir: file })).rejects.toThrow(EngineError)
  })

  test('does not depend on the time zone of the process', async () => {
    const rows = await engine.withSession({}, (session) =>
      session.rows(`SELECT current_setting('TimeZone') AS zone`, { doing: 'look' }),
    )
    expect(rows).toEqual([{ zone: 'UTC' }])
  })
})

describe('a file that cannot be read', () => {
  test('is missing, or damaged, by its name', async () => {
    await mkdir(join(folder, 'files'))
    const read = async (name: string, bytes: string | null): Promise<unknown> => {
      const path = join(folder, 'files', name)
      if (bytes !== null) await writeFile(path, bytes)
      return engine
        .withSession({ paths: [path] }, (session) =>
          session.run(`FROM read_parquet('${path}')`, { doing: 'read', reading: [path] }),
        )
        .catch((error: unknown) => error)
    }
    expect(await read('gone.parquet', null)).toBeInstanceOf(MissingFileError)
    for (const bytes of ['', 'PAR1', 'these bytes are no Parquet file', `PAR1${'x'.repeat(100)}PAR1`]) {
      const error = await read('bad.parquet', bytes)
      expect(error).toBeInstanceOf(CorruptFileError)
      expect((error as CorruptFileError).file).toBe(join(folder, 'files', 'bad.parquet'))
    }
  })
})
