/** Writes Avro object container files. */
import type { ByteCodecs } from '../../compression.ts'
import { UnsupportedFeatureError } from '../../errors.ts'
import { Sink } from './avro-sink.ts'
import { MARKER_METADATA, checksumMarker } from './checksum.ts'

/** Codecs that this version writes, by their names in Avro. */
export type AvroCodec = 'null' | 'deflate' | 'zstandard'

export interface AvroFileOptions {
  /** The schema of the records, as JSON text. */
  readonly schemaText: string
  /** Key-value metadata of the header. */
  readonly metadata: Readonly<Record<string, string>>
  readonly codec: AvroCodec
  readonly codecs: ByteCodecs
}

/** A block ready to be written: its records are packed already. */
export interface BlockBytes {
  readonly count: number
  readonly data: Uint8Array
}

/** Bytes of unpacked records per block; Avro's readers hold one block at a time. */
const BLOCK_BYTES = 64 * 1024

/** The codec that a table property (`write.avro.compression-codec`) asks for; default gzip. */
export function avroCodecOf(properties: Readonly<Record<string, string>>): AvroCodec {
  const value = properties['write.avro.compression-codec']?.toLowerCase() ?? 'gzip'
  switch (value) {
    case 'gzip':
    case 'deflate':
      return 'deflate'
    case 'zstd':
    case 'zstandard':
      return 'zstandard'
    case 'uncompressed':
    case 'none':
    case 'null':
      return 'null'
    default:
      throw new UnsupportedFeatureError('write.avro.compression-codec names a codec that is not written', {
        hint: 'Use gzip, zstd or uncompressed.',
      })
  }
}

export function packBlock(data: Uint8Array, codec: AvroCodec, codecs: ByteCodecs): Uint8Array {
  switch (codec) {
    case 'null':
      return data.slice()
    case 'deflate':
      return codecs.deflateRaw(data)
    case 'zstandard':
      return codecs.zstd(data)
  }
}

/** Collects records into packed blocks. */
export class BlockWriter {
  /** Where the next record goes; call `endRecord` after each. */
  readonly sink = new Sink()
  private readonly options: Pick<AvroFileOptions, 'codec' | 'codecs'>
  private readonly blocks: BlockBytes[] = []
  private count = 0

  constructor(options: Pick<AvroFileOptions, 'codec' | 'codecs'>) {
    this.options = options
  }

  /** Records of the block in progress. */
  get pending(): number {
    return this.count
  }

  endRecord(): void {
    this.count += 1
    if (this.sink.length >= BLOCK_BYTES) this.endBlock()
  }

  /**
   * Adds the records of an unpacked block to the block in progress; false, and nothing is added,
   * when that would make it larger than blocks are.
   */
  append(data: Uint8Array, count: number): boolean {
    if (this.sink.length + data.length > BLOCK_BYTES) return false
    this.sink.raw(data)
    this.count += count
    return true
  }

  finish(): readonly BlockBytes[] {
    this.endBlock()
    return this.blocks
  }

  private endBlock(): void {
    if (this.count === 0) return
    const data = packBlock(this.sink.written(), this.options.codec, this.options.codecs)
    this.blocks.push({ count: this.count, data })
    this.sink.clear()
    this.count = 0
  }
}

/** Puts a file together from its header and its packed blocks. */
export function assembleAvroFile(options: AvroFileOptions, blocks: readonly BlockBytes[]): Uint8Array {
  const head = new Sink()
  head.raw(Uint8Array.of(0x4f, 0x62, 0x6a, 0x01))
  writeHeaderMap(head, {
    'avro.schema': options.schemaText,
    'avro.codec': options.codec,
    ...options.metadata,
    ...MARKER_METADATA,
  })
  const parts = [[head.written()], ...blocks.map(blockParts)]
  const sync = checksumMarker(parts.flat(), options.codecs)
  return concatenate(parts.flatMap((part) => [...part, sync]))
}

function blockParts(block: BlockBytes): readonly Uint8Array[] {
  const head = new Sink()
  head.long(block.count)
  head.long(block.data.length)
  return [head.written().slice(), block.data]
}

function writeHeaderMap(sink: Sink, entries: Readonly<Record<string, string>>): void {
  const keys = Object.entries(entries)
  sink.long(keys.length)
  for (const [key, value] of keys) {
    sink.string(key)
    sink.string(value)
  }
  sink.long(0)
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
