/** Avro object container files: the header, and blocks of records behind it. */
import type { ByteCodecs } from '../../compression.ts'
import { CorruptFileError, UnsupportedFeatureError } from '../../errors.ts'
import { Cursor } from './avro-cursor.ts'
import type { AvroRecord } from './avro-schema.ts'
import { parseAvroSchema } from './avro-schema.ts'
import { checksumMarker, hasChecksum } from './checksum.ts'

/** What reading a file needs besides its bytes. */
export interface AvroSource {
  /** Location, for errors. */
  readonly file: string
  readonly codecs: ByteCodecs
}

export interface AvroHeader {
  readonly schema: AvroRecord
  /** The schema's text as it stands in the file. */
  readonly schemaText: string
  readonly codec: string
  /** Key-value metadata, without Avro's own `avro.…` keys. */
  readonly metadata: ReadonlyMap<string, string>
  readonly sync: Uint8Array
  /** Where the first block begins. */
  readonly length: number
}

/** A block as it stands in the file: still packed. */
export interface PackedBlock {
  readonly count: number
  readonly data: Uint8Array
  /** Count, size and data: all of it but the sync marker. */
  readonly bytes: Uint8Array
}

export interface AvroBlock {
  readonly count: number
  readonly cursor: Cursor
}

const MAGIC = [0x4f, 0x62, 0x6a, 0x01]
/** Bytes of the marker behind the header and every block. */
export const SYNC_SIZE = 16
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** No writer makes blocks near this size; 64 KiB is usual. */
const MAX_BLOCK_BYTES = 256 * 1024 * 1024
/** Of all blocks of one file. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024

/** Reads the header. CorruptFileError when the bytes are not an Avro container. */
export function readAvroHeader(bytes: Uint8Array, file: string): AvroHeader {
  const cursor = new Cursor(plainBytes(bytes), file)
  if (!MAGIC.every((byte, index) => bytes[index] === byte)) {
    throw new CorruptFileError('the file is not an Avro file', {
      file,
      hint: 'It is empty, cut off at its start, or something else was put in its place.',
    })
  }
  cursor.skip(MAGIC.length)
  const raw = readHeaderMap(cursor)
  const sync = cursor.fixedView(SYNC_SIZE).slice()
  const schemaText = decodeText(raw.get('avro.schema'), cursor, 'avro.schema')
  const codecBytes = raw.get('avro.codec')
  return {
    schema: parsedSchema(schemaText, file),
    schemaText,
    codec: codecBytes === undefined ? 'null' : decodeText(codecBytes, cursor, 'avro.codec'),
    metadata: textMetadata(raw),
    sync,
    length: cursor.position,
  }
}

function readHeaderMap(cursor: Cursor): Map<string, Uint8Array> {
  const entries = new Map<string, Uint8Array>()
  for (let count = cursor.blockCount(2); count !== 0; count = cursor.blockCount(2)) {
    for (let index = 0; index < count; index += 1) {
      const key = cursor.string()
      entries.set(key, cursor.bytesView())
    }
  }
  return entries
}

function textMetadata(raw: ReadonlyMap<string, Uint8Array>): Map<string, string> {
  const metadata = new Map<string, string>()
  for (const [key, value] of raw) {
    if (key.startsWith('avro.')) continue
    // A writer may keep binary under keys of its own: only keys that are read have to be text.
    metadata.set(key, new TextDecoder().decode(value))
  }
  return metadata
}

function decodeText(bytes: Uint8Array | undefined, cursor: Cursor, key: string): string {
  if (bytes === undefined) return cursor.fail(`the header has no ${key}`)
  try {
    return utf8.decode(bytes)
  } catch {
    // What a bare TypeError means here is that the file is damaged.
    return cursor.fail(`the header's ${key} is not valid UTF-8`)
  }
}

/** The files of a table repeat a handful of schemas, and a schema can be longer than what it is of. */
const parsedSchemas = new Map<string, AvroRecord>()
const MAX_PARSED_SCHEMAS = 32

/** The same text gives the same object. */
function parsedSchema(text: string, file: string): AvroRecord {
  const known = parsedSchemas.get(text)
  if (known !== undefined) return known
  const schema = parseAvroSchema(parseSchemaJson(text, file), file)
  if (parsedSchemas.size >= MAX_PARSED_SCHEMAS) parsedSchemas.clear()
  parsedSchemas.set(text, schema)
  return schema
}

