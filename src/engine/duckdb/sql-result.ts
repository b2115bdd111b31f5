/** The columns of a query's result, in the types that scans have. */
import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  type DuckDBType,
} from '@duckdb/node-api'
import { createSchema, type Schema } from '../../format/schema.ts'
import type { NestedField, PrimitiveType, Type } from '../../format/types.ts'
import { PLAIN_TYPES } from './infer-types.ts'
import { distinctNames } from './sql.ts'

/** Fresh ids, all columns optional; names that occur twice, in whatever case, are numbered. */
export function resultSchema(names: readonly string[], types: readonly DuckDBType[]): Schema {
  const ids = new Ids()
  const fields = distinctNames(names).map((name, at) => ids.field(name, types[at]))
  return createSchema({ schemaId: 0, fields })
}

class Ids {
  #next = 1

  field(name: string, type: DuckDBType | undefined): NestedField {
    return { id: this.#next++, name, required: false, type: this.#type(type) }
  }

  #type(type: DuckDBType | undefined): Type {
    if (type === undefined || type.alias === 'JSON') return STRING
    if (type instanceof DuckDBDecimalType)
      return { kind: 'decimal', precision: type.width, scale: type.scale }
    if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
      return {
        kind: 'list',
        elementId: this.#next++,
        elementRequired: false,
        element: this.#type(type.valueType),
      }
    }
    if (type instanceof DuckDBMapType) {
      return {
        kind: 'map',
        keyId: this.#next++,
        key: this.#type(type.keyType),
        valueId: this.#next++,
        valueRequired: false,
        value: this.#type(type.valueType),
      }
    }
    if (type instanceof DuckDBStructType && type.entryNames.every((name) => name !== '')) {
      return {
        kind: 'struct',
        fields: type.entryNames.map((name, at) => this.field(name, type.entryTypes[at])),
      }
    }
    return PLAIN.get(type.typeId) ?? STRING
  }
}

const STRING: PrimitiveType = { kind: 'string' }

/** Types of which every value has the same one here; all others come as texts. */
const PLAIN: ReadonlyMap<DuckDBTypeId, PrimitiveType> = new Map<DuckDBTypeId, PrimitiveType>([
  ...PLAIN_TYPES,
  [DuckDBTypeId.UBIGINT, { kind: 'decimal', precision: 20, scale: 0 }],
  // The widest number there is: a sum of longs is one.
  [DuckDBTypeId.HUGEINT, { kind: 'decimal', precision: 38, scale: 0 }],
  [DuckDBTypeId.TIMESTAMP_NS, { kind: 'timestamp_ns' }],
])
