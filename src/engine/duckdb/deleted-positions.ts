/** What the deletes of data files say, read as positions. */
import type { DeletedPositionsRequest, FileMatch } from '../row-changes.ts'
import { refuseUnsupported, type Reader } from './open-tasks.ts'
import { readPositionDeletes } from './position-deletes.ts'
import { diagnosed } from './read-failure.ts'
import { openWindows } from './windows.ts'

/** RowChanges.deletedPositions by DuckDB. */
export async function deletedPositions(
  reader: Reader,
  request: DeletedPositionsRequest,
): Promise<readonly FileMatch[]> {
  const { tasks, files, signal } = request
  refuseUnsupported(tasks)
  const matches: FileMatch[] = []
  for await (const open of openWindows(reader, { tasks, files, signal })) {
    const deleted = await diagnosed(reader, open, () => readPositionDeletes(open, signal))
    for (const [{ task, file }, positions] of deleted) {
      if (positions.size > 0) matches.push({ task, positions, liveRows: file.recordCount - positions.size })
    }
  }
  return matches
}
