/** DuckDB types of Iceberg types, as the binding has them. */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  FLOAT,
  INTEGER,
  LIST,
  MAP,
  TIME,
  TIMESTAMP,
  TIMESTAMP_NS,
  TIMESTAMPTZ,
  UUID,
  VARCHAR,
  DuckDBStructType,
  type DuckDBType,
} from '@duckdb/node-api'
import { UnsupportedFeatureError } from '../../errors.ts'
import { typeToString } from '../../format/types-json.ts'
import type { Type } from '../../format/types.ts'
import { distinctNames } from './sql.ts'

/** The DuckDB type in which rows of a column are handed over. UnsupportedFeatureError as `sqlType`. */
export function duckType(type: Type): DuckDBType {
  switch (type.kind) {
    case 'boolean':
      return BOOLEAN
    case 'int':
    case 'unknown':
      return INTEGER
    case 'long':
      return BIGINT
    case 'float':
      return FLOAT
    case 'double':
      return DOUBLE
    case 'decimal':
      return DECIMAL(type.precision, type.scale)
    case 'date':
      return DATE
    case 'time':
      return TIME
    case 'timestamp':
      return TIMESTAMP
    case 'timestamptz':
      return TIMESTAMPTZ
    case 'timestamp_ns':
      return TIMESTAMP_NS
    case 'string':
      return VARCHAR
    case 'uuid':
      return UUID
    case 'fixed':
    case 'binary':
      return BLOB
    case 'struct':
      return structOf(type.fields.map((field) => [field.name, duckType(field.type)] as const))
    case 'list':
      return LIST(duckType(type.element))
    case 'map':
      return MAP(duckType(type.key), duckType(type.value))
    case 'timestamptz_ns':
    case 'variant':
    case 'geometry':
    case 'geography':
      throw new UnsupportedFeatureError(`columns of type ${typeToString(type)} cannot be written yet`)
  }
}

function structOf(members: readonly (readonly [name: string, type: DuckDBType])[]): DuckDBType {
  const names = distinctNames(members.map(([name]) => name))
  // Not by way of an object, which would reorder names that look like numbers.
  return new DuckDBStructType(
    names,
    members.map(([, type]) => type),
  )
}
