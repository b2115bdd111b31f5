/** Rolling a branch back, and what does not come back with its rows. */
import { diffSchemas, type SchemaDifference } from '../format/evolution/schema-diff.ts'
import type { ManifestFile } from '../format/manifest/list.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import {
  ancestorsOf,
  currentSchema,
  defaultSortOrder,
  defaultSpec,
  refSnapshot,
  snapshotById,
  specsById,
} from '../format/metadata/views.ts'
import { sameFields, type PartitionSpec } from '../format/partition-spec.ts'
import { applyRefEdit } from '../format/refs/apply-ref-edit.ts'
import { MAIN_BRANCH, type Snapshot } from '../format/snapshot.ts'
import { schemaFromJson } from '../format/schema.ts'
import { sortOrderFromJson, type SortOrder } from '../format/sort-order.ts'
import { contextOf } from '../maintenance/live-files.ts'
import { entriesOf, manifestsOf } from '../table/manifest-reader.ts'
import type { TableHandle } from '../table/table.ts'
import { parseSnapshotId } from '../table/time-travel.ts'
import { commitSnapshotEdits } from './commit-snapshots.ts'
import type { ManageSnapshotsCommitOptions, RollbackOptions } from './manage-snapshots.ts'
import { checkRefName } from './ref-options.ts'

/** How a table is rolled back. */
export interface RollbackToSnapshotOptions extends RollbackOptions, ManageSnapshotsCommitOptions {
  /** Says what a rollback would come to, and commits nothing. Default: false. */
  readonly dryRun?: boolean | undefined
}

/** What a rollback came to. */
export interface RollbackResult {
  readonly branch: string
  /** The branch's head before; null when it had none. */
  readonly previousSnapshotId: bigint | null
  readonly snapshotId: bigint
  /** False where it was the head already: nothing was committed. */
  readonly changed: boolean
  /** Snapshots that are no longer in the branch's history, newest first. They stay until they are expired. */
  readonly abandonedSnapshotIds: readonly bigint[]
  /** From that snapshot's schema to the table's, which stays. */
  readonly schemaDifferences: readonly SchemaDifference[]
  /** The spec of that snapshot's newest files, where new files get another; else null. */
  readonly partitionSpecThen: PartitionSpec | null
  /** The order of that snapshot's newest files, where they name one and new files get another; else null. */
  readonly sortOrderThen: SortOrder | null
  /** How often the commit was sent. */
  readonly attempts: number
}

/** Carries `rollbackToSnapshot` out. */
export async function rollbackTable<In, Out>(
  table: TableHandle<In, Out>,
  id: bigint | string,
  options: RollbackToSnapshotOptions,
): Promise<RollbackResult> {
  const snapshotId = parseSnapshotId(id)
  const branch = checkRefName(options.branch ?? MAIN_BRANCH)
  const { metadata } = table
  const edit = { type: 'rollback', branch, target: snapshotId, force: options.force ?? false } as const
  // Refused before anything is read or sent.
  applyRefEdit(metadata, edit)
  const previous = refSnapshot(metadata, branch)
  const then = await layoutThen(table, snapshotId, options.signal)
  const { attempts } =
    options.dryRun === true ? { attempts: 0 } : await commitSnapshotEdits(table, [edit], options)
  return {
    branch,
    previousSnapshotId: previous?.['snapshot-id'] ?? null,
    snapshotId,
    changed: previous?.['snapshot-id'] !== snapshotId,
    abandonedSnapshotIds: previous === null ? [] : abandoned(metadata, previous, snapshotId),
    ...then,
    attempts,
  }
}

/** The old head and its ancestors, up to the first that the new head has too. */
function abandoned(metadata: TableMetadata, previous: Snapshot, to: bigint): readonly bigint[] {
  const kept = new Set(ancestorIds(metadata, to))
  const ids = ancestorIds(metadata, previous['snapshot-id'])
  const shared = ids.findIndex((each) => kept.has(each))
  return shared === -1 ? ids : ids.slice(0, shared)
}

function ancestorIds(metadata: TableMetadata, id: bigint): readonly bigint[] {
  return ancestorsOf(metadata, id).map((snapshot) => snapshot['snapshot-id'])
}

type Layout = Pick<RollbackResult, 'schemaDifferences' | 'partitionSpecThen' | 'sortOrderThen'>

/**
 * How the table was laid out in that snapshot. Snapshots say their schema; spec and order are known
 * from the files that it added itself, or that were newest in it.
 */
async function layoutThen<In, Out>(
  table: TableHandle<In, Out>,
  snapshotId: bigint,
  signal: AbortSignal | undefined,
): Promise<Layout> {
  const { metadata } = table
  const snapshot = snapshotById(metadata, snapshotId)
  const json = metadata.schemas.find((schema) => schema['schema-id'] === snapshot?.['schema-id'])
  const schema = json === undefined ? currentSchema(metadata) : schemaFromJson(json)
  const manifest = snapshot === null ? null : await newestManifest(table, snapshot, signal)
  return {
    schemaDifferences: diffSchemas(schema, currentSchema(metadata)),
    partitionSpecThen: manifest === null ? null : specThen(metadata, manifest),
    sortOrderThen: manifest === null ? null : await orderThen(table, manifest, signal),
  }
}

async function newestManifest<In, Out>(
  table: TableHandle<In, Out>,
  snapshot: Snapshot,
  signal: AbortSignal | undefined,
): Promise<ManifestFile | null> {
  const manifests = await manifestsOf(contextOf(table.state, signal), snapshot)
  const data = manifests.filter((manifest) => manifest.content === 'data')
  const own = data.find((manifest) => manifest.addedSnapshotId === snapshot['snapshot-id'])
  return own ?? data.toSorted((a, b) => b.sequenceNumber - a.sequenceNumber)[0] ?? null
}

function specThen(metadata: TableMetadata, { specId }: ManifestFile): PartitionSpec | null {
  const spec = specsById(metadata).get(specId)
  return spec === undefined || sameFields(spec, defaultSpec(metadata)) ? null : spec
}

/** Files that name no order may have been sorted all the same: nothing is claimed of those. */
async function orderThen<In, Out>(
  table: TableHandle<In, Out>,
  manifest: ManifestFile,
  signal: AbortSignal | undefined,
): Promise<SortOrder | null> {
  const { metadata } = table
  const orders = metadata['sort-orders'].map(sortOrderFromJson)
  if (orders.every((order) => order.fields.length === 0)) return null
  const entries = await entriesOf(contextOf(table.state, signal), manifest)
  const id = entries.find((entry) => entry.status !== 'deleted')?.file.sortOrderId ?? 0
  const order = orders.find((each) => each.orderId === id && each.fields.length > 0)
  return order === undefined || order.orderId === defaultSortOrder(metadata).orderId ? null : order
}
