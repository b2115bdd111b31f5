/**
 * The embedded data plane: everything that touches rows. Nearly all of it is done by DuckDB, which is
 * loaded and opened for the first task that needs it: few rows are written without.
 */
import { InvalidArgumentError, MissingDependencyError } from '../../errors.ts'
import type { DataPlane, WriteRequest, WriteResult } from '../data-plane.ts'
import type { Block } from './column-data.ts'
import type { EngineOptions } from './connection.ts'
import type { EnginePlane } from './engine-plane.ts'
import type { RowBlocks } from './row-blocks.ts'
import { smallWrite, writeSmall, type SmallWrite } from './small-write.ts'

export type DuckDbPlaneOptions = EngineOptions

/**
 * The plane; close it to free what it holds. Its tasks throw EngineError when DuckDB cannot be opened,
 * MissingDependencyError when its native library cannot even be loaded.
 */
export async function openDuckDbPlane(options: DuckDbPlaneOptions): Promise<DataPlane> {
  const engine = new LateEngine(options)
  return {
    name: 'duckdb',
    write: (request) => write(engine, request),
    readRows: (request) => engine.iterate((plane) => plane.readRows(request)),
    readArrow: (request) => engine.iterate((plane) => plane.readArrow(request)),
    readToFile: async (request, file) => (await engine.open()).readToFile(request, file),
    countRows: async (request) => (await engine.open()).countRows(request),
    inferSchema: async (source, runOptions) => (await engine.open()).inferSchema(source, runOptions),
    match: async (request) => (await engine.open()).match(request),
    matchPartitions: async (request) => (await engine.open()).matchPartitions(request),
    deletedPositions: async (request) => (await engine.open()).deletedPositions(request),
    writePositionDeletes: async (request) => (await engine.open()).writePositionDeletes(request),
    spool: async (request) => (await engine.open()).spool(request),
    checkKeys: async (source, keys, more) => (await engine.open()).checkKeys(source, keys, more),
    keyBounds: async (source, keys, more) => (await engine.open()).keyBounds(source, keys, more),
    matchKeys: async (request) => (await engine.open()).matchKeys(request),
    adopt: async (request) => (await engine.open()).adopt(request),
    prepareSql: async (request) => (await engine.open()).prepareSql(request),
    createView: async (request, target) => (await engine.open()).createView(request, target),
    close: () => engine.close(),
  }
}

async function write(engine: LateEngine, request: WriteRequest): Promise<WriteResult> {
  engine.expectOpen()
  const small = smallWrite(request)
  if (small === null) return (await engine.open()).write(request)
  try {
    const outcome = await writeSmall(small)
    if (outcome.kind === 'written') return outcome.result
    const plane = await engine.open()
    return await plane.write(request, resumed(outcome.taken, small))
  } finally {
    // Whatever was in the way, the rows are told that no more of them are wanted.
    await small.blocks.return()
  }
}

/** Blocks that were taken, and those after them. */
function resumed(taken: readonly Block[], { blocks }: SmallWrite): RowBlocks {
  return Symbol.asyncIterator in blocks ? resumedAsync(taken, blocks) : resumedSync(taken, blocks)
}

function* resumedSync(
  taken: readonly Block[],
  rest: Generator<Block, void, undefined>,
): Generator<Block, void, undefined> {
  yield* taken
  yield* rest
}

async function* resumedAsync(
  taken: readonly Block[],
  rest: AsyncGenerator<Block, void, undefined>,
): AsyncGenerator<Block, void, undefined> {
  yield* taken
  yield* rest
}

async function loadEngine() {
  try {
    return await import('./engine-plane.ts')
  } catch (cause) {
    throw new MissingDependencyError('the native library of DuckDB cannot be loaded', {
      hint: 'Install @duckdb/node-api with its optional dependencies, on a platform that it has a library for.',
      cause,
    })
  }
}

/** The engine, opened when it is first needed. */
class LateEngine {
  readonly #options: EngineOptions
  #opening: Promise<EnginePlane> | null = null
  #closed = false

  constructor(options: EngineOptions) {
    this.#options = options
  }

  expectOpen(): void {
    if (this.#closed) throw new InvalidArgumentError('the engine is closed')
  }

  async open(): Promise<EnginePlane> {
    this.expectOpen()
    this.#opening ??= this.#open()
    return this.#opening
  }

  async #open(): Promise<EnginePlane> {
    try {
      const { openEnginePlane } = await loadEngine()
      return await openEnginePlane(this.#options)
    } catch (error) {
      // What was in the way may be gone the next time.
      this.#opening = null
      throw error
    }
  }

  async *iterate<T>(read: (plane: EnginePlane) => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    yield* read(await this.open())
  }

  async close(): Promise<void> {
    this.#closed = true
    // One that could not be opened has nothing to close.
    const plane = await this.#opening?.catch(() => null)
    await plane?.close()
  }
}
