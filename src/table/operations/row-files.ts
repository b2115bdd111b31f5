/**
 * Data files that an operation writes rows to, and writes again where others gave the ids that they
 * carry to something else before they were committed.
 */
import type { RowSource } from '../../engine/data-plane.ts'
import { renamedFor } from '../../format/evolution/merge-edits.ts'
import type { BoundExpression } from '../../format/expressions/expression.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import { currentSchema, specById } from '../../format/metadata/views.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { Row } from '../../format/values/value.ts'
import { allDone } from '../concurrency.ts'
import type { WrittenLayout } from '../written-layout.ts'
import { RowWriter, type RowWriterOptions } from './row-writer.ts'

/** Files, and the table that they were written for. */
export interface WrittenFiles extends WrittenLayout {
  readonly files: readonly ContentFile[]
}

export class RowFiles {
  readonly #options: RowWriterOptions
  #writers: RowWriter[] = []
  /** Files that are whole, on their way to their locations, by who wrote them. */
  readonly #placing = new Map<RowWriter, Promise<void>>()

  constructor(options: RowWriterOptions) {
    this.#options = options
  }

  /** Writes rows by the current schema, spec and order of a state, next to what was written before. */
  async write(
    base: TableMetadata,
    source: RowSource,
    filter?: BoundExpression,
  ): Promise<readonly ContentFile[]> {
    return this.#newWriter().writeRows(base, source, filter)
  }

  /** As `write`, except that the files may be durable only once `placed` has come to its end. */
  async writeAhead(
    base: TableMetadata,
    source: RowSource,
    filter?: BoundExpression,
  ): Promise<readonly ContentFile[]> {
    const writer = this.#newWriter()
    return writer.writeRows(base, source, filter, {
      onPlacing: (placed) => {
        // `placed` tells of a failure; until it is asked, nobody may have to listen.
        placed.catch(() => undefined)
        this.#placing.set(writer, placed)
      },
    })
  }

  #newWriter(): RowWriter {
    const writer = new RowWriter(this.#options)
    this.#writers.push(writer)
    return writer
  }

  /** Waits until all files are durable under their locations. */
  placed(): Promise<void> {
    return allDone([...this.#placing.values()])
  }

  /**
   * Writes the rows of our own files anew, by another state: columns that are new in `from` by their
   * names, all others under the names that the table gives them now. The old files go only if told to.
   */
  async copy(from: WrittenFiles, to: TableMetadata, removeOld: boolean): Promise<readonly ContentFile[]> {
    const { runtime, storage, signal } = this.#options
    await this.placed()
    const old = this.#writers
    this.#writers = []
    const schema = currentSchema(from.metadata)
    const plane = await runtime.dataPlane()
    const batches = plane.readRows({
      tasks: from.files.map((file) => ({
        entry: { status: 'added', snapshotId: 0n, sequenceNumber: 0, fileSequenceNumber: 0, file },
        spec: specById(from.metadata, file.specId),
        deletes: [],
        residual: { op: 'true' },
      })),
      projection: {
        ...schema,
        fields: renamedFor(schema.fields, currentSchema(to), from.lastColumnId),
        identifierFieldIds: [],
      },
      tableSchema: schema,
      nameMapping: null,
      files: storage.files,
      signal,
    })
    try {
      return await this.write(to, { kind: 'rows', rows: flat(batches) })
    } finally {
      // Whatever came of it, the old files are gone with the operation, or kept with it.
      if (removeOld) for (const writer of old) await writer.discard()
    }
  }

  /** Removes everything that was written and not given up before. */
  async discard(): Promise<void> {
    for (const writer of this.#writers) if (await this.#hasPlaced(writer)) await writer.discard()
  }

  /**
   * A file that is still on its way would come to stay: it is waited for. Of those that could not be
   * placed the engine has removed what was ours, and what has their names may be somebody else's.
   */
  async #hasPlaced(writer: RowWriter): Promise<boolean> {
    try {
      await this.#placing.get(writer)
      return true
    } catch {
      // `placed` throws it.
      return false
    }
  }
}

async function* flat(batches: AsyncIterable<readonly Row[]>): AsyncGenerator<Row> {
  for await (const batch of batches) yield* batch
}
