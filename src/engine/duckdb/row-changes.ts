/** Changes of rows that are there, by DuckDB. */
import { UnsupportedFeatureError } from '../../errors.ts'
import type { RowChanges } from '../row-changes.ts'

export function rowChanges(): RowChanges {
  return {
    match: notBuilt,
    matchPartitions: notBuilt,
    writePositionDeletes: notBuilt,
    spool: notBuilt,
    checkKeys: notBuilt,
    keyBounds: notBuilt,
    matchKeys: notBuilt,
  }
}

function notBuilt(): Promise<never> {
  return Promise.reject(new UnsupportedFeatureError('Changing rows that are there is not built yet'))
}
