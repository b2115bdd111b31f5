/** The order that the rows of rewritten files get. */
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { currentSchema, defaultSortOrder } from '../format/metadata/views.ts'
import {
  createSortOrder,
  sameSortFields,
  sortOrderFromJson,
  UNSORTED,
  type SortOrder,
} from '../format/sort-order.ts'
import type { CompactionPlan } from './compaction-plan.ts'

/**
 * Under one of the table's own ids where the table has the order, since files may promise only those;
 * else under that of the unsorted order. InvalidArgumentError when a column is gone.
 */
export function wantedOrder(
  metadata: TableMetadata,
  { strategy, sortBy }: Pick<CompactionPlan, 'strategy' | 'sortBy' | 'zOrderBy'>,
): SortOrder {
  switch (strategy) {
    case 'bin_pack':
      return defaultSortOrder(metadata)
    case 'z_order':
      return UNSORTED
    case 'sort': {
      const order = createSortOrder(currentSchema(metadata), sortBy)
      const known = metadata['sort-orders'].map(sortOrderFromJson).find((each) => sameSortFields(each, order))
      return { ...order, orderId: known?.orderId ?? UNSORTED.orderId }
    }
  }
}
