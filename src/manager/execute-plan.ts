/**
 * Carrying out a plan of upkeep, of whichever kind. A new kind is a member of `Plan`, one of
 * `PlanResults`, and a case.
 */
import { UnsupportedFeatureError } from '../errors.ts'
import { executeCompaction, type CompactionResult } from '../maintenance/compact.ts'
import { compactionPlanSchema, type CompactionPlan } from '../maintenance/compaction-plan.ts'
import {
  executeManifests,
  manifestsPlanSchema,
  type RewriteManifestsPlan,
  type RewriteManifestsResult,
} from '../maintenance/manifests-plan.ts'
import {
  positionDeletesPlanSchema,
  type RewritePositionDeletesPlan,
} from '../maintenance/position-deletes-plan.ts'
import {
  executePositionDeletes,
  type RewritePositionDeletesResult,
} from '../maintenance/rewrite-position-deletes.ts'
import { executeExpire, parseExpirePlan, type ExpireResult } from '../maintenance/expire.ts'
import type { ExpirePlan } from '../maintenance/expire-plan.ts'
import { executeOrphanFiles, type OrphanFilesResult } from '../maintenance/execute-orphans.ts'
import { orphanFilesPlanSchema, type OrphanFilesPlan } from '../maintenance/orphan-plan.ts'
import { executeRepair, type RepairResult } from '../maintenance/repair.ts'
import { repairPlanSchema, type RepairPlan } from '../maintenance/repair-plan.ts'
import { executeRelocate, type RelocateResult } from '../maintenance/execute-relocate.ts'
import { relocatePlanSchema, type RelocatePlan } from '../maintenance/relocate-plan.ts'
import {
  checkPlannedTable,
  parsePlan,
  parsePlanHead,
  type ExecuteOptions,
  type MaintenancePlan,
} from '../maintenance/plan.ts'
import type { Runtime } from '../table/runtime.ts'
import { TableHandle } from '../table/table.ts'
import type { TableState } from '../table/table-state.ts'

/** Every plan that `execute` takes. */
export type Plan =
  | CompactionPlan
  | RewriteManifestsPlan
  | RewritePositionDeletesPlan
  | ExpirePlan
  | OrphanFilesPlan
  | RepairPlan
  | RelocatePlan

/** What executing a plan answers, by the plan's kind. */
export interface PlanResults {
  readonly compact: CompactionResult
  readonly 'rewrite-manifests': RewriteManifestsResult
  readonly 'rewrite-position-deletes': RewritePositionDeletesResult
  readonly expire: ExpireResult
  readonly orphans: OrphanFilesResult
  readonly repair: RepairResult
  readonly relocate: RelocateResult
}

/** What executing this plan answers. */
export type PlanResult<P extends Plan> = PlanResults[P['kind']]

/** Carries `execute` out. InvalidArgumentError for what is no plan; CommitRejectedError for another table's. */
export async function executePlan(
  runtime: Runtime,
  plan: Plan,
  options: ExecuteOptions,
): Promise<PlanResults[keyof PlanResults]> {
  const head = parsePlanHead(plan)
  switch (plan.kind) {
    case 'compact':
      return (await executeCompaction(await openPlanned(runtime, head, options.signal), plan, options)).result
    case 'rewrite-manifests':
      return (await executeManifests(await openPlanned(runtime, head, options.signal), plan, options)).result
    case 'rewrite-position-deletes':
      return (await executePositionDeletes(await openPlanned(runtime, head, options.signal), plan, options))
        .result
    case 'expire':
      return (
        await executeExpire(await openPlanned(runtime, head, options.signal), parseExpirePlan(plan), options)
      ).result
    case 'orphans':
      return executeOrphanFiles(await openPlanned(runtime, head, options.signal), plan, options)
    case 'repair':
      // The table cannot be loaded: that is why it is repaired.
      return executeRepair(runtime, plan, options)
    case 'relocate':
      return (await executeRelocate(runtime, plan, options)).result
    default: {
      plan satisfies never
      throw unknownKind(head)
    }
  }
}

/** A plan of whichever kind, all of it checked. InvalidArgumentError naming the member at fault; UnsupportedFeatureError. */
export function parseAnyPlan(given: unknown): Plan {
  const head = parsePlanHead(given)
  // A record of every kind: one that is forgotten here does not compile.
  const parsers: { readonly [Kind in Plan['kind']]: () => Extract<Plan, { readonly kind: Kind }> } = {
    compact: () => parsePlan(compactionPlanSchema, given),
    'rewrite-manifests': () => parsePlan(manifestsPlanSchema, given),
    'rewrite-position-deletes': () => parsePlan(positionDeletesPlanSchema, given),
    expire: () => parseExpirePlan(given),
    orphans: () => parsePlan(orphanFilesPlanSchema, given),
    repair: () => parsePlan(repairPlanSchema, given),
    relocate: () => parsePlan(relocatePlanSchema, given),
  }
  const parser = new Map<string, () => Plan>(Object.entries(parsers)).get(head.kind)
  if (parser === undefined) throw unknownKind(head)
  return parser()
}

function unknownKind({ kind, table }: MaintenancePlan): UnsupportedFeatureError {
  return new UnsupportedFeatureError(`A plan of the kind '${kind}' cannot be executed`, {
    table: [...table.namespace, table.name].join('.'),
    hint: 'It was made by a newer version.',
  })
}

/** The table as it is now, by the name that the plan has. NoSuchTableError; CommitRejectedError when it is another one. */
async function openPlanned(
  runtime: Runtime,
  plan: MaintenancePlan,
  signal: AbortSignal | undefined,
): Promise<TableState> {
  const loaded = await runtime.catalog.loadTable(plan.table, { snapshots: 'all', signal })
  checkPlannedTable(plan, loaded.metadata)
  return (await TableHandle.open(runtime, plan.table, loaded)).state
}
