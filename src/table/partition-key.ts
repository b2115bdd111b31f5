/** A partition as a map key: equal exactly when spec and values are. */
import type { PartitionTuple } from '../format/manifest/entry.ts'
import type { Datum } from '../format/types.ts'

export function partitionKey(specId: number, partition: PartitionTuple): string {
  return `${specId}|${partition.map(datumKey).join('|')}`
}

/** Tagged by kind and free of the separator, so that neighbours can never run together. */
function datumKey(value: Datum | null): string {
  if (value === null) return 'n'
  if (value instanceof Uint8Array)
    return `x${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
  if (typeof value === 'number') return Object.is(value, -0) ? 'd-0' : `d${value}`
  if (typeof value === 'bigint') return `i${value}`
  if (typeof value === 'boolean') return value ? 't' : 'f'
  return `s${JSON.stringify(value).replaceAll('|', '\\u007c')}`
}
