/** Partition fields as users ask for them. */
import type { Transform } from './transforms/transform.ts'

/** A partition field as users ask for it: `{ source: 'ts', transform: 'month' }`. */
export interface PartitionFieldRequest {
  /** Full name of the source column. */
  readonly source: string
  readonly transform: string
  /** Default: derived from both, `ts_month`, `id_bucket`, `name_trunc`; of identity, the source's name. */
  readonly name?: string | undefined
}

/** The name that a partition field has when nobody names it. */
export function derivedPartitionName(source: string, transform: Transform): string {
  switch (transform.kind) {
    case 'identity':
      return source
    case 'bucket':
      return `${source}_bucket`
    case 'truncate':
      return `${source}_trunc`
    case 'void':
      return `${source}_null`
    case 'unknown':
      return `${source}_${transform.text}`
    default:
      return `${source}_${transform.kind}`
  }
}
