/** Reading whole objects or ranges of them from the local disk. */
import { closeSync, fstatSync, read, readSync, statSync, type BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { throwIfAborted } from '../abort.ts'
import { DiskPace } from '../disk-pace.ts'
import { ObjectChangedError, ObjectNotFoundError } from '../errors.ts'
import { infoOf } from './local-files.ts'
import { fileNameOf, maskLocation } from './location.ts'
import type { GetOptions } from './object-store.ts'
import { rangeOf } from './range.ts'

const readFile = promisify(read)

/** Bytes that are read in place: one page or a few, which came along when the file was opened. */
const IN_PLACE_BYTES = 16 * 1024

/** Reads files; a plan over hundreds of small manifests is mostly opening them. */
export class LocalReads {
  readonly #pace: DiskPace

  constructor(pace: DiskPace = new DiskPace()) {
    this.#pace = pace
  }

  /** What GetOptions ask for. ObjectNotFoundError for a folder, ObjectChangedError. */
  async read(path: string, location: string, options: GetOptions): Promise<Uint8Array> {
    const file = await this.#pace.open(path)
    try {
      throwIfAborted(options.signal)
      const { start, end } = rangeOf(options.range, sizeOf(file, location, options))
      return await this.#bytes(file, location, { start, end, signal: options.signal })
    } finally {
      closeSync(file)
    }
  }

  /** Looks at a file. ObjectNotFoundError for a folder. */
  async stat(path: string, location: string): Promise<BigIntStats> {
    const options = { bigint: true } as const
    const stats = await this.#pace.call(
      () => statSync(path, options),
      () => stat(path, options),
    )
    if (!stats.isFile()) throw notAFile(location)
    return stats
  }

  async #bytes(
    file: number,
    location: string,
    {
      start,
      end,
      signal,
    }: { readonly start: number; readonly end: number; readonly signal: GetOptions['signal'] },
  ): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start)
    for (let filled = 0; filled < bytes.length;) {
      throwIfAborted(signal)
      const place = [bytes, filled, bytes.length - filled, start + filled] as const
      const bytesRead =
        bytes.length <= IN_PLACE_BYTES
          ? this.#pace.timed(() => readSync(file, ...place))
          : (await readFile(file, ...place)).bytesRead
      if (bytesRead === 0) throw new ObjectChangedError('The file was cut', { file: maskLocation(location) })
      filled += bytesRead
    }
    return bytes
  }
}

/** Bytes of an open file, which is the one that is asked for. */
function sizeOf(file: number, location: string, { ifMatch }: GetOptions): number {
  if (ifMatch === undefined) {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw notAFile(location)
    return stats.size
  }
  // The nanoseconds that tell one version from another need all 64 bits.
  const stats = fstatSync(file, { bigint: true })
  if (!stats.isFile()) throw notAFile(location)
  const { size, etag } = infoOf(location, stats)
  if (ifMatch === etag) return size
  throw new ObjectChangedError('The file was replaced meanwhile', { file: maskLocation(location) })
}

function notAFile(location: string): ObjectNotFoundError {
  return new ObjectNotFoundError(
    `${fileNameOf(maskLocation(location))} is no file but a folder or the like`,
    {
      file: maskLocation(location),
    },
  )
}
