/** Values of equal width, checked and laid out as DuckDB lays them out. */
import type { PrimitiveType } from '../../format/types.ts'
import { writeUuid } from '../../format/values/bytes.ts'
import { valueToDatum, type ExactTime, type Value } from '../../format/values/value.ts'
import { farTimeCheck, finiteDate } from './far-times.ts'

/** A value of a row that is there. */
type Given = Exclude<Value | ExactTime, null>

/** Writes one value at an index of a growing buffer. */
export interface FixedWriter {
  readonly width: number
  /** A writer into this memory. */
  into(buffer: ArrayBuffer): (index: number, value: Given) => void
}

/** A writer of values of a type other than texts and byte strings. */
export function fixedWriterOf(type: PrimitiveType): FixedWriter {
  switch (type.kind) {
    case 'boolean':
      return {
        width: 1,
        into: (buffer) => {
          const values = new Uint8Array(buffer)
          return (index, value) => {
            values[index] = valueToDatum(type, value) === true ? 1 : 0
          }
        },
      }
    case 'int':
      return intWriter((value) => Number(valueToDatum(type, value)))
    case 'date':
      return intWriter((value) => finiteDate(Number(valueToDatum(type, value))))
    case 'float':
      return {
        width: 4,
        into: (buffer) => {
          const values = new Float32Array(buffer)
          return (index, value) => {
            values[index] = Number(valueToDatum(type, value))
          }
        },
      }
    case 'double':
      return {
        width: 8,
        into: (buffer) => {
          const values = new Float64Array(buffer)
          return (index, value) => {
            values[index] = typeof value === 'number' ? value : Number(valueToDatum(type, value))
          }
        },
      }
    case 'decimal':
      return decimalWriter(type)
    case 'uuid':
      return uuidWriter(type)
    default:
      return longWriter(type)
  }
}

function intWriter(toInt: (value: Given) => number): FixedWriter {
  return {
    width: 4,
    into: (buffer) => {
      const values = new Int32Array(buffer)
      return (index, value) => {
        values[index] = toInt(value)
      }
    },
  }
}

/** Whole numbers, and times. */
function longWriter(type: PrimitiveType): FixedWriter {
  const check = farTimeCheck(type)
  return {
    width: 8,
    into: (buffer) => {
      const values = new BigInt64Array(buffer)
      return (index, value) => {
        const whole = wholeDatum(type, value)
        values[index] = check === null ? whole : check(whole)
      }
    },
  }
}

function wholeDatum(type: PrimitiveType, value: Given): bigint {
  const datum = valueToDatum(type, value)
  return typeof datum === 'bigint' ? datum : BigInt(Number(datum))
}

/** DuckDB keeps decimals in the narrowest of 16, 32, 64 and 128 bits that their precision fits. */
function decimalWriter(type: PrimitiveType & { readonly kind: 'decimal' }): FixedWriter {
  if (type.precision <= 4) {
    return {
      width: 2,
      into: (buffer) => {
        const values = new Int16Array(buffer)
        return (index, value) => {
          values[index] = Number(wholeDatum(type, value))
        }
      },
    }
  }
  if (type.precision <= 9) {
    return {
      width: 4,
      into: (buffer) => {
        const values = new Int32Array(buffer)
        return (index, value) => {
          values[index] = Number(wholeDatum(type, value))
        }
      },
    }
  }
  if (type.precision <= 18) return longWriter(type)
  return {
    width: 16,
    into: (buffer) => {
      const halves = new BigUint64Array(buffer)
      return (index, value) => {
        const unscaled = wholeDatum(type, value)
        halves[index * 2] = BigInt.asUintN(64, unscaled)
        halves[index * 2 + 1] = BigInt.asUintN(64, unscaled >> 64n)
      }
    },
  }
}

/** DuckDB keeps a UUID as a signed 128-bit number, its first bit flipped so that order is kept. */
function uuidWriter(type: PrimitiveType): FixedWriter {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  return {
    width: 16,
    into: (buffer) => {
      const halves = new BigUint64Array(buffer)
      return (index, value) => {
        writeUuid(String(valueToDatum(type, value)), bytes)
        halves[index * 2] = view.getBigUint64(8)
        halves[index * 2 + 1] = view.getBigUint64(0) ^ (1n << 63n)
      }
    },
  }
}
