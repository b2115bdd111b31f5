/** Single values out of a query, exactly: as texts that lose nothing on the way. */
import { decodeBinary } from '../../format/values/binary.ts'
import { hexToBytes } from '../../format/values/bytes.ts'
import type { Datum, PrimitiveType } from '../../format/types.ts'
import { decodeKey, keySql } from './transforms.ts'

/** SQL of a value's text, by its type. The bindings take a byte order mark from the beginning of texts. */
export function exactTextSql(type: PrimitiveType, sql: string): string {
  switch (type.kind) {
    case 'string':
    case 'binary':
    case 'fixed':
      return `lower(hex(${sql}))`
    default:
      return `CAST(${keySql(type, sql)} AS VARCHAR)`
  }
}

/** The value of such a text; null for null. */
export function exactValue(type: PrimitiveType, text: unknown): Datum | null {
  if (typeof text !== 'string') return null
  switch (type.kind) {
    case 'string':
    case 'binary':
    case 'fixed': {
      const bytes = hexToBytes(text)
      return bytes === null ? null : decodeBinary(type, bytes)
    }
    default:
      return decodeKey(type, text) ?? null
  }
}
