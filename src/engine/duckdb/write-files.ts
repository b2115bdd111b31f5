/**
 * What all writes of rows have in common, whoever makes the files: they are put under their locations
 * only when all of them are complete.
 */
import { throwIfAborted } from '../../abort.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import type { Datum } from '../../format/types.ts'
import type { WriteRequest, WriteResult } from '../data-plane.ts'
import type { FileMetrics } from './file-metrics.ts'
import { Outputs } from './outputs.ts'
import { refuseUnwritable } from './writable.ts'

/**
 * Puts what `make` has written in place when all of it is right and its source is closed, and removes
 * all of it otherwise.
 */
export async function writeFiles(
  request: WriteRequest,
  make: (outputs: Outputs) => Promise<readonly ContentFile[]>,
): Promise<WriteResult> {
  throwIfAborted(request.signal)
  refuseUnwritable(request.schema)
  const outputs = new Outputs(request)
  const files = await orNothing(outputs, () => make(outputs))
  const placed = orNothing(outputs, async () => {
    await outputs.commit()
    await outputs.close()
  })
  // Of no files nobody tells, and so nobody waits for them.
  if (request.onPlacing === undefined || files.length === 0) await placed
  else request.onPlacing(placed)
  return { files, rows: files.reduce((sum, file) => sum + file.recordCount, 0) }
}

/** A step that fails leaves none of the files behind. */
async function orNothing<T>(outputs: Outputs, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    // What cannot be removed bears the operation's id, by which orphan removal finds it; the failure
    // of the write is what the caller must hear.
    await outputs.discard().catch(() => undefined)
    await outputs.close().catch(() => undefined)
    throw error
  }
}

/** Whether all rows of the source are meant. */
export function takesAll({ filter }: WriteRequest): boolean {
  return filter === undefined || filter.op === 'true'
}

/** What is known of a file of rows when it is whole. */
interface MadeFile {
  readonly location: string
  readonly partition: readonly (Datum | null)[]
  readonly rows: number
  readonly sizeBytes: number
  readonly metrics: FileMetrics
  readonly splitOffsets: readonly number[]
}

/** A file of rows as manifests have it. */
export function dataFile(request: WriteRequest, file: MadeFile): ContentFile {
  return {
    content: 'data',
    location: file.location,
    format: 'parquet',
    specId: request.spec.specId,
    partition: file.partition,
    recordCount: file.rows,
    fileSizeInBytes: file.sizeBytes,
    ...file.metrics,
    keyMetadata: null,
    splitOffsets: file.splitOffsets,
    equalityIds: null,
    sortOrderId: request.sortOrder.orderId,
    firstRowId: null,
    referencedDataFile: null,
    contentOffset: null,
    contentSizeInBytes: null,
  }
}
