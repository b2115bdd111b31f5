/** One catalog file and one warehouse for everybody, in a folder that goes away afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SharedWarehouse {
  readonly folder: string
  /** Path of the SQLite file. */
  readonly catalogFile: string
  /** As PyIceberg and floeberg take it. */
  readonly catalogUri: string
  /** A `file:///…` URI. */
  readonly warehouse: string
  remove(): void
}

export function createSharedWarehouse(): SharedWarehouse {
  const folder = mkdtempSync(join(tmpdir(), 'floeberg-interop-'))
  const catalogFile = join(folder, 'catalog.db')
  return {
    folder,
    catalogFile,
    // Three slashes and an absolute path: four in all, as SQLAlchemy has it.
    catalogUri: `sqlite:///${catalogFile}`,
    warehouse: `file://${folder}/warehouse`,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
