/** Which metrics are kept per column (`write.metadata.metrics.*`). */

export type MetricsMode =
  | { readonly kind: 'none' }
  | { readonly kind: 'counts' }
  /** Bounds cut to `length` code points (strings) or bytes (binary). */
  | { readonly kind: 'truncate'; readonly length: number }
  | { readonly kind: 'full' }

export interface MetricsConfig {
  /** Mode of a leaf column by its field id. */
  modeOf(fieldId: number): MetricsMode
}
