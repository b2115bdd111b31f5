import { readFile } from 'node:fs/promises'
import { parquetSchema, parquetMetadata } from 'hyparquet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  FooterError,
  outlineFooter,
  parseColumns,
  type ParquetElement,
} from '../../src/engine/duckdb/parquet-footer.ts'

const FILES = ['cases', 'decimals-fixed', 'int96', 'lists', 'odd-types', 'twice']

async function fileBytes(name: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(new URL(`../fixtures/parquet/${name}.parquet`, import.meta.url)))
}

function footerOf(file: Uint8Array): Uint8Array {
  const length = new DataView(file.buffer, file.byteOffset).getUint32(file.length - 8, true)
  return file.subarray(file.length - 8 - length, file.length - 8)
}

interface Named {
  readonly name: string
  readonly id: number | null
  readonly children: readonly Named[]
}

function ours(elements: readonly ParquetElement[]): readonly Named[] {
  return elements.map(({ name, fieldId, children }) => ({ name, id: fieldId, children: ours(children) }))
}

type Tree = ReturnType<typeof parquetSchema>

function theirs(trees: readonly Tree[]): readonly Named[] {
  return trees.map(({ element, children }) => ({
    name: element.name,
    id: element.field_id ?? null,
    children: theirs(children),
  }))
}

describe('a footer', () => {
  test.each(FILES)('of %s is read as another reader reads it', async (name) => {
    const file = await fileBytes(name)
    const metadata = parquetMetadata(file.slice().buffer)
    const outline = outlineFooter(footerOf(file))
    expect(outline.rowCount).toBe(Number(metadata.num_rows))
    const chunks = metadata.row_groups.flatMap(({ columns }) => columns.map((column) => column.meta_data))
    expect(metadata.row_groups).toHaveLength(1)
    for (const [at, chunk] of chunks.entries()) {
      const isText = chunk?.type === 'BYTE_ARRAY' || chunk?.type === 'FIXED_LEN_BYTE_ARRAY'
      const unencoded = Number(chunk?.size_statistics?.unencoded_byte_array_data_bytes)
      const encoded = Number(chunk?.total_uncompressed_size)
      const bytes = Number.isNaN(unencoded) ? encoded : unencoded
      expect(outline.textBytes[at]).toBe(isText ? bytes / outline.rowCount : 0)
    }
    expect(ours(parseColumns(outline.schemaBytes))).toStrictEqual(theirs(parquetSchema(metadata).children))
  })

  test('that is cut or altered anywhere is read, or refused as a footer: nothing else happens', async () => {
    const footers = await Promise.all(FILES.map(async (name) => footerOf(await fileBytes(name))))
    const damage = fc.record({
      footer: fc.constantFrom(...footers),
      keep: fc.double({ min: 0, max: 1, noNaN: true }),
      changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    })
    fc.assert(
      fc.property(damage, ({ footer, keep, changes }) => {
        const bytes = footer.slice(0, Math.ceil(footer.length * keep))
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value
        try {
          parseColumns(outlineFooter(bytes).schemaBytes)
        } catch (error) {
          expect(error).toBeInstanceOf(FooterError)
        }
      }),
      { numRuns: 5000 },
    )
  })

  test('that claims to hold more than it does allocates nothing', () => {
    // Field 2, a list of 2^31 structs; then field 2, a binary of 2^40 bytes.
    const list = Uint8Array.of(0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07)
    const binary = Uint8Array.of(0x28, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)
    for (const bytes of [list, binary]) expect(() => outlineFooter(bytes)).toThrow(FooterError)
  })
})
