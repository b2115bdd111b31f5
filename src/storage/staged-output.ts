/**
 * Files on their way to their locations. When a commit has returned, the file's bytes, its name and
 * the names of the folders that were made for it are on the disk. Until then, whatever happens,
 * either nothing is under the location or the whole file: bytes are on the disk before they get their
 * name. No reader and no catalog knows of a file that is not committed.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { throwIfAborted } from '../abort.ts'
import type { OutputFile } from '../engine/file-access.ts'
import { ObjectExistsError } from '../errors.ts'
import { createFolder } from './folder-names.ts'
import { inStore } from './local-errors.ts'
import { hiddenPathFor, removeTemporary } from './local-files.ts'
import { fileNameOf } from './location.ts'
import type { ObjectStore } from './object-store.ts'

/** A new output, to be written to a hidden name. */
export async function openOutput(
  store: ObjectStore,
  scratchDir: string,
  location: string,
  signal: AbortSignal | undefined,
): Promise<OutputFile> {
  throwIfAborted(signal)
  const localPath = hiddenPathFor(store.localPath?.(location) ?? join(scratchDir, fileNameOf(location)))
  await inStore(location, () => createFolder(dirname(localPath)))
  return outputFile(store, { localPath, location, signal })
}

/** A file on its way to its location. */
interface Unplaced {
  readonly localPath: string
  readonly location: string
  readonly signal: AbortSignal | undefined
  /** Whether the folder of the location may be missing. */
  readonly makesFolder?: boolean
}

/** An output whose bytes are a finished file already. */
export function adoptOutput(store: ObjectStore, { localPath, location, signal }: Unplaced): OutputFile {
  throwIfAborted(signal)
  return outputFile(store, { localPath, location, signal, makesFolder: true })
}

function outputFile(store: ObjectStore, file: Unplaced): OutputFile {
  const { localPath, location, signal, makesFolder = false } = file
  const path = makesFolder ? store.localPath?.(location) : undefined
  // One token for all tries of this file: a commit that is called again finds its own object.
  const owner = crypto.randomUUID()
  let committed = false
  // A put that failed may have taken effect all the same, unless somebody else's object is there.
  let mayBeThere = false
  return {
    location,
    localPath,
    commit: async () => {
      mayBeThere = true
      // Made before the put needs it, and durable when both are: of a thousand partitions' folders
      // many get their names on the disk by one sync of the folder above, beside their files' bytes.
      const folder = path === undefined ? undefined : inStore(location, () => createFolder(dirname(path)))
      const put = store.put(location, { localPath }, { ifAbsent: true, owner, signal })
      // Both have ended when this ends: a put under way could come after what undoes it.
      const [placed, named] = await Promise.allSettled([put, folder])
      if (placed.status === 'rejected') {
        if (placed.reason instanceof ObjectExistsError) mayBeThere = false
        throw placed.reason
      }
      if (named.status === 'rejected') throw named.reason
      const { size } = placed.value
      committed = true
      // A store on the disk has moved it.
      if (existsSync(localPath)) await removeTemporary(localPath)
      return { size }
    },
    abort: async () => {
      if (!committed) await removeTemporary(localPath)
    },
    discard: async () => {
      await removeTemporary(localPath)
      if (!mayBeThere) return
      const { failed } = await store.delete([location])
      for (const { error } of failed) throw error
      mayBeThere = false
    },
  }
}
