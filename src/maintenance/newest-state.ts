/** A table as it is now: what is too old, or needed, is not to be judged by an earlier look. */
import { CommitRejectedError } from '../errors.ts'
import type { TableState } from '../table/table-state.ts'

/** CommitRejectedError when another table has the name by now. */
export async function newestState(state: TableState, signal: AbortSignal | undefined): Promise<TableState> {
  const { runtime, id, name, metadata } = state
  const loaded = await runtime.catalog.loadTable(id, { snapshots: 'all', signal })
  if (loaded.metadata['table-uuid'].toLowerCase() !== metadata['table-uuid'].toLowerCase()) {
    throw new CommitRejectedError('The table was dropped and created again by somebody else', {
      table: name,
      hint: 'Load the table again and look at what it holds now.',
    })
  }
  return { ...state, loaded, metadata: loaded.metadata }
}
