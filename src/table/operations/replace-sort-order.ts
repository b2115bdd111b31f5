/** Replacing the order that new data files are sorted by; files that are there stay as they are. */
import { IncompatibleChangeError, InvalidArgumentError } from '../../errors.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import { nextOrderId } from '../../format/metadata/update-specs.ts'
import { LAST_ADDED, type TableUpdate } from '../../format/metadata/updates.ts'
import { currentSchema, defaultSortOrder } from '../../format/metadata/views.ts'
import {
  createSortOrder,
  sameSortFields,
  sortOrderFromJson,
  sortOrderToJson,
  type SortFieldRequest,
  type SortOrder,
} from '../../format/sort-order.ts'
import { MetadataChange, type MetadataAttempt } from './metadata-change.ts'

/** Sets another default sort order; no fields: unsorted. */
export class ReplaceSortOrderChange extends MetadataChange {
  readonly operation = 'replacement of the sort order'
  readonly #fields: readonly SortFieldRequest[]
  readonly #options: { readonly caseSensitive?: boolean }
  #sent: SortOrder | null = null

  constructor(fields: readonly SortFieldRequest[], options: { readonly caseSensitive?: boolean } = {}) {
    super()
    this.#fields = fields
    this.#options = options
  }

  isApplied(metadata: TableMetadata): boolean {
    return this.#sent !== null && sameSortFields(defaultSortOrder(metadata), this.#sent)
  }

  protected async attempt(base: TableMetadata): Promise<MetadataAttempt | null> {
    const order = this.#order(base)
    const before = defaultSortOrder(base)
    if (sameSortFields(order, before)) return null
    this.#sent = order
    return {
      updates: orderUpdates(base, order),
      requirements: [
        { type: 'assert-default-sort-order-id', 'default-sort-order-id': before.orderId },
        { type: 'assert-current-schema-id', 'current-schema-id': base['current-schema-id'] },
      ],
      // Two who replace the same order by different ones cannot both have their way.
      witness: [fieldsOf(before), fieldsOf(order)],
    }
  }

  #order(base: TableMetadata): SortOrder {
    try {
      return createSortOrder(currentSchema(base), this.#fields, this.#options)
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error
      throw new IncompatibleChangeError(error.message, { hint: error.hint, cause: error })
    }
  }
}

/** An order that the table had before becomes the default again under its old id. */
export function orderUpdates(base: TableMetadata, order: SortOrder): TableUpdate[] {
  const known = base['sort-orders'].map(sortOrderFromJson).find((each) => sameSortFields(each, order))
  if (known !== undefined) return [{ action: 'set-default-sort-order', 'sort-order-id': known.orderId }]
  return [
    {
      action: 'add-sort-order',
      'sort-order': sortOrderToJson({ ...order, orderId: nextOrderId(base, order) }),
    },
    { action: 'set-default-sort-order', 'sort-order-id': LAST_ADDED },
  ]
}

function fieldsOf(order: SortOrder): string {
  return JSON.stringify(sortOrderToJson({ ...order, orderId: 0 }).fields)
}
