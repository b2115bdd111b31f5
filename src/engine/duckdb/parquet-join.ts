/**
 * Parquet files of one schema joined into one, without looking at their pages: row groups are
 * copied byte for byte, and the new footer lists them where they now are.
 *
 * That is how rows handed over by this process are written by several threads and stay in order:
 * each thread makes a file of its own.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { EngineError } from '../../errors.ts'
import {
  isList,
  isStruct,
  readThrift,
  writeThrift,
  type ThriftField,
  type ThriftStruct,
  type ThriftValue,
} from './thrift-tree.ts'

const MAGIC = new TextEncoder().encode('PAR1')

/** Length of the footer and magic bytes. */
const TAIL_BYTES = 8

const COPY_BYTES = 4 * 1024 * 1024

// Fields of Parquet's FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
const FILE_ROWS = 3
const FILE_ROW_GROUPS = 4
const GROUP_COLUMNS = 1
const GROUP_OFFSET = 5
const GROUP_ORDINAL = 7
const CHUNK_OFFSET = 2
const CHUNK_METADATA = 3
/** Offset and column index, with their lengths: page indexes hold places of their own, so they stay behind. */
const CHUNK_INDEXES: ReadonlySet<number> = new Set([4, 5, 6, 7])
const METADATA_OFFSETS = [9, 10, 11, 14]

/** Where each row group of a joined file begins, and the file's size. */
export interface JoinedFile {
  readonly sizeBytes: number
  readonly splitOffsets: readonly number[]
}

