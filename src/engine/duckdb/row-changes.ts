/** Changes of rows that are there, by DuckDB. */
import { UnsupportedFeatureError } from '../../errors.ts'
import type { RowChanges } from '../row-changes.ts'
import { match, matchPartitions } from './match.ts'
import type { Reader } from './open-tasks.ts'
import { writePositionDeletes } from './position-delete-files.ts'

export function rowChanges(reader: Reader): RowChanges {
  return {
    match: (request) => match(reader, request),
    matchPartitions: (request) => matchPartitions(reader, request),
    writePositionDeletes: (request) => writePositionDeletes(reader.engine, request),
    spool: notBuilt,
    checkKeys: notBuilt,
    keyBounds: notBuilt,
    matchKeys: notBuilt,
  }
}

function notBuilt(): Promise<never> {
  return Promise.reject(new UnsupportedFeatureError('Changing rows that are there is not built yet'))
}
