/** Files of a measurement, and their bytes. */
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes of every file below a folder, by path. */
export async function sizesBelow(folder: string): Promise<ReadonlyMap<string, number>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(await Promise.all(files.map(async (file) => [file, (await stat(file)).size] as const)))
}

/** Writes so many bytes into one new file and syncs it: less than this no durable commit can cost. */
export async function bareWrite(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(Buffer.alloc(bytes, 'x'))
    await file.sync()
  } finally {
    await file.close()
  }
}
