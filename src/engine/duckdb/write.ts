/**
 * Writing rows as data files: checked against the table's schema, partitioned, sorted, and put
 * under their locations only when all of them are complete.
 */
import { throwIfAborted } from '../../abort.ts'
import { InvalidDataError, UnsupportedFeatureError } from '../../errors.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import { childFields } from '../../format/nested-fields.ts'
import type { Schema } from '../../format/schema.ts'
import { typeToString } from '../../format/types-json.ts'
import { isPrimitive, type NestedField } from '../../format/types.ts'
import type { WriteRequest, WriteResult } from '../data-plane.ts'
import type { DuckDbEngine } from './connection.ts'
import { convertColumns, type OutgoingColumn } from './convert.ts'
import { guarded } from './converted.ts'
import { locateFault } from './locate-fault.ts'
import { Outputs } from './outputs.ts'
import { openSource, type OpenSource } from './sources.ts'
import { copyRows, type WrittenFile } from './write-copy.ts'
import { fileMetrics, leavesOf, type Leaf } from './write-stats.ts'
import { longExtremes } from './long-extremes.ts'

/** DataPlane.write by DuckDB. */
export async function writeRows(engine: DuckDbEngine, request: WriteRequest): Promise<WriteResult> {
  throwIfAborted(request.signal)
  refuseUnsupported(request.schema)
  const { signal, onProgress, schema } = request
  if (request.source.kind === 'scan' || request.source.kind === 'selected') {
    throw new UnsupportedFeatureError('Changing rows that are there is not built yet')
  }
  const source = await openSource(request.source, { engine, schema, signal, onProgress })
  try {
    // Not even the columns of a source without rows matter.
    if (source.rowCount === 0) return { files: [], rows: 0 }
    const columns = checkedColumns(source, schema)
    return await writeColumns(engine, request, source, columns)
  } finally {
    await source.close()
  }
}

async function writeColumns(
  engine: DuckDbEngine,
  request: WriteRequest,
  source: OpenSource,
  columns: readonly OutgoingColumn[],
): Promise<WriteResult> {
  const outputs = new Outputs(request)
  try {
    const written = await copyRows(engine, request, source, columns, outputs)
    refuseNulls(written, columns, source)
    const files: ContentFile[] = []
    for (const file of written) files.push(await contentFile(engine, request, columns, file))
    // Nothing is put in place before everything is known to be right.
    await outputs.commit()
    return { files, rows: files.reduce((sum, file) => sum + file.recordCount, 0) }
  } catch (error) {
    // What cannot be removed bears the operation's id, by which orphan removal finds it; the failure
    // of the write is what the caller must hear.
    await outputs.discard().catch(() => undefined)
    const own = source.failure()
    if (own !== null && request.signal?.aborted !== true) throw own.thrown
    throw await locateFault(engine, error, source, columns, request)
  } finally {
    await outputs.close()
  }
}

/** Every column of the data files, with the check of whole rows in the first of them. */
function checkedColumns(source: OpenSource, schema: Schema): readonly OutgoingColumn[] {
  const columns = convertColumns(source.columns, schema.fields, source)
  const { rowCheck } = source
  if (rowCheck === null) return columns
  return columns.map((column, at) =>
    at === 0 ? { ...column, sql: guarded(rowCheck, column.sql), checked: true } : column,
  )
}

function refuseUnsupported(schema: Schema): void {
  const visit = (field: NestedField, path: string): void => {
    const { type } = field
    switch (type.kind) {
      case 'fixed':
      case 'variant':
      case 'geometry':
      case 'geography':
      case 'timestamptz_ns':
        throw new UnsupportedFeatureError(
          `column ${path} of type ${typeToString(type)} cannot be written yet`,
          { hint: 'write the table with another engine, or leave the column out of its schema' },
        )
      default:
        for (const child of childFields(type)) visit(child, `${path}.${child.name}`)
    }
  }
  for (const field of schema.fields) visit(field, field.name)
}

/** DuckDB counts the nulls of every column as it writes, so that no row is looked at twice. */
function refuseNulls(
  written: readonly WrittenFile[],
  columns: readonly OutgoingColumn[],
  source: OpenSource,
): void {
  if (source.nullsChecked) return
  for (const leaf of leavesOf(columns)) {
    const column = columns.find(({ field }) => field.id === leaf.id)
    if (column === undefined || !column.field.required || !isPrimitive(column.field.type)) continue
    const hasNull = written.some(({ report }) => {
      const nulls = report.columns.get(leaf.key)?.get('null_count')
      return nulls === undefined || nulls !== '0'
    })
    if (hasNull) throw nullFound(column, source)
  }
}

function nullFound(column: OutgoingColumn, source: OpenSource): InvalidDataError {
  return new InvalidDataError(
    `column ${column.field.name} is required, and ${source.name} has a null in it`,
    {
      column: column.field.name,
      source: source.name,
    },
  )
}

async function contentFile(
  engine: DuckDbEngine,
  request: WriteRequest,
  columns: readonly OutgoingColumn[],
  file: WrittenFile,
): Promise<ContentFile> {
  const leaves: readonly Leaf[] = leavesOf(columns)
  const known = await longExtremes(engine, file, leaves, request)
  const metrics = fileMetrics(file.report, leaves, request.metrics, known)
  return {
    content: 'data',
    location: file.location,
    format: 'parquet',
    specId: request.spec.specId,
    partition: file.partition,
    recordCount: file.report.rows,
    fileSizeInBytes: file.report.sizeBytes,
    ...metrics,
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
