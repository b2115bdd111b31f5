/** Writing the live rows of a group's files into new files. */
import type { FileScanTask, Progress } from '../engine/data-plane.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { currentSchema, specById } from '../format/metadata/views.ts'
import { partitionPath } from '../format/partition-path.ts'
import { findFieldByName } from '../format/schema.ts'
import { InvalidArgumentError } from '../errors.ts'
import { RowWriter, type WriteLayout } from '../table/operations/row-writer.ts'
import { dataFileLocator } from '../table/table-locations.ts'
import type { TableState } from '../table/table-state.ts'
import type { CompactionGroup, CompactionPlan } from './compaction-plan.ts'
import { expectedFiles } from './plan-compaction.ts'
import { wantedOrder } from './wanted-order.ts'

/** New files of one group, and how to take them back. */
export interface GroupRewrite {
  readonly files: readonly ContentFile[]
  discard(): Promise<void>
}

export interface GroupTarget {
  readonly state: TableState
  readonly plan: CompactionPlan
  readonly signal: AbortSignal | undefined
  readonly onProgress: (progress: Progress) => void
}

/** When it throws, everything it wrote is gone again. */
export async function rewriteGroup(
  { state, plan, signal, onProgress }: GroupTarget,
  group: CompactionGroup,
  tasks: readonly FileScanTask[],
): Promise<GroupRewrite> {
  const { runtime, storage, metadata } = state
  const writer = new RowWriter({ runtime, storage, signal, onProgress })
  const layout: WriteLayout = {
    sortOrder: wantedOrder(metadata, plan),
    zOrder: zOrderOf(metadata, plan),
    targetFileSizeBytes: evenSize(tasks, plan),
  }
  const source = writer.liveRows(metadata, tasks)
  const spec = specById(metadata, group.outputSpecId)
  if (group.outputSpecId !== group.specId) {
    const files = await writer.writeRows(metadata, source, undefined, { ...layout, spec })
    return { files, discard: () => writer.discard() }
  }
  // All rows are of one partition, and stay in it: nothing has to be computed from their values.
  const partition = tasks[0]?.entry.file.partition ?? []
  const path = partitionPath(spec, currentSchema(metadata), partition)
  const locate = dataFileLocator(metadata.location, metadata.properties)
  const files = await writer.writeRows(metadata, source, undefined, {
    ...layout,
    spec: { specId: spec.specId, fields: [] },
    locate: (_, name) => locate(path, name),
  })
  return { files: files.map((file) => ({ ...file, partition })), discard: () => writer.discard() }
}

/** A little more than each of the expected files' share, so that no small one is left at the end. */
function evenSize(tasks: readonly FileScanTask[], { settings }: CompactionPlan): number {
  const bytes = tasks.reduce((sum, { entry }) => sum + entry.file.fileSizeInBytes, 0)
  const share = Math.ceil((SLACK * bytes) / expectedFiles(bytes, settings))
  return bytes < settings.targetFileSizeBytes ? settings.targetFileSizeBytes : share
}

const SLACK = 1.02

function zOrderOf(metadata: TableMetadata, { zOrderBy }: CompactionPlan): readonly number[] | undefined {
  if (zOrderBy.length === 0) return undefined
  const schema = currentSchema(metadata)
  return zOrderBy.map((name) => {
    const field = findFieldByName(schema, name)
    if (field !== undefined) return field.id
    throw new InvalidArgumentError(`The plan orders by column '${name}', which the table does not have`, {
      hint: 'The schema was changed since: make a new plan.',
    })
  })
}
