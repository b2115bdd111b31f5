/** Sort orders (Iceberg spec, "Sorting"). */
import type { Transform } from './transforms/transform.ts'

export interface SortField {
  readonly sourceId: number
  readonly transform: Transform
  readonly direction: 'asc' | 'desc'
  readonly nullOrder: 'nulls-first' | 'nulls-last'
}

export interface SortOrder {
  readonly orderId: number
  readonly fields: readonly SortField[]
}

/** Order id 0 always means unsorted. */
export const UNSORTED: SortOrder = { orderId: 0, fields: [] }