/** Joins files one by one. */
export class ParquetJoin {
  readonly #file: FileHandle
  #position = MAGIC.length
  #rows = 0n
  #groups: ThriftStruct[] = []
  #template: ThriftStruct | null = null
  #buffer: Uint8Array | null = null

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** Begins a new file. */
  static async create(path: string): Promise<ParquetJoin> {
    const file = await open(path, 'w')
    try {
      await file.write(MAGIC, 0, MAGIC.length, 0)
      return new ParquetJoin(file)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Bytes so far. */
  get sizeBytes(): number {
    return this.#position
  }

  /** Appends the row groups of a file, which must have the schema of all others. */
  async append(path: string): Promise<void> {
    const source = await open(path, 'r')
    try {
      const { size } = await source.stat()
      const footer = await readFooter(source, size)
      const end = size - TAIL_BYTES - footer.length
      const metadata = readThrift(footer)
      const shift = BigInt(this.#position - MAGIC.length)
      for (const group of groupsOf(metadata)) {
        this.#groups.push(movedGroup(group, shift, BigInt(this.#groups.length)))
      }
      this.#rows += wholeOf(metadata.get(FILE_ROWS))
      this.#template ??= metadata
      await this.#copy(source, MAGIC.length, end)
    } finally {
      await source.close()
    }
  }

  /** Writes the footer and closes the file. */
  async finish(): Promise<JoinedFile> {
    if (this.#template === null) throw new EngineError('no file was joined')
    const footer = writeThrift(joined(this.#template, this.#rows, this.#groups))
    const tail = new Uint8Array(footer.length + TAIL_BYTES)
    tail.set(footer)
    new DataView(tail.buffer).setUint32(footer.length, footer.length, true)
    tail.set(MAGIC, footer.length + 4)
    await writeAll(this.#file, tail, this.#position)
    await this.#file.close()
    return { sizeBytes: this.#position + tail.length, splitOffsets: this.#groups.map(startOf) }
  }

  /** Closes an unfinished file. Idempotent. */
  async abandon(): Promise<void> {
    await this.#file.close()
  }

  async #copy(source: FileHandle, start: number, end: number): Promise<void> {
    const buffer = (this.#buffer ??= new Uint8Array(COPY_BYTES))
    for (let at = start; at < end;) {
      const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, end - at), at)
      if (bytesRead === 0) throw new EngineError('a file just written is shorter than it was')
      await writeAll(this.#file, buffer.subarray(0, bytesRead), this.#position)
      this.#position += bytesRead
      at += bytesRead
    }
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

async function readFooter(file: FileHandle, size: number): Promise<Uint8Array> {
  const tail = new Uint8Array(TAIL_BYTES)
  await file.read(tail, 0, TAIL_BYTES, size - TAIL_BYTES)
  const length = new DataView(tail.buffer).getUint32(0, true)
  const footer = new Uint8Array(length)
  await file.read(footer, 0, length, size - TAIL_BYTES - length)
  return footer
}

function groupsOf(metadata: ThriftStruct): readonly ThriftStruct[] {
  const groups = metadata.get(FILE_ROW_GROUPS)?.value
  return isList(groups) ? groups.values.filter(isStruct) : []
}

function joined(template: ThriftStruct, rows: bigint, groups: readonly ThriftStruct[]): ThriftStruct {
  return new Map([
    ...template,
    [FILE_ROWS, withValue(template.get(FILE_ROWS), rows)],
    [FILE_ROW_GROUPS, withValue(template.get(FILE_ROW_GROUPS), { elementType: 12, values: groups })],
  ])
}

function movedGroup(group: ThriftStruct, shift: bigint, ordinal: bigint): ThriftStruct {
  const columns = group.get(GROUP_COLUMNS)?.value
  if (!isList(columns)) throw new EngineError('a row group without columns')
  const values = columns.values.filter(isStruct).map((chunk) => movedChunk(chunk, shift))
  const moved = new Map(withMoved(group, [GROUP_OFFSET], shift))
  moved.set(GROUP_COLUMNS, withValue(group.get(GROUP_COLUMNS), { ...columns, values }))
  // An ordinal is 16 bits wide: beyond, and where there was none, there is none.
  const known = moved.get(GROUP_ORDINAL)
  if (known !== undefined) {
    if (ordinal < 32768n) moved.set(GROUP_ORDINAL, withValue(known, ordinal))
    else moved.delete(GROUP_ORDINAL)
  }
  return moved
}

function movedChunk(chunk: ThriftStruct, shift: bigint): ThriftStruct {
  const metadata = chunk.get(CHUNK_METADATA)
  if (!isStruct(metadata?.value)) throw new EngineError('a column chunk without metadata')
  const kept = new Map([...chunk].filter(([id]) => !CHUNK_INDEXES.has(id)))
  const moved = new Map(withMoved(kept, [CHUNK_OFFSET], shift))
  moved.set(CHUNK_METADATA, withValue(metadata, new Map(withMoved(metadata.value, METADATA_OFFSETS, shift))))
  return moved
}

/** A struct with some of its offsets moved. An offset of 0 is none: it would be the magic bytes'. */
function withMoved(struct: ThriftStruct, offsets: readonly number[], shift: bigint): ThriftStruct {
  return new Map(
    [...struct].map(([id, field]) => {
      const isOffset = offsets.includes(id) && typeof field.value === 'bigint' && field.value > 0n
      return [id, isOffset ? withValue(field, wholeOf(field) + shift) : field]
    }),
  )
}

function withValue(field: ThriftField | undefined, value: ThriftValue): ThriftField {
  if (field === undefined) throw new EngineError('a footer lacks a required field')
  return { type: field.type, value }
}

function wholeOf(field: ThriftField | undefined): bigint {
  return typeof field?.value === 'bigint' ? field.value : 0n
}

function startOf(group: ThriftStruct): number {
  const columns = group.get(GROUP_COLUMNS)?.value
  const first = isList(columns) ? columns.values[0] : undefined
  const metadata = isStruct(first) ? first.get(CHUNK_METADATA)?.value : undefined
  if (!isStruct(metadata)) throw new EngineError('a column chunk without metadata')
  return Number(wholeOf(metadata.get(11)) || wholeOf(metadata.get(9)))
}
