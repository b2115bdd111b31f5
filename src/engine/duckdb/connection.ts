/**
 * The embedded DuckDB: opened locked down, with sessions (connections) handed out one per task.
 *
 * What a DuckDB instance may touch on disk is fixed when it is opened and cannot be widened. When a
 * task needs a folder that the running instance may not touch, a wider instance takes over, and another
 * one once a disk was full; the old one is closed as soon as its last session is given back.
 */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { InvalidArgumentError } from '../../errors.ts'
import { engineError } from './errors.ts'
import { registerJsSource } from './js-source.ts'
import { outputError } from './output-path.ts'
import { registerScalarFunctions } from './scalar-functions.ts'
import { Session, type SessionEnd } from './session.ts'
import { quoteTexts, withoutWildcards } from './sql.ts'

export interface EngineOptions {
  /**
   * Bytes; half of what the machine (or its container) has, when absent. Not counted are the few row
   * groups that are being written of rows handed over by this process: see `sequential`.
   */
  readonly memoryLimitBytes?: number | undefined
  /** One per core when absent. */
  readonly threads?: number | undefined
  /** Where spilled and spooled data go; created when missing. */
  readonly scratchDir: string
  /** Folders that the engine may read and write from the start, such as a local warehouse. */
  readonly allowedFolders?: readonly string[] | undefined
}

/** One DuckDB instance, and what it may touch. */
interface Generation {
  readonly instance: DuckDBInstance
  readonly folders: readonly string[]
  readonly tempDir: string
  readonly idle: DuckDBConnection[]
  sessions: number
  retired: boolean
}

const MAX_AHEAD_BYTES = 64 * 1024 ** 2
/** Of the engine's memory. */
const AHEAD_SHARE = 1 / 16

/** Connections kept open for the next task. */
const MAX_IDLE = 4

/**
 * More folders than this within one folder and it is allowed in their stead, so that a table of many
 * partitions does not open an instance for each.
 */
const MAX_SIBLINGS = 8

export class DuckDbEngine {
  readonly #options: EngineOptions
  readonly #home: string
  /** Never rejects. */
  #current: Promise<Generation>
  #sequential: Promise<DuckDbEngine> | null = null
  #closed = false

  private constructor(options: EngineOptions, home: string, first: Promise<Generation>) {
    this.#options = options
    this.#home = home
    this.#current = first
  }

  static async open(options: EngineOptions): Promise<DuckDbEngine> {
    const home = await openHome(options.scratchDir)
    try {
      // What is staged for this engine lies beside its own folder.
      const folders = await widened([home], [options.scratchDir, ...(options.allowedFolders ?? [])])
      const first = openGeneration(options, home, folders)
      await first
      return new DuckDbEngine(options, home, first)
    } catch (error) {
      await rm(home, { recursive: true, force: true })
      throw error
    }
  }

  /** A private folder of this engine that every session may read and write; removed by `close`. */
  get scratchDir(): string {
    return this.#home
  }

  /**
   * Bytes of rows that a scan may have ready for its reader, and of Arrow batches that it may leave to the
   * garbage collector before that runs.
   */
  get aheadBytes(): number {
    const { memoryLimitBytes = defaultMemoryLimit() } = this.#options
    return Math.min(MAX_AHEAD_BYTES, memoryLimitBytes * AHEAD_SHARE)
  }

  /**
   * A session that may touch the folders of these local paths, for one task at a time. Give it
   * back with `release`.
   */
  async session(options: { readonly paths?: readonly string[] | undefined } = {}): Promise<Session> {
    const paths = options.paths ?? []
    let generation = await this.#reaching(paths)
    // Another one took over in this very turn: nobody used this one, so it is closed.
    while (generation.retired) generation = await this.#reaching(paths)
    generation.sessions += 1
    try {
      const connection = generation.idle.pop() ?? (await generation.instance.connect())
      return new Session(connection, (end) => giveBack(generation, connection, end))
    } catch (error) {
      leave(generation)
      throw engineError(error, { doing: 'open a connection' })
    }
  }

