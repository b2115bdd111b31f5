/**
 * Carries a relocation out. Whenever it is interrupted, executing the plan again, or a new one to the
 * same place, goes on with what is there; the source stays untouched in any case.
 */
import { throwIfAborted } from '../abort.ts'
import type { LoadedTable, TableIdentifier } from '../catalog/catalog.ts'
import { CommitConflictError, FloebergError, NoSuchTableError, UnsupportedFeatureError } from '../errors.ts'
import { parseTableMetadata } from '../format/metadata/parse.ts'
import { serializeTableMetadata } from '../format/metadata/serialize.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { sameLocation } from '../storage/location.ts'
import { identifierToString } from '../table/identifier.ts'
import type { Runtime, TableStorage } from '../table/runtime.ts'
import type { TableState } from '../table/table-state.ts'
import { TableHandle } from '../table/table.ts'
import { PathMap } from './path-map.ts'
import { checkPlannedTable, parsePlan, type ExecuteOptions } from './plan.ts'
import { historyContext } from './reachability.ts'
import { relocatedMetadata } from './relocated-metadata.ts'
import { TableCopy, type CopyCounts } from './relocate-files.ts'
import { relocatePlanSchema, type RelocatePlan } from './relocate-plan.ts'
import { checkFree, checkTarget, exists, markerOf } from './relocate.ts'
import { verifyRelocated } from './verify-relocated.ts'
import { expectWhole } from './whole-history.ts'

/** What a relocation did. */
export interface RelocateResult {
  /** The relocated table's metadata file: what to register, where the catalog was not told. */
  readonly metadataLocation: string
  readonly location: string
  /** By which name the catalog has it; null where it was not told. */
  readonly table: { readonly namespace: readonly string[]; readonly name: string } | null
  /** Files written at the new place, metadata included; 0 when an earlier try had done everything. */
  readonly copiedFiles: number
  readonly copiedBytes: number
  /** Files that an earlier try had copied. */
  readonly reusedFiles: number
}

/** The result, and the table as the catalog has it now; null where it was not told. */
export interface Relocated {
  readonly result: RelocateResult
  readonly table: LoadedTable | null
}

/**
 * CommitConflictError when the table was changed since the plan; TableAlreadyExistsError;
 * CorruptFileError and MissingFileError when a file is not what its manifest says;
 * OperationAbortedError; CommitStateUnknownError when it is not known whether the catalog was told.
 */
export async function executeRelocate(
  runtime: Runtime,
  given: RelocatePlan,
  options: ExecuteOptions,
): Promise<Relocated> {
  const plan = parsePlan(relocatePlanSchema, given)
  const done = await alreadyDone(runtime, plan, options)
  if (done !== null) {
    const location = done.metadataLocation ?? plan.targetMetadataLocation
    return { result: resultOf(plan, location, NOTHING), table: done }
  }
  const loaded = await runtime.catalog.loadTable(plan.table, { snapshots: 'all', signal: options.signal })
  checkPlannedTable(plan, loaded.metadata)
  if (loaded.metadataLocation !== plan.metadataLocation) throw changed(plan)
  expectWhole(loaded, plan.table)
  const { state } = await TableHandle.open(runtime, plan.table, loaded)
  checkTarget(state, plan)
  await checkFree(state, plan.to, options.signal)
  const relocation = new Relocation(state, plan, options)
  const counts = await relocation.copy()
  throwIfAborted(options.signal)
  const table = await register(runtime, plan, loaded)
  await relocation.tidy()
  return { result: resultOf(plan, plan.targetMetadataLocation, counts), table }
}

const NOTHING: CopyCounts = { copiedFiles: 0, copiedBytes: 0, reusedFiles: 0 }

/** What an earlier execution has registered; null when none has. */
async function alreadyDone(
  runtime: Runtime,
  plan: RelocatePlan,
  { signal }: ExecuteOptions,
): Promise<LoadedTable | null> {
  if (plan.registration === 'none') return null
  const id = plan.as ?? plan.table
  try {
    const loaded = await runtime.catalog.loadTable(id, { signal })
    const { metadata } = loaded
    const isIt = metadata['table-uuid'] === plan.targetUuid && sameLocation(metadata.location, plan.to)
    if (isIt) return loaded
    if (plan.as !== null) throw exists(plan.as)
    return null
  } catch (error) {
    if (error instanceof NoSuchTableError && plan.as !== null) return null
    throw error
  }
}

