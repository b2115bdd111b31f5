/** NaN in filters, whatever files say of their numbers. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parquetMetadata, type SchemaElement } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  eq,
  gt,
  gte,
  isIn,
  isNaN as isNaNFilter,
  lt,
  lte,
  not,
  notEq,
  notIn,
  notNaN,
  or,
  type Expression,
} from '../../src/format/expressions/expression.ts'
import {
  allRows,
  columns,
  contentFile,
  openWorkshop,
  requestOf,
  residual,
  schemaOf,
  taskOf,
  type Workshop,
} from './reading.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

describe('NaN', () => {
  // Rows of one file: 3.0, NaN, 5.0; of another only NaN.
  const doubles = schemaOf(columns({ x: { kind: 'double' } }))
  const read = async (filter: Expression): Promise<readonly unknown[]> => {
    const mixed = await shop.write(
      'mixed.parquet',
      "SELECT unnest([3.0::DOUBLE, 'NaN', 5.0, NULL]) AS x",
      '{x: 1}',
    )
    const only = await shop.write('only-nan.parquet', "SELECT 'NaN'::DOUBLE AS x", '{x: 1}')
    const bound = residual(doubles, filter)
    const tasks = [mixed, only].map((file) => taskOf(file, { residual: bound }))
    return (await allRows(shop.reader, requestOf(doubles, tasks))).map((row) => row['x'])
  }

  test('satisfies no comparison, and every "not equal"', async () => {
    expect(await read(gt('x', 4))).toStrictEqual([5])
    expect(await read(gte('x', 5))).toStrictEqual([5])
    expect(await read(lt('x', 4))).toStrictEqual([3])
    expect(await read(lt('x', 0))).toStrictEqual([])
    expect(await read(eq('x', Number.NaN))).toStrictEqual([Number.NaN, Number.NaN])
    expect(await read(isNaNFilter('x'))).toStrictEqual([Number.NaN, Number.NaN])
    expect(await read(notNaN('x'))).toStrictEqual([3, 5, null])
    expect(await read(notIn('x', [3]))).toStrictEqual([Number.NaN, 5, Number.NaN])
    expect(await read(not(gt('x', 4)))).toStrictEqual([3])
  })

  // As PyIceberg's files do: their writer passes over NaNs.
  test('is where it is, though a file says that its numbers are all from 3 to 5, or 3, or 0', async () => {
    const numbered = async (name: string, data: readonly number[], filter: Expression) => {
      const path = join(shop.folder, `${name}.parquet`)
      const element = { repetition_type: 'OPTIONAL', type: 'DOUBLE', field_id: 1 } as const
      const schema: SchemaElement[] = [
        { name: 'root', num_children: 1 },
        { name: 'x', ...element },
      ]
      const bytes = parquetWriteBuffer({ columnData: [{ name: 'x', data: [...data] }], schema })
      const [column] = parquetMetadata(bytes).row_groups[0]?.columns ?? []
      expect(column?.meta_data?.statistics?.max_value).toBe(data[1])
      await writeFile(path, new Uint8Array(bytes))
      const file = await contentFile(path, data.length)
      const task = taskOf(file, { residual: residual(doubles, filter) })
      return (await allRows(shop.reader, requestOf(doubles, [task]))).map((row) => row['x'])
    }
    const { NaN: none } = Number
    for (const [filter, found] of [
      [lt('x', 6), [3, 5]],
      [lte('x', 5), [3, 5]],
      [gt('x', 2), [3, 5]],
      [gte('x', 3), [3, 5]],
      [gt('x', 6), []],
      [not(lt('x', 6)), []],
      [isIn('x', [3, 5]), [3, 5]],
      [notIn('x', [3, 5]), [none]],
      [notEq('x', 7), [3, 5, none]],
      [isNaNFilter('x'), [none]],
      [notNaN('x'), [3, 5]],
      [or(lt('x', 4), isNaNFilter('x')), [3, none]],
    ] as const) {
      expect(await numbered('some', [3, 5, none], filter)).toStrictEqual(found)
    }
    for (const [filter, found] of [
      [eq('x', 3), [3, 3]],
      [notEq('x', 3), [none]],
      [isIn('x', [3, 0]), [3, 3]],
      [notIn('x', [3, 4]), [none]],
    ] as const) {
      expect(await numbered('equal', [3, 3, none], filter)).toStrictEqual(found)
    }
    expect(await numbered('zeros', [0, 0, none], eq('x', 0))).toStrictEqual([0, 0])
    expect(await numbered('zeros', [0, 0, none], isIn('x', [0, 1]))).toStrictEqual([0, 0])
    expect(await numbered('zeros', [0, 0, none], notEq('x', 0))).toStrictEqual([none])
  })
})
