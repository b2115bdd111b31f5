/** Arrow dictionaries resolved: the values of every row, copied out. */
import { isNull, noBatch, unsupported, type ArrowData } from './arrow-shape.ts'
import { hasValue, type ColumnData } from './column-data.ts'

export function indexesOf(data: ArrowData): ArrayLike<number | bigint> {
  const values = data.values
  if (
    values instanceof Int8Array ||
    values instanceof Uint8Array ||
    values instanceof Int16Array ||
    values instanceof Uint16Array ||
    values instanceof Int32Array ||
    values instanceof Uint32Array ||
    values instanceof BigInt64Array ||
    values instanceof BigUint64Array
  ) {
    return values
  }
  throw noBatch()
}

export function resolveDictionary(
  indexes: ArrayLike<number | bigint>,
  chunks: readonly ColumnData[],
  starts: readonly number[],
  data: ArrowData,
  path: string,
): ColumnData {
  const bits = new Uint8Array((data.length + 7) >> 3)
  const parts: Uint8Array[] = []
  const offsets = new Int32Array(data.length + 1)
  const isText = chunks[0]?.kind === 'bytes'
  const width = chunks[0]?.kind === 'fixed' ? chunks[0].width : 0
  for (let row = 0; row < data.length; row++) {
    const found = isNull(data, row) ? null : elementOf(Number(indexes[row] ?? 0), chunks, starts, path)
    if (found !== null) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7))
    const part = found ?? new Uint8Array(width)
    parts.push(part)
    offsets[row + 1] = (offsets[row] ?? 0) + part.length
  }
  const bytes = new Uint8Array(offsets[data.length] ?? 0)
  for (const [row, part] of parts.entries()) bytes.set(part, offsets[row])
  const validity = { bits, offset: 0 }
  return isText || width === 0
    ? { kind: 'bytes', offsets, bytes, validity }
    : { kind: 'fixed', width, bytes, validity }
}

/** Bytes of an element of a dictionary; null when the dictionary has a null there. */
function elementOf(
  index: number,
  chunks: readonly ColumnData[],
  starts: readonly number[],
  path: string,
): Uint8Array | null {
  const at = starts.findLastIndex((start) => start <= index)
  const chunk = chunks[at]
  const local = index - (starts[at] ?? 0)
  if (chunk === undefined || chunk.kind === 'list' || chunk.kind === 'struct') throw unsupported(path)
  if (!hasValue(chunk, local)) return null
  return chunk.kind === 'fixed'
    ? chunk.bytes.subarray(local * chunk.width, (local + 1) * chunk.width)
    : chunk.bytes.subarray(chunk.offsets[local], chunk.offsets[local + 1])
}
