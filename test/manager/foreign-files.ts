/** Files that another writer might have committed: content files put into a table as they are said to be. */
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import { currentSchema } from '../../src/format/metadata/views.ts'
import type { Table } from '../../src/index.ts'
import { commitChange } from '../../src/table/commit.ts'
import { AppendChange } from '../../src/table/operations/append.ts'
import { handleOf } from '../../src/table/table.ts'
import type { ManagerWorld } from '../support/manager-world.ts'

/** Content of the live data files of the current snapshot. */
export async function dataFiles(table: Table): Promise<readonly ContentFile[]> {
  const { tasks } = await table.scan().plan()
  return tasks.map(({ entry }) => entry.file)
}

/** Adds copies of files, wherever they are, to a table in one snapshot; answers them as they are there. */
export async function commitFiles(
  world: ManagerWorld,
  table: Table,
  files: readonly ContentFile[],
): Promise<readonly ContentFile[]> {
  const handle = handleOf(table)
  const { runtime, storage, id, loaded, metadata } = handle.state
  const copies = await Promise.all(
    files.map(async (file) => {
      const location = `${table.location}/data/foreign-${file.location.split('/').at(-1)}`
      await world.store().put(location, await world.store().get(file.location))
      return { ...file, location }
    }),
  )
  const change = new AppendChange({ runtime, storage, branch: 'main', snapshotProperties: {} }, copies, {
    strategy: 'fast_append',
    schema: currentSchema(metadata),
    discardData: async () => {},
  })
  const { table: committed } = await commitChange(runtime, id, loaded, change, {})
  handle.advance(committed)
  return copies
}
