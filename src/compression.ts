/**
 * Byte codecs, as an interface that pure code can be given, and their implementation on node:zlib.
 *
 * Everything that unpacks takes a maximum: a small hostile file must not become a large allocation.
 */
import zlib from 'node:zlib'
import { CorruptFileError, UnsupportedFeatureError } from './errors.ts'
import { unpackSnappy } from './snappy.ts'

export interface UnpackOptions {
  /** Most bytes that may come out; one more is a CorruptFileError. */
  readonly maxBytes: number
  /** The file that the bytes are from, for the error. */
  readonly file?: string | undefined
}

/** Synchronous codecs. Every `un…` throws CorruptFileError for damaged or oversized input. */
export interface ByteCodecs {
  deflateRaw(bytes: Uint8Array): Uint8Array
  inflateRaw(bytes: Uint8Array, options: UnpackOptions): Uint8Array
  gzip(bytes: Uint8Array): Uint8Array
  gunzip(bytes: Uint8Array, options: UnpackOptions): Uint8Array
  /** UnsupportedFeatureError on a Node.js without zstd (before 22.15). */
  zstd(bytes: Uint8Array): Uint8Array
  /** UnsupportedFeatureError on a Node.js without zstd (before 22.15). */
  unzstd(bytes: Uint8Array, options: UnpackOptions): Uint8Array
  /** A raw Snappy block, without framing or checksum. */
  unsnappy(bytes: Uint8Array, options: UnpackOptions): Uint8Array
  /** CRC-32 (IEEE) as an unsigned number; `before` is that of the bytes that stand before these. */
  crc32(bytes: Uint8Array, before?: number): number
}

/** The codecs of the running Node.js. */
export const nodeCodecs: ByteCodecs = {
  deflateRaw: (bytes) => plain(zlib.deflateRawSync(bytes, deflateOptions(bytes))),
  inflateRaw: (bytes, options) =>
    unpack('deflate', options, () => zlib.inflateRawSync(bytes, zlibOptions(bytes, options))),
  gzip: (bytes) => plain(zlib.gzipSync(bytes)),
  gunzip: (bytes, options) =>
    unpack('gzip', options, () => zlib.gunzipSync(bytes, zlibOptions(bytes, options))),
  zstd: (bytes) => packZstd(bytes, null),
  unzstd(bytes, options) {
    requireZstd(options.file)
    return unpack('zstd', options, () =>
      zlib.zstdDecompressSync(bytes, { maxOutputLength: options.maxBytes }),
    )
  },
  unsnappy: (bytes, options) => unpackSnappy(bytes, options),
  crc32: (bytes, before = 0) => zlib.crc32(bytes, before),
}

/**
 * A window no larger than the input finds all that a larger one would, and need not be made and
 * cleared: small manifests are many.
 */
function deflateOptions({ length }: Uint8Array): zlib.ZlibOptions {
  const bits = Math.ceil(Math.log2(Math.max(length, 1)))
  const windowBits = Math.min(Math.max(bits, 9), 15)
  return { windowBits, memLevel: Math.min(windowBits - 6, 8) }
}

/** A chunk that most outputs fit saves joining many small ones, without a large one for each call. */
function zlibOptions(bytes: Uint8Array, options: UnpackOptions): zlib.ZlibOptions {
  const chunkSize = Math.min(Math.max(bytes.length * 8, 1024), 512 * 1024)
  return { maxOutputLength: options.maxBytes, chunkSize }
}

function unpack(codec: string, options: UnpackOptions, run: () => Buffer): Uint8Array {
  try {
    return plain(run())
  } catch (cause) {
    // zlib's own errors say nothing that a caller could act on; their text is never passed on.
    if (isTooLarge(cause)) throw oversized(codec, options)
    throw new CorruptFileError(`the ${codec} data is damaged`, { file: options.file, cause })
  }
}

function isTooLarge(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE'
}

function oversized(codec: string, options: UnpackOptions): CorruptFileError {
  return new CorruptFileError(`the ${codec} data unpacks to more than ${options.maxBytes} bytes`, {
    file: options.file,
    hint: 'No writer of this format makes blocks of that size; the file is damaged or hostile.',
  })
}

/** At a level from 1 (fast) to 22 (small); null for zstd's own. Errors as `ByteCodecs.zstd`. */
export function packZstd(bytes: Uint8Array, level: number | null): Uint8Array {
  requireZstd(undefined)
  if (level === null) return plain(zlib.zstdCompressSync(bytes))
  return plain(zlib.zstdCompressSync(bytes, { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } }))
}

/** The types promise it; Node.js 22.13 and 22.14 do not have it. */
export function hasZstd(): boolean {
  return typeof zlib.zstdDecompressSync === 'function'
}

function requireZstd(file: string | undefined): void {
  if (hasZstd()) return
  throw new UnsupportedFeatureError('this Node.js cannot read or write zstd', {
    file,
    hint: 'Use Node.js 22.15 or later.',
  })
}

/** Buffer's `slice` shares memory where Uint8Array's copies: pure code gets the plain class. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
