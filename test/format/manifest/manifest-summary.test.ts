import { describe, expect, test } from 'vitest'
import type { ManifestEntry } from '../../../src/format/manifest/entry.ts'
import type { Schema } from '../../../src/format/schema.ts'
import type { Datum } from '../../../src/format/types.ts'
import { withCounts } from '../../../src/format/manifest/manifest.ts'
import {
  addedEntry,
  fixture,
  identitySpec,
  manifestFile,
  readRegions,
  schemaOf,
  SNAPSHOT,
  writeRegions,
} from './fixtures.ts'

describe('the summary', () => {
  const doubles = schemaOf({ x: { kind: 'double' } })
  const summaryOf = (values: readonly (Datum | null)[]) => {
    const entries = values.map((value) => addedEntry({ partition: [value] }))
    return writeRegions({ schema: doubles, spec: identitySpec(doubles), entries }).partitions?.[0]
  }
  const bytesOf = (value: number) => new Uint8Array(new Float64Array([value]).buffer)

  test('NaN is counted apart and is in no bound', () => {
    expect(summaryOf([3, Number.NaN, 5])).toEqual({
      containsNull: false,
      containsNaN: true,
      lowerBound: bytesOf(3),
      upperBound: bytesOf(5),
    })
  })

  test('only NaN, only null: no bounds', () => {
    expect(summaryOf([Number.NaN])).toEqual({
      containsNull: false,
      containsNaN: true,
      lowerBound: null,
      upperBound: null,
    })
    expect(summaryOf([null])).toEqual({
      containsNull: true,
      containsNaN: false,
      lowerBound: null,
      upperBound: null,
    })
  })

  test('-0.0 sorts before 0.0', () => {
    expect(summaryOf([0, -0])).toMatchObject({ lowerBound: bytesOf(-0), upperBound: bytesOf(0) })
  })

  test('uuids of both halves have bounds in no order that all readers share: no summary at all', () => {
    const schema = schemaOf({ u: { kind: 'uuid' } })
    const written = (...uuids: readonly (string | null)[]) =>
      writeRegions({
        schema,
        spec: identitySpec(schema),
        entries: uuids.map((uuid) => addedEntry({ partition: [uuid] })),
      }).partitions
    const low = '12345678-9abc-def0-1234-56789abcdef0'
    const high = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'
    // Bounds left out would read as "only nulls" in Java and PyIceberg, and their readers skip.
    expect(written(low, high)).toBeNull()
    expect(written(low, null)?.[0]).toMatchObject({ containsNull: true })
    expect(written(low, null)?.[0]?.lowerBound).not.toBeNull()
    expect(written(null)?.[0]).toMatchObject({ containsNull: true, lowerBound: null })
  })

  test('zero, empty and false are values', () => {
    const schema = schemaOf({ n: { kind: 'int' }, s: { kind: 'string' }, b: { kind: 'boolean' } })
    const entries = [addedEntry({ partition: [0, '', false] })]
    const { partitions } = writeRegions({ schema, spec: identitySpec(schema), entries })
    expect(partitions?.map((summary) => summary.containsNull)).toEqual([false, false, false])
    expect(partitions?.map((summary) => summary.lowerBound)).toEqual([
      new Uint8Array(4),
      new Uint8Array(),
      Uint8Array.of(0),
    ])
  })

  test('strings are in the order of their bytes, not of UTF-16', () => {
    const entries = ['\u{10000}', '\uffff'].map((value) => addedEntry({ partition: [value] }))
    const [summary] = writeRegions({ entries }).partitions ?? []
    expect(new TextDecoder().decode(summary?.upperBound ?? undefined)).toBe('\u{10000}')
  })

  test('has one place for every field of the spec, also when its source column is gone', () => {
    const schema = schemaOf({ q: { kind: 'int' }, p: { kind: 'int' } })
    const spec = identitySpec(schema)
    const { schemaId, identifierFieldIds } = schema
    const evolved: Schema = { schemaId, identifierFieldIds, fields: schema.fields.slice(1) }
    const entries = [addedEntry({ partition: [10, 2] }), addedEntry({ partition: [20, 2] })]
    const written = writeRegions({ schema: evolved, earlierSchemas: [schema], spec, entries })
    expect(written.partitions).toEqual([
      {
        containsNull: false,
        containsNaN: false,
        lowerBound: Uint8Array.of(10, 0, 0, 0),
        upperBound: Uint8Array.of(20, 0, 0, 0),
      },
      {
        containsNull: false,
        containsNaN: false,
        lowerBound: Uint8Array.of(2, 0, 0, 0),
        upperBound: Uint8Array.of(2, 0, 0, 0),
      },
    ])
  })

  test('counts files and rows by status; the smallest sequence number of live files', () => {
    const entry = (status: ManifestEntry['status'], sequenceNumber: number | null, recordCount: number) => ({
      ...addedEntry({ partition: ['x'], recordCount }),
      status,
      sequenceNumber,
      fileSequenceNumber: sequenceNumber,
    })
    const entries = [
      entry('added', null, 1),
      entry('existing', 5, 10),
      entry('existing', 4, 20),
      entry('deleted', 2, 100),
    ]
    expect(writeRegions({ entries })).toMatchObject({
      specId: 0,
      content: 'data',
      sequenceNumber: -1,
      minSequenceNumber: 4,
      addedSnapshotId: SNAPSHOT,
      addedFilesCount: 1,
      existingFilesCount: 2,
      deletedFilesCount: 1,
      addedRowsCount: 1,
      existingRowsCount: 30,
      deletedRowsCount: 100,
    })
    expect(writeRegions({}).minSequenceNumber).toBe(-1)
  })

  test('counts that an old writer left out are taken from the entries', () => {
    const unknown = { addedFilesCount: null, existingFilesCount: null, deletedFilesCount: null }
    const rows = { addedRowsCount: null, existingRowsCount: null, deletedRowsCount: null }
    const manifest = manifestFile({ ...unknown, ...rows, sequenceNumber: 0, minSequenceNumber: 0 })
    const entries = readRegions(fixture('foreign-v1-bare'), manifest)
    expect(withCounts(manifest, entries)).toEqual({
      ...manifest,
      addedFilesCount: 1,
      existingFilesCount: 1,
      deletedFilesCount: 0,
      addedRowsCount: 1,
      existingRowsCount: 2,
      deletedRowsCount: 0,
    })
  })
})
