/** The schema of every version 2 type, rows that go to the edges, and every transform. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SchemaJson } from '../../../src/format/metadata/table-metadata.ts'
import { interopFolder } from './json-lines.ts'
import type { ExactRow } from './pyiceberg.ts'

interface EveryType {
  readonly schema: SchemaJson
  readonly rows: readonly ExactRow[]
  readonly transforms: readonly {
    readonly source: string
    readonly transform: string
    /** What a reference engine cannot do with it. */
    readonly note?: string
  }[]
}

const path = join(interopFolder, 'python', 'every-type.json')

export const everyType: EveryType = JSON.parse(readFileSync(path, 'utf8'))

/**
 * Rows as PyIceberg 0.12 writes and reads them: where it casts nested columns, a null map and a
 * null list of structs come out empty. What is in the file is checked by `readParquet` instead.
 */
export function asPyIcebergShows(rows: readonly ExactRow[]): readonly ExactRow[] {
  return rows.map((row) => ({ ...row, ls: row.ls ?? [], ma: row.ma ?? [] }))
}