function resultOf(plan: RelocatePlan, metadataLocation: string, counts: CopyCounts): RelocateResult {
  const table = plan.registration === 'none' ? null : (plan.as ?? plan.table)
  return { metadataLocation, location: plan.to, table, ...counts }
}

function changed({ table }: RelocatePlan): CommitConflictError {
  return new CommitConflictError('The table was changed since the relocation was planned', {
    table: identifierToString(table),
    hint: 'Plan again, to the same place: what was copied is used again.',
  })
}

/** The last step, and the only one that anybody sees. null where the catalog is not told. */
async function register(
  runtime: Runtime,
  plan: RelocatePlan,
  loaded: LoadedTable,
): Promise<LoadedTable | null> {
  const { catalog } = runtime
  const target = plan.targetMetadataLocation
  switch (plan.registration) {
    case 'none':
      return null
    case 'register':
      return catalog.registerTable(plan.as ?? plan.table, target)
    case 'replace': {
      const expected = loaded.metadataLocation
      if (catalog.metadataPointers === undefined || expected === null) {
        throw new UnsupportedFeatureError(
          'This catalog does not let its clients move a table to other files',
          {
            hint: `Drop the table without purge, and register ${target}.`,
          },
        )
      }
      return catalog.metadataPointers.replace(plan.table, { expected, target })
    }
  }
}

class Relocation {
  readonly #state: TableState
  readonly #plan: RelocatePlan
  readonly #options: ExecuteOptions
  #target: TableStorage | null = null

  constructor(state: TableState, plan: RelocatePlan, options: ExecuteOptions) {
    this.#state = state
    this.#plan = plan
    this.#options = options
  }

  /** Everything but the registration. */
  async copy(): Promise<CopyCounts> {
    const { metadata, runtime } = this.#state
    const { signal, onProgress } = this.#options
    const paths = new PathMap(this.#plan.roots)
    const target = await this.#openTarget()
    await target.store.put(this.#marker(), new TextEncoder().encode(metadata.location), { signal })
    const source = historyContext(this.#state, metadata, signal)
    const copy = new TableCopy({
      context: source,
      source: this.#state.storage,
      target,
      metadata,
      paths,
      total: Object.values(this.#plan.files).reduce((sum, { count }) => sum + count, 0),
      onProgress,
    })
    await copy.run()
    const moved = relocatedMetadata(metadata, paths, {
      uuid: this.#plan.targetUuid,
      nowMs: runtime.clock.now(),
    })
    const bytes = await this.#putMetadata(moved, target)
    copy.counts.copiedFiles += 1
    copy.counts.copiedBytes += bytes.length
    const state = { ...this.#state, metadata: await this.#readBack(target), storage: target }
    await verifyRelocated({
      source,
      target: historyContext(state, state.metadata, signal),
      paths,
      to: this.#plan.to,
    })
    return copy.counts
  }

  async #putMetadata(metadata: TableMetadata, target: TableStorage): Promise<Uint8Array> {
    const location = this.#plan.targetMetadataLocation
    const plain = serializeTableMetadata(metadata)
    const bytes = location.endsWith('.gz.metadata.json') ? this.#state.runtime.codecs.gzip(plain) : plain
    await target.store.put(location, bytes, { signal: this.#options.signal })
    return bytes
  }

  async #readBack(target: TableStorage): Promise<TableMetadata> {
    const file = this.#plan.targetMetadataLocation
    const bytes = await target.store.get(file, { signal: this.#options.signal })
    const { codecs } = this.#state.runtime
    const isGzip = file.endsWith('.gz.metadata.json')
    return parseTableMetadata(
      isGzip ? codecs.gunzip(bytes, { maxBytes: LARGEST_METADATA, file }) : bytes,
      file,
    )
  }

  async #openTarget(): Promise<TableStorage> {
    const identifier: TableIdentifier = this.#plan.as ?? this.#plan.table
    const request = { identifier, location: this.#plan.to, config: {}, credentials: [] }
    this.#target ??= await this.#state.runtime.openStorage(request)
    return this.#target
  }

  #marker(): string {
    return markerOf(this.#plan.to, this.#plan.tableUuid)
  }

  /** The table is where it is to be: nobody need go on here. */
  async tidy(): Promise<void> {
    try {
      await (await this.#openTarget()).store.delete([this.#marker()])
    } catch (error) {
      // It bears a name by which orphan removal takes it; the relocation itself has succeeded.
      if (!(error instanceof FloebergError)) throw error
    }
  }
}

const LARGEST_METADATA = 1024 * 1024 * 1024
