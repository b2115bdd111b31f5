/** Where the row groups of a Parquet file begin. */
import { open } from 'node:fs/promises'
import { parquetMetadata } from 'hyparquet'

/** The first row group follows the magic bytes. */
const FIRST = 4

/**
 * Offsets of a file's row groups, in order. `footerBytes` is the size of the footer, or more than
 * it; a file known to have one row group is not looked at.
 */
export async function splitOffsets(
  path: string,
  footerBytes: number,
  isOneGroup: boolean,
): Promise<readonly number[]> {
  if (isOneGroup) return [FIRST]
  const footer = await readTail(path, footerBytes + 8)
  return parquetMetadata(footer).row_groups.map((group) => {
    const first = group.columns[0]?.meta_data
    return Number(first?.dictionary_page_offset ?? first?.data_page_offset ?? FIRST)
  })
}

async function readTail(path: string, bytes: number): Promise<ArrayBuffer> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const length = Math.min(size, bytes)
    const buffer = new ArrayBuffer(length)
    await file.read(new Uint8Array(buffer), 0, length, size - length)
    return buffer
  } finally {
    await file.close()
  }
}
