/** Planning and carrying out a rewriting of manifests. */
import { z } from 'zod'
import type { LoadedTable } from '../catalog/catalog.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { ManifestFile } from '../format/manifest/list.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { snapshotById, specById, specsById } from '../format/metadata/views.ts'
import { MAIN_BRANCH } from '../format/snapshot.ts'
import { commitChange } from '../table/commit.ts'
import { writableManifests } from '../table/manifest-reader.ts'
import {
  BYTES_IN_ORDER,
  bytesOf,
  isClustered,
  isWorthIt,
  RewriteManifestsChange,
} from '../table/operations/rewrite-manifests.ts'
import type { CommitRetryOptions } from '../table/retry-policy.ts'
import { refuseUnwritable } from '../table/snapshot-producer.ts'
import type { TableState } from '../table/table-state.ts'
import { writableHead } from '../table/write-branch.ts'
import { contextOf } from './live-files.ts'
import {
  parsePlan,
  planHead,
  planHeadShape,
  planId,
  type ExecuteOptions,
  type MaintenancePlan,
} from './plan.ts'

/** A manifest that may be replaced. */
export interface PlannedManifest {
  readonly location: string
  readonly bytes: number
  readonly specId: number
  readonly content: 'data' | 'deletes'
  /** Files that it lists and that are not deleted; null where its list does not say. */
  readonly files: number | null
}

/** Which manifests are rewritten, and how. */
export interface RewriteManifestsChoices {
  /** Only those of this partition spec. Default: of every spec, each for itself. */
  readonly specId?: number | undefined
  /** Only those for which this is true. */
  readonly predicate?: ((manifest: PlannedManifest) => boolean) | undefined
  /**
   * Names of partition fields: files are listed in the order of their values, so that a scan that
   * knows some of them opens few manifests. Default: all fields, in the spec's order. Where they are
   * named, manifests that overlap in the first of them are rewritten even if their number is right
   * (of up to 128 MiB; beyond that, entries are put in order part by part).
   */
  readonly clusterBy?: readonly string[] | undefined
  /** Default: main. */
  readonly branch?: string | undefined
  /** Entries for the snapshot's summary. */
  readonly snapshotProperties?: Readonly<Record<string, string>> | undefined
}

/** Manifests of one spec and one kind of content, that become others. */
export interface ManifestsGroup {
  readonly specId: number
  readonly content: 'data' | 'deletes'
  readonly clusterBy: readonly string[]
  /** Rewritten for their order, though their number is right. */
  readonly isForced: boolean
  readonly manifests: readonly PlannedManifest[]
  readonly bytes: number
}

/** Which manifests a rewriting would replace. */
export interface RewriteManifestsPlan extends MaintenancePlan<'rewrite-manifests'> {
  readonly branch: string
  /** Head of the branch; null when it has none. */
  readonly snapshotId: string | null
  readonly snapshotProperties: Readonly<Record<string, string>>
  readonly groups: readonly ManifestsGroup[]
}

const contents = z.enum(['data', 'deletes'])
const count = z.int().nonnegative()

/** The Zod schema of a `RewriteManifestsPlan`. */
export const manifestsPlanSchema = z.object({
  ...planHeadShape,
  kind: z.literal('rewrite-manifests'),
  branch: z.string().min(1),
  snapshotId: planId.nullable(),
  snapshotProperties: z.record(z.string(), z.string()),
  groups: z.array(
    z.object({
      specId: count,
      content: contents,
      clusterBy: z.array(z.string()),
      isForced: z.boolean(),
      manifests: z
        .array(
          z.object({
            location: z.string().min(1),
            bytes: count,
            specId: count,
            content: contents,
            files: count.nullable(),
          }),
        )
        .min(1),
      bytes: count,
    }),
  ),
})

/** What a rewriting of manifests did. */
export interface RewriteManifestsResult {
  /** null when there was nothing to do: nothing was committed. */
  readonly snapshotId: bigint | null
  readonly replacedManifests: number
  readonly createdManifests: number
  readonly keptManifests: number
  /** Entries of the manifests that were created. */
  readonly entries: number
  /** How often the commit was sent. */
  readonly attempts: number
}

