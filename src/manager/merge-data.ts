/** Appending rows together with the columns that they bring: `schemaMode: 'merge'`. */
import type { RowSource } from '../engine/data-plane.ts'
import { InvalidDataError } from '../errors.ts'
import { bindExpression } from '../format/expressions/bind.ts'
import { mergeEdits } from '../format/evolution/merge-edits.ts'
import type { SchemaEdit } from '../format/evolution/schema-edit.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { currentSchema } from '../format/metadata/views.ts'
import { findFieldByName } from '../format/schema.ts'
import type { Row } from '../format/values/value.ts'
import type { CommitStrategy } from '../table/operations/append.ts'
import { MergeAppendChange, stageMerge } from '../table/operations/merge-append.ts'
import { RowFiles, type WrittenFiles } from '../table/operations/row-files.ts'
import type { SnapshotTarget } from '../table/snapshot-producer.ts'
import type { TableHandle } from '../table/table.ts'
import type { TableState } from '../table/table-state.ts'
import { incomingSchema, type ReadableSource } from './incoming-schema.ts'
import { RowSegments } from './row-segments.ts'
import { commitWrite, keyOf } from './commit-once.ts'
import { appendCounts, appendResult } from './written-rows.ts'
import { snapshotTarget } from './snapshot-target.ts'
import type { RowChangeResult } from './row-change-options.ts'
import type { WriteDataOptions, WriteInput } from './write-data.ts'

type MergeOptions = WriteDataOptions & { readonly commitStrategy: CommitStrategy }

/** Appends rows; columns that the table lacks, and types that are too narrow, land in the same commit. */
export async function mergeData<In, Out>(
  table: TableHandle<In, Out>,
  data: WriteInput,
  options: MergeOptions,
): Promise<RowChangeResult> {
  const merge = new Merge(table.state, data, options)
  try {
    await merge.write()
  } catch (error) {
    await merge.discard()
    throw error
  }
  if (merge.written.files.length === 0) return appendResult([], null, 0)
  const change = merge.change(snapshotTarget(table, options, () => appendCounts(merge.written.files)))
  return commitWrite(table, change, { ...options.retry, ...keyOf(options) }, ({ attempts }) =>
    appendResult(merge.written.files, change.snapshotId, attempts),
  )
}

class Merge {
  readonly #state: TableState
  readonly #data: WriteInput
  readonly #options: MergeOptions
  readonly #rows: RowFiles
  #edits: readonly SchemaEdit[] = []
  #files: readonly ContentFile[] = []

  constructor(state: TableState, data: WriteInput, options: MergeOptions) {
    this.#state = state
    this.#data = data
    this.#options = options
    const { runtime, storage } = state
    const { signal, onProgress } = options
    this.#rows = new RowFiles({ runtime, storage, signal, onProgress })
  }

  /** The state that rows are written on: the table's with what was found to be lacking. */
  get #staged(): TableMetadata {
    return stageMerge(this.#state.metadata, this.#edits).metadata
  }

  get written(): WrittenFiles {
    const { metadata, transaction } = this.#state
    const lastColumnId = transaction?.change.lastColumnId ?? metadata['last-column-id']
    return { files: this.#files, metadata: this.#staged, lastColumnId }
  }

  async write(): Promise<void> {
    const { source } = this.#data
    if (source.kind === 'rows') return this.#writeRows(source.rows)
    const plane = await this.#state.runtime.dataPlane()
    const readable = await incomingSchema(plane, source, { signal: this.#options.signal })
    this.#need(mergeEdits(this.#fields(), readable.schema, this.#state.metadata['format-version']))
    await this.#writeWidening(readable)
  }

  change(target: SnapshotTarget): MergeAppendChange {
    return new MergeAppendChange(target, this.written, {
      edits: this.#edits,
      strategy: this.#options.commitStrategy,
      copy: async (from, to, removeOld) => (this.#files = await this.#rows.copy(from, to, removeOld)),
      discardData: () => this.discard(),
      placed: () => this.#rows.placed(),
    })
  }

  async discard(): Promise<void> {
    await this.#rows.discard()
  }

  #fields() {
    return currentSchema(this.#staged).fields
  }

  #need(edits: readonly SchemaEdit[]): void {
    this.#edits = [...this.#edits, ...edits]
  }

  /** Rows are looked at before they are written, and written by what the table needs for them. */
  async #writeRows(rows: Iterable<Row> | AsyncIterable<Row>): Promise<void> {
    const plane = await this.#state.runtime.dataPlane()
    const version = this.#state.metadata['format-version']
    const segments = new RowSegments(rows, plane, version, this.#options.signal)
    for (;;) {
      const segment = await segments.next(this.#fields())
      if (segment === null) return
      this.#need(segment.edits)
      await this.#write({ kind: 'rows', rows: segment.rows(this.#fields()) })
    }
  }

  /**
   * Text has no types of its own, so a column of text widens nothing before one of its values turns
   * out to be too great.
   */
  async #writeWidening({ source, schema }: ReadableSource): Promise<void> {
    for (;;) {
      try {
        return await this.#write(source)
      } catch (error) {
        const wider =
          schema.isTyped || !(error instanceof InvalidDataError) ? null : this.#wider(error, schema.fields)
        if (wider === null) throw error
        this.#need([wider])
      }
    }
  }

  #wider(error: InvalidDataError, incoming: ReadableSource['schema']['fields']): SchemaEdit | null {
    const { column } = error
    if (column === undefined) return null
    const ours = findFieldByName(currentSchema(this.#staged), column)
    const theirs = incoming.find((field) => field.name === column)
    if (ours?.type.kind !== 'int' || theirs?.type.kind !== 'long') return null
    return { type: 'widen_type', name: [column], fieldType: { kind: 'long' } }
  }

  async #write(source: RowSource): Promise<void> {
    const staged = this.#staged
    const { filter } = this.#data
    const bound = filter === undefined ? undefined : bindExpression(currentSchema(staged), filter)
    // Of many segments only the last is on its way to the disk while others are written.
    await this.#rows.placed()
    this.#files = [...this.#files, ...(await this.#rows.writeAhead(staged, source, bound))]
  }
}
