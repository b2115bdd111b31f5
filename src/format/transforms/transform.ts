/** Partition transforms (Iceberg spec, "Partition Transforms"). */

export type Transform =
  | { readonly kind: 'identity' }
  | { readonly kind: 'bucket'; readonly buckets: number }
  | { readonly kind: 'truncate'; readonly width: number }
  | { readonly kind: 'year' }
  | { readonly kind: 'month' }
  | { readonly kind: 'day' }
  | { readonly kind: 'hour' }
  /** Always null; what v1 keeps in place of a removed field. Never prunes, never proves a match. */
  | { readonly kind: 'void' }
  /** A transform that this version does not know: carried through, never applied. */
  | { readonly kind: 'unknown'; readonly text: string }
