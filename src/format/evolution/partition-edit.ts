/** One change of a partition spec. */

/** Fields are known by name, or by what they hold. */
export type PartitionEdit =
  | {
      readonly type: 'add_field'
      /** Full name of the source column. */
      readonly source: string
      readonly transform: string
      /** null: that of an earlier field of the same source and transform, else a derived one. */
      readonly name: string | null
    }
  | { readonly type: 'remove_field'; readonly field: PartitionFieldRef }
  | { readonly type: 'rename_field'; readonly name: string; readonly newName: string }
  | {
      readonly type: 'replace_field'
      readonly field: PartitionFieldRef
      readonly source: string
      readonly transform: string
      readonly name: string | null
    }

export type PartitionFieldRef = string | { readonly source: string; readonly transform: string }

export function partitionFieldRefToString(ref: PartitionFieldRef): string {
  return typeof ref === 'string' ? ref : `${ref.transform}(${ref.source})`
}
