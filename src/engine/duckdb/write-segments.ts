/**
 * Writing rows of this process by several threads, in order and in bounded memory: each segment is
 * one COPY to a file of its own, while the next one is gathered; the files are joined as they come.
 */
import { availableParallelism } from 'node:os'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../errors.ts'
import type { WriteRequest } from '../data-plane.ts'
import type { OutputFile } from '../file-access.ts'
import type { DuckDbEngine } from './connection.ts'
import type { OutgoingColumn } from './convert.ts'
import { onlyReportOf } from './copy-report.ts'
import { longExtremes } from './long-extremes.ts'
import { mergeReports } from './merge-reports.ts'
import { openHeld, type BlockStream } from './open-blocks.ts'
import type { Outputs } from './outputs.ts'
import { ParquetJoin } from './parquet-join.ts'
import type { Segment } from './segments.ts'
import { rowsSql, type WrittenFile } from './write-copy.ts'
import { copySql, parquetOptionsSql } from './write-sql.ts'
import { leavesOf, type FileReport } from './write-stats.ts'

/** A statement occupies one of the four threads that Node has for such work until it ends. */
const LANES = Math.min(3, Math.max(2, availableParallelism()))

interface SegmentWrite {
  readonly engine: DuckDbEngine
  readonly request: WriteRequest
  readonly stream: BlockStream
  readonly columns: readonly OutgoingColumn[]
  readonly outputs: Outputs
}

/** Writes all segments into files of about the target size that `outputs` owns. */
export async function copySegments(
  write: SegmentWrite,
  segments: AsyncIterable<Segment>,
): Promise<readonly WrittenFile[]> {
  const folder = await write.outputs.scratch()
  const copier = { ...write, engine: await write.engine.sequential() }
  const joiner = new Joiner(write)
  const lanes: Promise<FileReport>[] = []
  let count = 0
  try {
    for await (const segment of segments) {
      lanes.push(copySegment(copier, segment, join(folder, `${count}.parquet`)))
      count += 1
      // A failure is seen when its turn comes; until then nobody else listens to it.
      lanes.at(-1)?.catch(() => undefined)
      if (lanes.length > LANES) await joiner.append(await first(lanes))
    }
    while (lanes.length > 0) await joiner.append(await first(lanes))
    return await joiner.finish()
  } finally {
    await Promise.allSettled(lanes)
    await joiner.abandon()
  }
}

async function first(lanes: Promise<FileReport>[]): Promise<FileReport> {
  const report = lanes.shift()
  if (report === undefined) throw new EngineError('no segment is being written')
  return report
}

async function copySegment(write: SegmentWrite, segment: Segment, path: string): Promise<FileReport> {
  const { engine, request, stream, columns } = write
  const { signal } = request
  const held = openHeld(
    stream,
    segment.blocks,
    { engine, schema: request.schema, signal },
    {
      rowCount: segment.rows,
      sizeBytes: segment.bytes,
    },
  )
  try {
    const sql = copySql(rowsSql(columns, held.from), path, parquetOptionsSql(request.parquet, columns))
    const result = await engine.withSession({ paths: [path] }, (session) =>
      session.run(sql, { doing: 'write data files', signal }),
    )
    const report = onlyReportOf(result)
    if (report.rows !== segment.rows) throw new EngineError('the engine did not write all rows')
    return report
  } finally {
    await held.close()
  }
}

/** Joins segments' files to data files, beginning a new one when the last has its size. */
class Joiner {
  readonly #write: SegmentWrite
  readonly #written: WrittenFile[] = []
  #open: { readonly output: OutputFile; readonly join: ParquetJoin } | null = null
  #reports: FileReport[] = []

  constructor(write: SegmentWrite) {
    this.#write = write
  }

  async append(report: FileReport): Promise<void> {
    this.#open ??= await this.#begin()
    await this.#open.join.append(report.path)
    await rm(report.path)
    this.#reports.push(report)
    if (this.#open.join.sizeBytes >= this.#write.request.targetFileSizeBytes) await this.#end()
  }

  async finish(): Promise<readonly WrittenFile[]> {
    await this.#end()
    return this.#written
  }

  /** Frees what an error left open. Idempotent. */
  async abandon(): Promise<void> {
    await this.#open?.join.abandon()
    this.#open = null
  }

  async #begin(): Promise<{ readonly output: OutputFile; readonly join: ParquetJoin }> {
    const output = await this.#write.outputs.create('')
    return { output, join: await ParquetJoin.create(output.localPath) }
  }

  async #end(): Promise<void> {
    if (this.#open === null) return
    const { output, join: joining } = this.#open
    const { sizeBytes, splitOffsets } = await joining.finish()
    this.#open = null
    const file = { path: output.localPath, sizeBytes }
    const { engine, request, columns } = this.#write
    const leaves = leavesOf(columns)
    const report = mergeReports(this.#reports, leaves, file)
    this.#reports = []
    const extremes = await longExtremes(engine, report, leaves, request)
    this.#written.push({ location: output.location, partition: [], report, splitOffsets, extremes })
  }
}
