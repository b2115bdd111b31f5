/** The judge agrees with PyIceberg, value by value. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Datum, PrimitiveType } from '../../src/format/types.ts'
import { judgeBytes, judgeTransform } from './judge-values.ts'

interface Vector {
  readonly type: string
  readonly value: boolean | number | string
  readonly binary: string
  readonly transforms: Readonly<Record<string, boolean | number | string>>
}

const FILE = new URL('../fixtures/value-vectors.json', import.meta.url)
const VECTORS: readonly Vector[] = JSON.parse(readFileSync(FILE, 'utf8'))

function typeOf(text: string): PrimitiveType {
  const [, kind = text, first, second] = /^(decimal|fixed)[([](\d+)(?:, (\d+))?/.exec(text) ?? []
  if (kind === 'decimal') return { kind, precision: Number(first), scale: Number(second) }
  if (kind === 'fixed') return { kind, length: Number(first) }
  return { kind } as PrimitiveType // the vectors name the format's types
}

/** Values stand as JSON where it can hold them, else as text. */
function datumOf(type: PrimitiveType, value: boolean | number | string): Datum {
  if (typeof value !== 'string') return value
  switch (type.kind) {
    case 'string':
    case 'uuid':
      return value
    case 'fixed':
    case 'binary':
      return new Uint8Array(Buffer.from(value, 'hex'))
    case 'float':
    case 'double':
      return Number(value === 'inf' ? Infinity : value === '-inf' ? -Infinity : value)
    default:
      return BigInt(value)
  }
}

test('transforms and single values as PyIceberg computes them', () => {
  for (const { type: text, value, binary, transforms } of VECTORS) {
    const type = typeOf(text)
    const datum = datumOf(type, value)
    expect(judgeBytes(type, datum).toString('hex'), `${text} ${value}`).toBe(binary)
    for (const [transform, result] of Object.entries(transforms)) {
      const isSource = transform.startsWith('truncate') || transform === 'identity'
      const expected = isSource ? datumOf(type, result) : result
      expect(judgeTransform(transform, type, datum), `${transform} of ${text} ${value}`).toEqual(expected)
    }
  }
})
