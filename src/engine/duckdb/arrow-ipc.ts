/** Decoding Arrow IPC streams and files, with apache-arrow if the caller has it. */
import { CorruptFileError, FloebergError, MissingDependencyError } from '../../errors.ts'
import type { ArrowRecordBatch } from '../data-plane.ts'

/** The batches of an IPC stream or file. MissingDependencyError without apache-arrow. */
export async function* arrowIpcBatches(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<ArrowRecordBatch, void, undefined> {
  const { RecordBatchReader } = await loadArrow()
  try {
    const reader = await RecordBatchReader.from(asAsync(chunks))
    for await (const batch of reader) yield batch
  } catch (error) {
    // What the caller's own chunks throw is the caller's to see.
    if (error instanceof FloebergError || isOwn(error)) throw error
    throw new CorruptFileError('the Arrow IPC data cannot be decoded')
  }
}

/** Errors of the chunks' iterator itself. */
const failures = new WeakSet()

function isOwn(error: unknown): boolean {
  return typeof error === 'object' && error !== null && failures.has(error)
}

async function* asAsync(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of chunks) yield chunk
  } catch (error) {
    if (typeof error === 'object' && error !== null) failures.add(error)
    throw error
  }
}

async function loadArrow(): Promise<typeof import('apache-arrow')> {
  try {
    return await import('apache-arrow')
  } catch {
    // Whatever keeps it from loading, the caller's remedy is the same.
    throw new MissingDependencyError('Arrow IPC data cannot be read without the package apache-arrow', {
      hint: 'Install it with `npm install apache-arrow`.',
    })
  }
}