/** InvalidArgumentError for a spec or a partition field that the table does not have; UnsupportedFeatureError. */
export async function planManifests(
  state: TableState,
  choices: RewriteManifestsChoices,
  signal?: AbortSignal,
): Promise<RewriteManifestsPlan> {
  const { metadata } = state
  refuseUnwritable(metadata)
  checkChoices(metadata, choices)
  const branch = choices.branch ?? MAIN_BRANCH
  const head = writableHead(metadata, branch)
  const manifests = head === null ? [] : await writableManifests(contextOf(state, signal), head)
  const { predicate = () => true, specId } = choices
  const wanted = manifests.filter(
    (manifest) =>
      (specId === undefined || manifest.specId === specId) && predicate(plannedManifest(manifest)),
  )
  const groups = Map.groupBy(wanted, (manifest) => `${manifest.specId}|${manifest.content}`)
  return {
    ...planHead('rewrite-manifests', state),
    branch,
    snapshotId: head === null ? null : head['snapshot-id'].toString(),
    snapshotProperties: choices.snapshotProperties ?? {},
    groups: [...groups.values()].flatMap((group) => {
      const planned = plannedGroup(metadata, group, choices)
      return planned.isForced || isWorthIt(metadata, group) ? [planned] : []
    }),
  }
}

/** Rewrites what a plan names, as far as it is still listed. */
export async function executeManifests(
  state: TableState,
  given: RewriteManifestsPlan,
  options: ExecuteOptions & { readonly retry?: CommitRetryOptions | undefined } = {},
): Promise<{ readonly result: RewriteManifestsResult; readonly loaded: LoadedTable }> {
  const { branch, snapshotProperties, groups } = parsePlan(manifestsPlanSchema, given)
  const { runtime, storage, id, loaded, metadata } = state
  refuseUnwritable(metadata)
  if (groups.length === 0) return { result: NOTHING, loaded }
  const change = new RewriteManifestsChange(
    { runtime, storage, branch, snapshotProperties },
    groups.map((group) => ({
      ...group,
      locations: new Set(group.manifests.map(({ location }) => location)),
    })),
  )
  const { retry, signal } = options
  const { table, attempts } = await commitChange(runtime, id, loaded, change, { ...retry, signal })
  const isCommitted = snapshotById(table.metadata, change.snapshotId) !== null
  const { replaced, created, kept, entries } = change.counts
  return {
    loaded: table,
    result: isCommitted
      ? {
          snapshotId: change.snapshotId,
          replacedManifests: replaced,
          createdManifests: created,
          keptManifests: kept,
          entries,
          attempts,
        }
      : { ...NOTHING, attempts },
  }
}

const NOTHING: RewriteManifestsResult = {
  snapshotId: null,
  replacedManifests: 0,
  createdManifests: 0,
  keptManifests: 0,
  entries: 0,
  attempts: 0,
}

const OPTIONS = new Set(['specId', 'predicate', 'clusterBy', 'branch', 'snapshotProperties'])

function checkChoices(metadata: TableMetadata, choices: RewriteManifestsChoices): void {
  const unknown = Object.keys(choices).find((key) => !OPTIONS.has(key))
  if (unknown !== undefined) throw new InvalidArgumentError(`rewriting manifests has no option '${unknown}'`)
  const { specId, clusterBy = [] } = choices
  const specs = specsById(metadata)
  if (specId !== undefined && !specs.has(specId)) {
    throw new InvalidArgumentError(`specId: the table has no partition spec ${specId}`)
  }
  const names = new Set(
    [...specs.values()]
      .filter((spec) => specId === undefined || spec.specId === specId)
      .flatMap((spec) => spec.fields.map((field) => field.name)),
  )
  const missing = clusterBy.find((name) => !names.has(name))
  if (missing === undefined) return
  throw new InvalidArgumentError(`clusterBy: no partition field is called '${missing}'`)
}

function plannedGroup(
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
  { clusterBy }: RewriteManifestsChoices,
): ManifestsGroup {
  const { specId = 0, content = 'data' } = manifests[0] ?? {}
  const names = specById(metadata, specId).fields.map((field) => field.name)
  const fields = clusterBy === undefined ? names : clusterBy.filter((name) => names.includes(name))
  return {
    specId,
    content,
    clusterBy: fields,
    // Of more than that the order is made part by part, and would never be as it is looked for here.
    isForced:
      clusterBy !== undefined &&
      bytesOf(manifests) <= BYTES_IN_ORDER &&
      !isClustered(metadata, { specId, clusterBy: fields }, manifests),
    manifests: manifests.map(plannedManifest),
    bytes: bytesOf(manifests),
  }
}

function plannedManifest(manifest: ManifestFile): PlannedManifest {
  const { location, length, specId, content, addedFilesCount, existingFilesCount } = manifest
  const files =
    addedFilesCount === null || existingFilesCount === null ? null : addedFilesCount + existingFilesCount
  return { location, bytes: length, specId, content, files }
}
