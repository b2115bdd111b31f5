/** The vectors of test/fixtures/value-vectors.json, which PyIceberg computed, in our in-memory form. */
import { readFileSync } from 'node:fs'
import { typeFromJson } from '../../../src/format/types-json.ts'
import { isPrimitive } from '../../../src/format/types.ts'
import type { Datum, PrimitiveType } from '../../../src/format/types.ts'
import { hexToBytes } from '../../../src/format/values/bytes.ts'

interface RawVector {
  readonly type: string
  readonly value: string | number | boolean
  readonly binary: string
  readonly transforms: Readonly<Record<string, string | number | boolean>>
}

export interface ValueVector {
  readonly type: PrimitiveType
  readonly value: Datum
  readonly binary: Uint8Array
  readonly transforms: readonly { readonly transform: string; readonly result: Datum }[]
}

export function primitive(text: string): PrimitiveType {
  const type = typeFromJson(text)
  if (!isPrimitive(type)) throw new Error(`${text} is not primitive`)
  return type
}

export function bytes(hex: string): Uint8Array {
  const decoded = hexToBytes(hex)
  if (decoded === null) throw new Error(`${hex} is not hexadecimal`)
  return decoded
}

function datum(type: PrimitiveType, raw: string | number | boolean): Datum {
  switch (type.kind) {
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'decimal':
      return BigInt(raw)
    case 'float':
    case 'double':
      return raw === 'inf'
        ? Number.POSITIVE_INFINITY
        : raw === '-inf'
          ? Number.NEGATIVE_INFINITY
          : Number(raw)
    case 'fixed':
    case 'binary':
      return bytes(String(raw))
    default:
      return raw
  }
}

const raw: readonly RawVector[] = JSON.parse(
  readFileSync(new URL('../../fixtures/value-vectors.json', import.meta.url), 'utf8'),
)

export const valueVectors: readonly ValueVector[] = raw.map((vector) => {
  const type = primitive(vector.type)
  return {
    type,
    value: datum(type, vector.value),
    binary: bytes(vector.binary),
    transforms: Object.entries(vector.transforms).map(([transform, result]) => ({
      transform,
      // Results of the type's own kind, or ints.
      result: typeof result === 'number' ? result : datum(type, result),
    })),
  }
})
