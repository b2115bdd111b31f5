/**
 * Memory set aside for batches to come.
 *
 * V8 counts the memory of array buffers, and collects all garbage when that has grown by a few megabytes
 * since it last did: a scan would have it at work nearly all the time, on a heap in which next to nothing
 * has become garbage. So what the next batches will take is counted at once, and given back piece by piece
 * as they take it: the sum stands still meanwhile, and there is one collection for many batches.
 */

const PIECE_BYTES = 1024 ** 2

export class BatchReserve {
  readonly #maxBytes: number
  #pieces: ArrayBuffer[] = []
  #missing = 0

  /** `maxBytes`: of batches that may be garbage before it is collected. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Makes room for a batch of so many bytes; all that are to come may take `left`. */
  give(bytes: number, left: number): void {
    // A batch that takes much of the reserve is a reason of its own to collect.
    if (bytes > this.#maxBytes / 4) return
    this.#missing += Math.min(bytes, left)
    for (; this.#missing >= PIECE_BYTES; this.#missing -= PIECE_BYTES) {
      if (this.#pieces.length === 0) this.#pieces = pieces(Math.min(this.#maxBytes, left))
      this.#pieces.pop()?.transfer(0)
    }
  }

  /** Gives back what was not needed. */
  end(): void {
    for (const piece of this.#pieces.splice(0)) piece.transfer(0)
  }
}

/** Memory that nobody writes to or reads, so that it need not be there: only its size counts. */
function pieces(bytes: number): ArrayBuffer[] {
  const length = Math.floor(bytes / PIECE_BYTES)
  return Array.from({ length }, () => Buffer.allocUnsafeSlow(PIECE_BYTES).buffer)
}
