/** Arrow record batches as the bytes of an IPC file. */
import { open } from 'node:fs/promises'
import type { RecordBatch } from 'apache-arrow'
import { loadArrow, type BatchSchema } from './arrow-out.ts'
import { outputError } from './output-path.ts'

/** Writes batches into a new Arrow IPC file. Errors of the disk are typed. */
export async function saveArrowFile(
  path: string,
  schema: BatchSchema,
  batches: AsyncIterable<RecordBatch>,
): Promise<{ readonly rows: number }> {
  let rows = 0
  async function* counted(): AsyncGenerator<RecordBatch> {
    for await (const batch of batches) {
      rows += batch.numRows
      yield batch
    }
  }
  try {
    const file = await open(path, 'wx')
    try {
      for await (const chunk of arrowFileChunks(schema, counted())) await file.writeFile(chunk)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw outputError(error, path)
  }
  return { rows }
}

/**
 * An Arrow IPC file in chunks, made as they are asked for: no more than one batch is held. A file
 * without batches still says its columns. MissingDependencyError when apache-arrow is not installed.
 */
async function* arrowFileChunks(
  schema: BatchSchema,
  batches: AsyncIterable<RecordBatch>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { RecordBatchFileWriter } = await loadArrow()
  const writer = new RecordBatchFileWriter()
  writer.reset(undefined, schema)
  const chunks = writer[Symbol.asyncIterator]()
  let next = chunks.next()
  /** What the writer has ready; it never says that this was all, so its silence has to do. */
  async function* ready(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const result = await Promise.race([next, quiet()])
      if (result === null || result.done === true) return
      next = chunks.next()
      yield result.value
    }
  }
  for await (const batch of batches) {
    writer.write(batch)
    yield* ready()
  }
  writer.close()
  for (let last = await next; last.done !== true; last = await chunks.next()) yield last.value
}

/** Fulfils after every promise that is settled already. */
function quiet(): Promise<null> {
  return new Promise((resolve) => setImmediate(() => resolve(null)))
}