  /** Runs a task with a session and gives the session back, whatever happens. */
  async withSession<T>(
    options: { readonly paths?: readonly string[] | undefined },
    task: (session: Session) => Promise<T>,
  ): Promise<T> {
    const session = await this.session(options)
    try {
      return await task(session)
    } finally {
      session.release()
    }
  }

  /**
   * An engine with one thread, opened on first use, for statements each of which is work for one
   * thread. Among more threads an idle one takes such a statement over, while the one that
   * called for it spins until it is done: on two cores that costs a fifth of the time. The memory limit
   * is that of this engine once more, so only what is bounded by itself goes there.
   */
  sequential(): Promise<DuckDbEngine> {
    if (this.#closed) return Promise.reject(isClosed())
    if (this.#options.threads === 1) return Promise.resolve(this)
    this.#sequential ??= this.#openSequential().catch((error: unknown) => {
      // Whoever comes next tries anew.
      this.#sequential = null
      throw error
    })
    return this.#sequential
  }

  async #openSequential(): Promise<DuckDbEngine> {
    const { folders } = await this.#current
    return DuckDbEngine.open({ ...this.#options, threads: 1, allowedFolders: folders })
  }

  /**
   * Closes every instance that no session uses; others close with their last session. What fails is
   * thrown when all else is closed.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const ends = await Promise.allSettled([this.#closeSequential(), this.#closeOwn()])
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  async #closeSequential(): Promise<void> {
    // One that could not be opened has nothing to close.
    const engine = await this.#sequential?.catch(() => null)
    await engine?.close()
  }

  async #closeOwn(): Promise<void> {
    try {
      retire(await this.#current)
    } finally {
      await rm(this.#home, { recursive: true, force: true })
    }
  }

  async #reaching(paths: readonly string[]): Promise<Generation> {
    if (this.#closed) throw isClosed()
    const current = await this.#current
    // Nobody would close an instance that took over after this one was.
    if (this.#closed) throw isClosed()
    if (serves(current, paths)) return current
    // Queued behind whoever needs another one at the same moment, so that their folders are kept as well.
    const previous = this.#current
    const next = previous.then((before) => this.#following(before, paths))
    // One that cannot be opened leaves the one before, for tasks that need no more.
    this.#current = next.catch(() => previous)
    return next
  }

  async #following(before: Generation, paths: readonly string[]): Promise<Generation> {
    if (serves(before, paths)) return before
    const folders = await widened(before.folders, foldersOutside(before.folders, paths))
    const next = await openGeneration(this.#options, this.#home, folders)
    retire(before)
    return next
  }
}

function isClosed(): InvalidArgumentError {
  return new InvalidArgumentError('the engine is closed')
}

function giveBack(generation: Generation, connection: DuckDBConnection, end: SessionEnd): void {
  const { reusable, diskWasFull } = end
  // What it has left on the disk goes with the instance only.
  if (diskWasFull) retire(generation)
  if (reusable && !generation.retired && generation.idle.length < MAX_IDLE) generation.idle.push(connection)
  else connection.closeSync()
  leave(generation)
}

function leave(generation: Generation): void {
  generation.sessions -= 1
  if (generation.retired && generation.sessions === 0) generation.instance.closeSync()
}

/** Idempotent: what is retired is closed with its last session. */
function retire(generation: Generation): void {
  if (generation.retired) return
  generation.retired = true
  for (const connection of generation.idle.splice(0)) connection.closeSync()
  if (generation.sessions === 0) generation.instance.closeSync()
}

/** A new folder of one engine within the scratch folder, which is made when missing. */
async function openHome(scratchDir: string): Promise<string> {
  try {
    await mkdir(scratchDir, { recursive: true })
    return await mkdtemp(join(await realpath(scratchDir), 'duckdb-'))
  } catch (error) {
    throw engineError(outputError(error, scratchDir), { doing: 'make its folder in the scratch folder' })
  }
}

let generations = 0

async function openGeneration(
  options: EngineOptions,
  home: string,
  folders: readonly string[],
): Promise<Generation> {
  generations += 1
  // Two instances must not share a folder for spilled blocks: DuckDB names them alike.
  const tempDir = join(home, `spill-${generations}`)
  let instance: DuckDBInstance | null = null
  try {
    await mkdir(tempDir, { recursive: true })
    instance = await DuckDBInstance.create(':memory:', configuration(options, tempDir))
    const connection = await instance.connect()
    await connection.run("SET GLOBAL TimeZone = 'UTC'")
    registerJsSource(connection)
    registerScalarFunctions(connection)
    // In this order: folders cannot be named once access is off, and nothing can be set once locked.
    // DuckDB compares a pattern with them before it expands it, and what it finds again.
    const allowed = [...new Set(folders.flatMap((folder) => [folder, withoutWildcards(folder)]))]
    await connection.run(`SET GLOBAL allowed_directories = ${quoteTexts(allowed)}`)
    await connection.run('SET GLOBAL enable_external_access = false')
    await connection.run('SET GLOBAL lock_configuration = true')
    return { instance, folders, tempDir, idle: [connection], sessions: 0, retired: false }
  } catch (error) {
    instance?.closeSync()
    throw engineError(outputError(error, tempDir), { doing: 'open the embedded engine' })
  }
}

/** What a session of ours changes for one statement; all else stays locked. */
const SESSION_SETTINGS = [
  'enable_progress_bar',
  'enable_progress_bar_print',
  'partitioned_write_max_open_files',
  'progress_bar_time',
  'streaming_buffer_size',
]

function configuration(options: EngineOptions, tempDir: string): Record<string, string> {
  return {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
    enable_external_file_cache: 'false',
    preserve_insertion_order: 'true',
    temp_directory: tempDir,
    memory_limit: `${options.memoryLimitBytes ?? defaultMemoryLimit()}B`,
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    allowed_configs: `[${SESSION_SETTINGS.map((name) => `'${name}'`).join(', ')}]`,
  }
}

function defaultMemoryLimit(): number {
  const constrained = process.constrainedMemory()
  const total = totalmem()
  // Without a container the constraint is 0 or a number beyond any machine.
  const available = constrained > 0 && constrained < total ? constrained : total
  return Math.floor(available / 2)
}

/** Whether tasks that touch these paths may begin on it. */
function serves(generation: Generation, paths: readonly string[]): boolean {
  return !generation.retired && foldersOutside(generation.folders, paths).length === 0
}

function foldersOutside(folders: readonly string[], paths: readonly string[]): readonly string[] {
  const outside = new Set<string>()
  for (const path of paths) {
    const folder = dirname(resolve(path))
    if (!outside.has(folder) && !isAllowed(folders, folder)) outside.add(folder)
  }
  return [...outside]
}

function isAllowed(folders: readonly string[], folder: string): boolean {
  return folders.some((allowed) => folder === allowed || folder.startsWith(withSeparator(allowed)))
}

function withSeparator(folder: string): string {
  return folder.endsWith(sep) ? folder : folder + sep
}

/** Folders as they are named and as they really are: DuckDB looks behind symbolic links. */
async function widened(before: readonly string[], added: readonly string[]): Promise<readonly string[]> {
  const all = new Set(before)
  for (const folder of added) {
    const named = resolve(folder)
    all.add(named)
    all.add(await realpath(named).catch(() => named)) // not there yet: it is made under this very name
  }
  return merged([...all])
}

/** Folders with many beside them make way for the one around them. */
function merged(folders: readonly string[]): readonly string[] {
  const siblings = new Map<string, number>()
  for (const folder of folders) {
    const parent = dirname(folder)
    siblings.set(parent, (siblings.get(parent) ?? 0) + 1)
  }
  const wide = [...siblings].filter(([parent, count]) => count > MAX_SIBLINGS && !isRoot(parent))
  if (wide.length === 0) return folders
  const parents = wide.map(([parent]) => parent)
  return merged([...new Set([...parents, ...folders.filter((folder) => !isAllowed(parents, folder))])])
}

function isRoot(folder: string): boolean {
  return dirname(folder) === folder || dirname(dirname(folder)) === dirname(folder)
}
