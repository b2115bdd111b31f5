/** The golden tables of test/fixtures/{spark,pyiceberg}: see the README there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Exact } from './exact-values.ts'

export type ExactRow = Readonly<Record<string, Exact>>

/** What the engine that wrote the table reads back, by its own metadata tables. */
export interface ExpectedTable {
  readonly metadata: string
  readonly rows: readonly ExactRow[]
  readonly rowsAt: Readonly<Record<string, readonly ExactRow[]>>
  readonly snapshots: readonly ExactRow[]
  readonly history: readonly ExactRow[]
  readonly refs: readonly ExactRow[]
  readonly entries: readonly ExactRow[]
  readonly manifests: readonly ExactRow[]
}

export interface GoldenTable {
  readonly name: string
  /** Folder on this disk. */
  readonly folder: string
  /** Path on this disk. */
  readonly metadataPath: string
  /** As the catalog had it. */
  readonly metadataLocation: string
  readonly expected: ExpectedTable
}

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url))
const written = /^(?:file:)?\/+tmp\/floeberg-fixtures\/(spark|pyiceberg)\/ns\/(.*)$/

/** The path on this disk of a location in a golden table's metadata. */
export function goldenPath(location: string): string {
  const [, engine, rest] = written.exec(location) ?? []
  if (engine === undefined || rest === undefined) throw new Error(`not of a golden table: ${location}`)
  return join(fixtures, engine, rest)
}

export function goldenTable(engine: 'spark' | 'pyiceberg', name: string): GoldenTable {
  const folder = join(fixtures, engine, name)
  const expected: ExpectedTable = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))
  const slashes = engine === 'spark' ? 'file:' : 'file://'
  return {
    name,
    folder,
    metadataPath: join(folder, expected.metadata),
    metadataLocation: `${slashes}/tmp/floeberg-fixtures/${engine}/ns/${name}/${expected.metadata}`,
    expected,
  }
}
