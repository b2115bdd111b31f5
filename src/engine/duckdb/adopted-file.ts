/** A file that somebody else wrote, on its way to a manifest entry. */
import type { AdoptRequest } from '../adoption.ts'
import type { MatchedLeaf } from './adopted-columns.ts'
import type { FooterFacts } from './footer-facts.ts'
import type { SizedFile } from './open-parquet.ts'
import type { Reader } from './open-tasks.ts'
import { READ_OPTIONS } from './physical.ts'
import type { FileColumns } from './projection.ts'
import type { Session, StatementOptions } from './session.ts'
import { quotePaths } from './sql.ts'

export interface Adopting {
  readonly reader: Reader
  readonly request: AdoptRequest
  readonly session: Session
}

/** The file, and what its footer tells. */
export interface OpenedFile {
  readonly adopting: Adopting
  readonly file: SizedFile
  readonly columns: FileColumns
  readonly leaves: readonly MatchedLeaf[]
  readonly facts: FooterFacts
}

/** The file's rows, its columns by number. */
export function fileSql(file: SizedFile, columns: FileColumns): string {
  return `read_parquet(${quotePaths([file.localPath])}, ${READ_OPTIONS}) AS f(${columns.columns.join(', ')})`
}

/** What a statement about one file says of itself. */
export function readingContext({ request }: Adopting, file: SizedFile): StatementOptions {
  return {
    doing: 'read a data file',
    signal: request.signal,
    reading: [file.localPath],
    nameOf: () => file.name,
  }
}
