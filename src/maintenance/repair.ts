/**
 * Bringing back a table whose current metadata file is missing or damaged: the catalog's pointer goes
 * back to an earlier version, by a conditional swap. What was committed since that version is given
 * up, so this is never done by itself: a plan says to what, and somebody decides.
 */
import type { MetadataPointers, TableIdentifier } from '../catalog/catalog.ts'
import {
  CommitConflictError,
  CommitRejectedError,
  InvalidArgumentError,
  UnsupportedFeatureError,
} from '../errors.ts'
import { identifierToString } from '../table/identifier.ts'
import type { Runtime } from '../table/runtime.ts'
import { parsePlan, refHeads } from './plan.ts'
import { repairPlanSchema, type RepairPlan } from './repair-plan.ts'
import { missingFilesOf } from './version-files.ts'
import { anotherTable, readVersion, VersionSearch } from './version-search.ts'

/** How a repair is planned. */
export interface RepairOptions {
  /**
   * Full location of the metadata file to go back to. Default: the newest that the catalog itself is
   * known to have pointed to. Needed for one that was only found in the metadata folder.
   */
  readonly metadataLocation?: string | undefined
  /** Ends the call with OperationAbortedError. */
  readonly signal?: AbortSignal | undefined
}

/** What a repair did. */
export interface RepairResult {
  /** Where the catalog points now. */
  readonly metadataLocation: string
  /** The broken file, to which it pointed before. */
  readonly previousLocation: string
  /** The current snapshot of the version; null when it has none. */
  readonly snapshotId: bigint | null
}

/** Looks for versions of a broken table. InvalidArgumentError for one that can be read. */
export async function planRepair(
  runtime: Runtime,
  id: TableIdentifier,
  options: RepairOptions,
): Promise<RepairPlan> {
  const pointers = pointersOf(runtime, id)
  const { metadataLocation, previousLocation } = await pointers.find(id, options)
  const problem = await problemOf(pointers, id, metadataLocation, options)
  if (problem === null) {
    throw new InvalidArgumentError('The table’s metadata can be read: there is nothing to repair', {
      table: identifierToString(id),
      file: metadataLocation,
      hint: 'To undo a change, roll back to an earlier snapshot.',
    })
  }
  const search = new VersionSearch(runtime, id, pointers, options)
  await search.follow(previousLocation)
  await search.list(metadataLocation)
  const target = await search.choose(options.metadataLocation)
  const { metadata } = target ?? {}
  return {
    version: 1,
    kind: 'repair',
    table: { namespace: [...id.namespace], name: id.name },
    // Of a table of which nothing can be read not even its id is known.
    tableUuid: metadata?.['table-uuid'] ?? UNKNOWN_UUID,
    metadataLocation,
    refs: metadata === undefined ? {} : refHeads(metadata),
    broken: { location: metadataLocation, problem },
    target: target?.version ?? null,
    targetProblems: metadata === undefined ? [] : await missingFilesOf(runtime, id, metadata, options.signal),
    versions: search.versions(metadataLocation),
  }
}

const UNKNOWN_UUID = 'unknown'

/**
 * Points the catalog to the plan's target, if it still points to the broken file and that still cannot
 * be read.
 *
 * InvalidArgumentError when the plan has no target; CommitConflictError, CommitRejectedError,
 * CommitStateUnknownError, MissingFileError, CorruptFileError.
 */
export async function executeRepair(
  runtime: Runtime,
  given: RepairPlan,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<RepairResult> {
  const plan = parsePlan(repairPlanSchema, given)
  const { table: id, broken, target } = plan
  const pointers = pointersOf(runtime, id)
  const details = { table: identifierToString(id), file: broken.location }
  if (target === null) {
    throw new InvalidArgumentError('The plan does not say to which version the table goes back', {
      ...details,
      hint: 'Choose one of its versions, and plan again with its full location as metadataLocation (`--to`).',
    })
  }
  const metadata = await pointers.read(id, target.location, options)
  if (metadata['table-uuid'] !== plan.tableUuid) throw anotherTable(id, target.location)
  const { metadataLocation, previousLocation } = await pointers.find(id, options)
  if (metadataLocation !== target.location) {
    await refuseAnother(pointers, plan, previousLocation, options)
    if (metadataLocation !== broken.location) {
      throw new CommitConflictError('The catalog points to another file than when the repair was planned', {
        ...details,
        hint: 'Look whether the table can be read now; if not, plan again.',
      })
    }
    if ((await problemOf(pointers, id, broken.location, options)) === null) {
      throw new CommitRejectedError('The table’s metadata can be read again', {
        ...details,
        hint: 'Nothing was changed: to go back would lose what was committed since.',
      })
    }
    await pointers.replace(id, { expected: broken.location, target: target.location }, options)
  }
  return {
    metadataLocation: target.location,
    previousLocation: broken.location,
    snapshotId: metadata['current-snapshot-id'],
  }
}

/** CommitRejectedError where the version before the broken one, if it can be read, is of another table. */
async function refuseAnother(
  pointers: MetadataPointers,
  { table, tableUuid, target }: RepairPlan,
  previousLocation: string | null,
  options: RepairOptions,
): Promise<void> {
  if (previousLocation === null) return
  const before = await readVersion(pointers, table, previousLocation, options)
  if (typeof before === 'string' || before['table-uuid'] === tableUuid) return
  throw anotherTable(table, target?.location ?? previousLocation)
}

function pointersOf({ catalog }: Runtime, id: TableIdentifier): MetadataPointers {
  if (catalog.metadataPointers !== undefined) return catalog.metadataPointers
  throw new UnsupportedFeatureError('This catalog does not let its clients move a table to another version', {
    table: identifierToString(id),
    hint: 'Drop the table without purge (its files stay), and register the metadata file that you want.',
  })
}

/** null: it can be read. */
async function problemOf(
  pointers: MetadataPointers,
  id: TableIdentifier,
  location: string,
  options: RepairOptions,
): Promise<RepairPlan['broken']['problem'] | null> {
  const read = await readVersion(pointers, id, location, options)
  if (read === 'unsupported') {
    throw new UnsupportedFeatureError('The table is not broken: its metadata is of a newer format version', {
      table: identifierToString(id),
      file: location,
      hint: 'Use a newer version of floeberg.',
    })
  }
  return typeof read === 'string' ? read : null
}
