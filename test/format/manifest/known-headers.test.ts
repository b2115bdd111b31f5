import { describe, expect, test } from 'vitest'
import { readAvroHeader } from '../../../src/format/manifest/avro.ts'
import { readKnownHeader } from '../../../src/format/manifest/known-headers.ts'
import { fixture } from './fixtures.ts'

const FILE = 'file:///t/metadata/m0.avro'
const SYNC_BYTES = 16

/** What a reading comes to: a header, or the words of its error. */
function outcome(read: (bytes: Uint8Array, file: string) => unknown, bytes: Uint8Array): unknown {
  try {
    return read(bytes, FILE)
  } catch (error) {
    return String(error)
  }
}

/** The same bytes behind so many others: not at a place where words can be read. */
function shifted(bytes: Uint8Array, by: number): Uint8Array {
  const buffer = new Uint8Array(bytes.length + by)
  buffer.set(bytes, by)
  return buffer.subarray(by)
}

describe.each(['pyiceberg-v2', 'pyiceberg-v1', 'foreign-v3'])('a header like one met before: %s', (name) => {
  const first = Uint8Array.from(fixture(name))
  const { length } = readAvroHeader(first, FILE)

  test.each([0, 1, 2, 3, 4])('has the sync marker of its own file, %i bytes from a word', (by) => {
    readKnownHeader(first, FILE)
    const second = shifted(first, by)
    second.fill(7, length - SYNC_BYTES, length)
    expect(readKnownHeader(second, FILE)).toEqual(readAvroHeader(second, FILE))
    expect(readKnownHeader(second, FILE).sync).toEqual(new Uint8Array(SYNC_BYTES).fill(7))
  })

  test('differs in a single byte: it is read for itself', () => {
    for (let at = 0; at < length; at += 1) {
      const other = Uint8Array.from(first)
      other[at] = (other[at] ?? 0) ^ 1
      readKnownHeader(first, FILE)
      expect(outcome(readKnownHeader, other)).toEqual(outcome(readAvroHeader, other))
    }
  })

  test('is cut off anywhere: it is no header', () => {
    readKnownHeader(first, FILE)
    for (let end = 0; end < length; end += 1) {
      const cut = first.subarray(0, end)
      expect(outcome(readKnownHeader, cut)).toEqual(outcome(readAvroHeader, cut))
      expect(outcome(readKnownHeader, cut)).toBeTypeOf('string')
    }
  })
})

test('what was handed out for one file does not change with the next', () => {
  const bytes = Uint8Array.from(fixture('pyiceberg-v2'))
  const { length } = readAvroHeader(bytes, FILE)
  const header = readKnownHeader(bytes, FILE)
  const expected = readAvroHeader(Uint8Array.from(bytes), FILE)
  bytes.fill(0, length - SYNC_BYTES)
  readKnownHeader(bytes, FILE)
  bytes.fill(0)
  expect(header).toEqual(expected)
  expect(readKnownHeader(Uint8Array.from(fixture('pyiceberg-v2')), FILE)).toEqual(expected)
})

test('a Buffer, of which a slice is no copy, is taken as other bytes are', () => {
  // The last letter of a field's name: a header that nobody met before, of the same length.
  const text = Buffer.from(fixture('pyiceberg-v1')).toString('latin1')
  const fresh = text.replaceAll('"file_path"', '"file_patx"')
  expect(fresh).not.toBe(text)
  const pool = Buffer.from(`   ${fresh}`, 'latin1')
  const bytes = pool.subarray(3)
  const expected = readAvroHeader(Uint8Array.from(bytes), FILE)
  expect(readKnownHeader(bytes, FILE)).toEqual(expected)
  const again = readKnownHeader(Buffer.from(pool).subarray(3), FILE)
  expect(again).toEqual(expected)
  const other = Buffer.from(pool).subarray(3)
  const held = readKnownHeader(other, FILE)
  pool.fill(0)
  other.fill(0)
  expect(held).toEqual(expected)
  expect(readKnownHeader(Uint8Array.from(Buffer.from(fresh, 'latin1')), FILE)).toEqual(expected)
})
