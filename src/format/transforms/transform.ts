/** Partition transforms (Iceberg spec, "Partition Transforms"). */
import type { PrimitiveType, Type } from '../types.ts'

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

const PARAMETERISED = /^(bucket|truncate)\[\s*(\d+)\s*\]$/

/**
 * Parses a transform's text, `bucket[16]`. Anything else than the format's own transforms, with
 * their parameter in 1 to 2^31-1, is an unknown transform that keeps its text.
 */
export function parseTransform(text: string): Transform {
  const folded = text.toLowerCase()
  switch (folded) {
    case 'identity':
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
    case 'void':
      return { kind: folded }
  }
  const match = PARAMETERISED.exec(folded)
  const parameter = Number(match?.[2] ?? 0)
  if (parameter < 1 || parameter > 0x7fffffff) return { kind: 'unknown', text }
  return match?.[1] === 'bucket'
    ? { kind: 'bucket', buckets: parameter }
    : { kind: 'truncate', width: parameter }
}

export function transformToString(transform: Transform): string {
  switch (transform.kind) {
    case 'bucket':
      return `bucket[${transform.buckets}]`
    case 'truncate':
      return `truncate[${transform.width}]`
    case 'unknown':
      return transform.text
    default:
      return transform.kind
  }
}

export function sameTransform(a: Transform, b: Transform): boolean {
  return transformToString(a) === transformToString(b)
}

const BUCKET_SOURCES: ReadonlySet<Type['kind']> = new Set<Type['kind']>([
  'int',
  'long',
  'decimal',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'string',
  'uuid',
  'fixed',
  'binary',
])
const TRUNCATE_SOURCES: ReadonlySet<Type['kind']> = new Set<Type['kind']>([
  'int',
  'long',
  'decimal',
  'string',
  'binary',
])
const HOUR_SOURCES: ReadonlySet<Type['kind']> = new Set<Type['kind']>([
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
])
const NO_PARTITION_SOURCES: ReadonlySet<Type['kind']> = new Set<Type['kind']>([
  'struct',
  'list',
  'map',
  'variant',
  'geometry',
  'geography',
])

/** Whether the format allows the transform on a source of that type. An unknown one is allowed on none. */
export function canTransform(transform: Transform, sourceType: Type): boolean {
  const { kind } = sourceType
  switch (transform.kind) {
    case 'identity':
      return !NO_PARTITION_SOURCES.has(kind)
    case 'bucket':
      return BUCKET_SOURCES.has(kind)
    case 'truncate':
      return TRUNCATE_SOURCES.has(kind)
    case 'year':
    case 'month':
    case 'day':
      return kind === 'date' || HOUR_SOURCES.has(kind)
    case 'hour':
      return HOUR_SOURCES.has(kind)
    case 'void':
      return true
    case 'unknown':
      return false
  }
}

/**
 * The type of a transform's results. Days are dates: an int in the file with a date's meaning, as
 * all implementations write them. An unknown transform's results are of type unknown.
 */
export function transformResultType(transform: Transform, sourceType: PrimitiveType): PrimitiveType {
  switch (transform.kind) {
    case 'identity':
    case 'truncate':
    case 'void':
      return sourceType
    case 'bucket':
    case 'year':
    case 'month':
    case 'hour':
      return { kind: 'int' }
    case 'day':
      return { kind: 'date' }
    case 'unknown':
      return { kind: 'unknown' }
  }
}

/** True when greater values never have lesser results, so that ranges can be carried over. */
export function preservesOrder(transform: Transform): boolean {
  return transform.kind !== 'bucket' && transform.kind !== 'void' && transform.kind !== 'unknown'
}
