/** Iceberg types for the types of a source. */
import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  type DuckDBType,
} from '@duckdb/node-api'
import type { NestedField, PrimitiveType, Type } from '../../format/types.ts'

/** Collects types with provisional ids, and why some of them are guesses. */
export class TypeInference {
  readonly unsure: { readonly column: string; readonly reason: string }[] = []
  #nextId = 1

  field(name: string, path: string, type: DuckDBType, isRequired: boolean): NestedField {
    return { id: this.#nextId++, name, required: isRequired, type: this.type(type, path) }
  }

  /** A field whose type is known already. */
  plainField(name: string, type: Type): NestedField {
    return { id: this.#nextId++, name, required: false, type }
  }

  nextId(): number {
    return this.#nextId++
  }

  guess(path: string, type: PrimitiveType, reason: string): PrimitiveType {
    this.unsure.push({ column: path, reason })
    return type
  }

  type(from: DuckDBType, path: string): Type {
    // Where JSON values agree on nothing, DuckDB leaves them JSON.
    if (from.alias === 'JSON') {
      return this.guess(path, { kind: 'string' }, 'its values are null, or of several kinds')
    }
    if (from instanceof DuckDBListType || from instanceof DuckDBArrayType) {
      return {
        kind: 'list',
        elementId: this.nextId(),
        elementRequired: false,
        element: this.type(from.valueType, `${path}.element`),
      }
    }
    if (from instanceof DuckDBMapType) {
      return {
        kind: 'map',
        keyId: this.nextId(),
        key: this.type(from.keyType, `${path}.key`),
        valueId: this.nextId(),
        valueRequired: false,
        value: this.type(from.valueType, `${path}.value`),
      }
    }
    if (from instanceof DuckDBStructType) {
      const fields = from.entryNames.flatMap((name, at) => {
        const type = from.entryTypes[at]
        return type === undefined ? [] : [this.field(name, `${path}.${name}`, type, false)]
      })
      return { kind: 'struct', fields }
    }
    if (from instanceof DuckDBDecimalType)
      return { kind: 'decimal', precision: from.width, scale: from.scale }
    return PLAIN_TYPES.get(from.typeId) ?? this.#guessed(from, path)
  }

  #guessed(from: DuckDBType, path: string): PrimitiveType {
    switch (from.typeId) {
      case DuckDBTypeId.UBIGINT:
        return this.guess(path, decimal(20), 'unsigned 64-bit numbers exceed a long')
      case DuckDBTypeId.HUGEINT:
      case DuckDBTypeId.UHUGEINT:
      case DuckDBTypeId.BIGNUM:
        return this.guess(path, decimal(38), '128-bit numbers exceed a long')
      case DuckDBTypeId.TIMESTAMP_NS:
        return this.guess(path, { kind: 'timestamp' }, 'nanoseconds are finer than a timestamp')
      case DuckDBTypeId.SQLNULL:
        return this.guess(path, { kind: 'string' }, 'every value is null')
      case DuckDBTypeId.INTERVAL:
        return this.guess(path, { kind: 'string' }, 'intervals have no counterpart')
      default:
        return this.guess(
          path,
          { kind: 'string' },
          `the type ${DuckDBTypeId[from.typeId] ?? ''} has no counterpart`,
        )
    }
  }
}

function decimal(precision: number): PrimitiveType {
  return { kind: 'decimal', precision, scale: 0 }
}

const INT: PrimitiveType = { kind: 'int' }
const LONG: PrimitiveType = { kind: 'long' }
const TIMESTAMP: PrimitiveType = { kind: 'timestamp' }

/** Types of DuckDB that one type of Iceberg holds whole. */
export const PLAIN_TYPES: ReadonlyMap<DuckDBTypeId, PrimitiveType> = new Map<DuckDBTypeId, PrimitiveType>([
  [DuckDBTypeId.BOOLEAN, { kind: 'boolean' }],
  [DuckDBTypeId.TINYINT, INT],
  [DuckDBTypeId.UTINYINT, INT],
  [DuckDBTypeId.SMALLINT, INT],
  [DuckDBTypeId.USMALLINT, INT],
  [DuckDBTypeId.INTEGER, INT],
  [DuckDBTypeId.UINTEGER, LONG],
  [DuckDBTypeId.BIGINT, LONG],
  [DuckDBTypeId.FLOAT, { kind: 'float' }],
  [DuckDBTypeId.DOUBLE, { kind: 'double' }],
  [DuckDBTypeId.DATE, { kind: 'date' }],
  [DuckDBTypeId.TIME, { kind: 'time' }],
  [DuckDBTypeId.TIMESTAMP, TIMESTAMP],
  [DuckDBTypeId.TIMESTAMP_S, TIMESTAMP],
  [DuckDBTypeId.TIMESTAMP_MS, TIMESTAMP],
  [DuckDBTypeId.TIMESTAMP_TZ, { kind: 'timestamptz' }],
  [DuckDBTypeId.VARCHAR, { kind: 'string' }],
  [DuckDBTypeId.ENUM, { kind: 'string' }],
  [DuckDBTypeId.UUID, { kind: 'uuid' }],
  [DuckDBTypeId.BLOB, { kind: 'binary' }],
])
