/**
 * A scan's files in windows: so many are open at a time, however many the scan has, and the next
 * window is opened while the current one is read.
 */
import type { FileScanTask, ReadRequest } from '../data-plane.ts'
import { openTasks, type OpenTasks, type Reader } from './open-tasks.ts'

const MAX_FILES = 1000
/** Bytes of a window's data files: what a remote store's window takes of the scratch disk. */
const MAX_BYTES = 1024 ** 3
/** Rows of files with deletes: a bit of memory each. */
const MAX_ROWS_WITH_DELETES = 2 ** 29

/** Whether every row of the file comes out, so that its count is known. */
export function isWhole(task: FileScanTask): boolean {
  return task.residual.op === 'true' && task.deletes.length === 0
}

/** Open tasks, window by window. Each is closed when the next is asked for, or the loop is left. */
export async function* openWindows(
  reader: Reader,
  request: Pick<ReadRequest, 'tasks' | 'files' | 'signal' | 'limit'>,
): AsyncGenerator<OpenTasks> {
  const leaving = new AbortController()
  const signal =
    request.signal === undefined ? leaving.signal : AbortSignal.any([request.signal, leaving.signal])
  const windows = splitTasks(request)
  const open = (at: number): Promise<OpenTasks> | null => {
    const tasks = windows[at]
    if (tasks === undefined) return null
    const opening = openTasks(reader, { files: request.files, signal }, tasks)
    // Nobody waits for it yet: a failure is met when its turn comes.
    opening.catch(() => {})
    return opening
  }
  let next = open(0)
  try {
    for (let at = 0; next !== null; at++) {
      const current = await next
      // With a limit the next window is rarely needed.
      next = request.limit === undefined ? open(at + 1) : null
      try {
        yield current
      } finally {
        await current.close()
      }
      next ??= open(at + 1)
    }
  } finally {
    leaving.abort()
    // A window that failed to open has closed itself.
    const ahead = await next?.catch(() => null)
    await ahead?.close()
  }
}

/** Consecutive tasks, as many as may be open together. */
export function splitTasks({
  tasks,
  limit,
}: Pick<ReadRequest, 'tasks' | 'limit'>): readonly FileScanTask[][] {
  const windows: FileScanTask[][] = []
  let window: FileScanTask[] = []
  let size = new WindowSize(limit)
  for (const task of tasks) {
    if (window.length > 0 && !size.hasRoomFor(task)) {
      windows.push(window)
      window = []
      size = new WindowSize(limit)
    }
    window.push(task)
    size.add(task)
  }
  if (window.length > 0) windows.push(window)
  return windows
}

class WindowSize {
  readonly #limit: number
  #files = 0
  #bytes = 0
  #rowsWithDeletes = 0
  /** Rows that are sure to come out. */
  #rows = 0

  constructor(limit: number | undefined) {
    this.#limit = limit ?? Number.POSITIVE_INFINITY
  }

  hasRoomFor({ entry, deletes }: FileScanTask): boolean {
    if (this.#rows >= this.#limit || this.#files >= MAX_FILES) return false
    if (this.#bytes + entry.file.fileSizeInBytes > MAX_BYTES) return false
    if (deletes.length === 0) return true
    return this.#rowsWithDeletes + entry.file.recordCount <= MAX_ROWS_WITH_DELETES
  }

  add(task: FileScanTask): void {
    const { fileSizeInBytes, recordCount } = task.entry.file
    this.#files += 1
    this.#bytes += fileSizeInBytes
    if (task.deletes.length > 0) this.#rowsWithDeletes += recordCount
    if (isWhole(task)) this.#rows += recordCount
  }
}