function parseSchemaJson(text: string, file: string): unknown {
  try {
    const json: unknown = JSON.parse(text)
    return json
  } catch {
    // JSON.parse quotes the text in its message, which is not ours to pass on.
    throw new CorruptFileError('the Avro schema in the header is not valid JSON', { file })
  }
}

/** The blocks behind the header, packed. Checks counts, lengths and sync markers. */
export function* packedBlocks(bytes: Uint8Array, header: AvroHeader, file: string): Generator<PackedBlock> {
  const cursor = new Cursor(plainBytes(bytes), file)
  cursor.position = header.length
  while (cursor.remaining > 0) {
    const start = cursor.position
    const count = cursor.long()
    const size = cursor.long()
    if (count < 0 || size < 0) cursor.fail('a block has a negative size')
    const data = cursor.fixedView(size)
    const end = cursor.position
    const sync = cursor.fixedView(SYNC_SIZE)
    if (!sameBytes(sync, header.sync)) cursor.fail('a block does not end in its sync marker')
    yield { count, data, bytes: cursor.bytes.subarray(start, end) }
  }
}

/** CorruptFileError when the file has a checksum of its own and is not what it was made for. */
export function checkChecksum(bytes: Uint8Array, header: AvroHeader, { file, codecs }: AvroSource): void {
  if (!hasChecksum(header.metadata)) return
  const start = plainBytes(bytes).subarray(0, header.length - SYNC_SIZE)
  const blocks = Array.from(packedBlocks(bytes, header, file), (block) => block.bytes)
  if (sameBytes(checksumMarker([start, ...blocks], codecs), header.sync)) return
  throw new CorruptFileError('the file does not match its checksum', {
    file,
    hint: 'The file is damaged or cut off; restore it, or roll back to a snapshot that does not list it.',
  })
}

/**
 * The blocks behind the header, unpacked, when the file's checksum is right. A block must be read to
 * its last byte by the caller.
 */
export function* avroBlocks(bytes: Uint8Array, header: AvroHeader, source: AvroSource): Generator<AvroBlock> {
  checkChecksum(bytes, header, source)
  let total = 0
  for (const block of packedBlocks(bytes, header, source.file)) {
    const maxBytes = Math.min(MAX_BLOCK_BYTES, MAX_FILE_BYTES - total)
    const data = unpackBlock(block.data, header.codec, source, maxBytes)
    total += data.length
    const cursor = new Cursor(data, source.file)
    yield { count: block.count, cursor }
    if (cursor.remaining !== 0) cursor.fail('a block has bytes left over after its last record')
  }
}

/** Unpacks a block's data by the header's codec. */
export function unpackBlock(
  data: Uint8Array,
  codec: string,
  source: AvroSource,
  maxBytes: number = MAX_BLOCK_BYTES,
): Uint8Array {
  const { file, codecs } = source
  switch (codec) {
    case 'null':
      return data
    case 'deflate':
      return codecs.inflateRaw(data, { file, maxBytes })
    case 'zstandard':
      return codecs.unzstd(data, { file, maxBytes })
    case 'snappy':
      return unpackSnappyBlock(data, source, maxBytes)
    case 'bzip2':
    case 'xz':
      throw new UnsupportedFeatureError(`the file is packed with ${codec}`, {
        file,
        hint: 'Rewrite the manifests with write.avro.compression-codec set to gzip.',
      })
    default:
      throw new CorruptFileError('the file names a codec that Avro does not have', { file })
  }
}

/** Avro adds the CRC-32 of the unpacked data, big-endian. */
function unpackSnappyBlock(data: Uint8Array, source: AvroSource, maxBytes: number): Uint8Array {
  const { file, codecs } = source
  const end = data.length - 4
  if (end < 0) throw new CorruptFileError('a snappy block is too short', { file })
  const unpacked = codecs.unsnappy(data.subarray(0, end), { file, maxBytes })
  const stored = new DataView(data.buffer, data.byteOffset + end, 4).getUint32(0)
  if (codecs.crc32(unpacked) !== stored) {
    throw new CorruptFileError('a block does not match its checksum', { file })
  }
  return unpacked
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false
  return true
}

/** Buffer's `slice` shares memory where Uint8Array's copies; readers count on the latter. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (Object.getPrototypeOf(bytes) === Uint8Array.prototype) return bytes
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
