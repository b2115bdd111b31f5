/** An identity for tables of v1 that have none. */
import { murmur3 } from '../transforms/murmur3.ts'

/**
 * A UUID made from the table's location (RFC 9562 version 8: of our own making), for v1 metadata
 * older than `table-uuid`. Every reader gets the same, so commits can assert it, and the next commit
 * stores it, as Java then stores a random one.
 */
export function standInUuid(location: string): string {
  const words = [0, 1, 2, 3].map((part) =>
    (murmur3(new TextEncoder().encode(`${part}:${location}`)) >>> 0).toString(16).padStart(8, '0'),
  )
  const hex = words.join('')
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join('-')
}
