/** For tests of small writes: files by who wrote them, and what must not depend on that. */
import { stat } from 'node:fs/promises'
import { expect } from 'vitest'
import type { ParquetWriteOptions, WriteRequest } from '../../src/engine/data-plane.ts'
import type { ContentFile } from '../../src/format/manifest/entry.ts'
import type { Schema } from '../../src/format/schema.ts'
import type { Row } from '../../src/format/values/value.ts'
import { footerOf, pathOf, type Workshop } from './writing.ts'

function only(files: readonly ContentFile[]): ContentFile {
  const [file, ...others] = files
  if (file === undefined || others.length > 0) throw new Error(`not one file but ${files.length}`)
  return file
}

export async function writtenBy(
  who: Workshop,
  rows: Iterable<Row> | AsyncIterable<Row>,
  schema: Schema,
  more: Partial<WriteRequest> = {},
): Promise<ContentFile> {
  return only((await who.write({ kind: 'rows', rows }, schema, more)).files)
}

/** A column's values, by a DuckDB that is not the one under test. */
export async function valuesOf(
  shop: Workshop,
  file: ContentFile,
): Promise<readonly Record<string, unknown>[]> {
  return shop.sql(`SELECT * FROM read_parquet('${pathOf(file)}', hive_partitioning = false)`)
}

async function typesOf(shop: Workshop, file: ContentFile): Promise<readonly Record<string, unknown>[]> {
  return shop.sql(`DESCRIBE SELECT * FROM read_parquet('${pathOf(file)}', hive_partitioning = false)`)
}

export async function writerOf(file: ContentFile): Promise<'small' | 'engine'> {
  const { created_by: by = '' } = await footerOf(file)
  return by.startsWith('DuckDB') ? 'engine' : 'small'
}

/** What must not depend on who wrote a file. */
export async function expectSameAs(shop: Workshop, small: ContentFile, large: ContentFile): Promise<void> {
  expect(await writerOf(small)).toBe('small')
  expect(await writerOf(large)).toBe('engine')
  const own = ({ columnSizes, ...file }: ContentFile) => ({
    ...file,
    columnSizes: [...(columnSizes?.keys() ?? [])],
    location: '',
    fileSizeInBytes: 0,
    nanValueCounts: null,
  })
  expect(own(small)).toEqual(own(large))
  for (const [id, count] of large.nanValueCounts ?? []) expect(small.nanValueCounts?.get(id)).toBe(count)
  const ours = await footerOf(small)
  expect(ours.schema.slice(1)).toEqual((await footerOf(large)).schema.slice(1))
  expect(await typesOf(shop, small)).toEqual(await typesOf(shop, large))
  expect(small.fileSizeInBytes).toBe((await stat(pathOf(small))).size)
  const chunks = ours.row_groups.flatMap((group) => group.columns)
  expect([...(small.columnSizes?.values() ?? [])]).toEqual(
    chunks.map((chunk) => Number(chunk.meta_data?.total_compressed_size)),
  )
}

export function options(more: Partial<ParquetWriteOptions>): ParquetWriteOptions {
  return {
    compression: 'zstd',
    compressionLevel: null,
    rowGroupSizeBytes: 128 * 1024 * 1024,
    rowGroupRowLimit: 1_048_576,
    dictionarySizeBytes: 2 * 1024 * 1024,
    bloomFilterColumns: [],
    ...more,
  }
}
