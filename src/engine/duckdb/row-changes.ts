/** Changes of rows that are there, by DuckDB. */
import type { RowChanges } from '../row-changes.ts'
import { deletedPositions } from './deleted-positions.ts'
import { matchKeys } from './match-keys.ts'
import { match, matchPartitions } from './match.ts'
import type { Reader } from './open-tasks.ts'
import { checkKeys, keyBounds } from './spool-keys.ts'
import { spool } from './spool.ts'
import { writePositionDeletes } from './position-delete-files.ts'

export function rowChanges(reader: Reader): RowChanges {
  return {
    match: (request) => match(reader, request),
    matchPartitions: (request) => matchPartitions(reader, request),
    deletedPositions: (request) => deletedPositions(reader, request),
    writePositionDeletes: (request) => writePositionDeletes(reader.engine, request),
    spool: (request) => spool(reader.engine, request),
    checkKeys: (source, keys, options) => checkKeys(reader.engine, source, keys, options),
    keyBounds: (source, keys, options) => keyBounds(reader.engine, source, keys, options),
    matchKeys: (request) => matchKeys(reader, request),
  }
}
