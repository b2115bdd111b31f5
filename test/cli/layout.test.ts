/** The parts of the output that a screen has a say in. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesText, columnOf, countText, plural, printable, timeText } from '../../src/cli/cells.ts'
import { csvLine } from '../../src/cli/csv.ts'
import { parseAssignments, parsePartitionField, parseSortField } from '../../src/cli/field-syntax.ts'
import { progressText } from '../../src/cli/progress.ts'
import { TableLayout, widthOf } from '../../src/cli/table-layout.ts'

const names = columnOf('name', { kind: 'string' })
const numbers = columnOf('n', { kind: 'int' })

describe('tables', () => {
  test('numbers stand to the right, and nothing is cut where nobody watches', () => {
    const layout = new TableLayout([names, numbers], { width: null, hasColor: false })
    const rows = layout.rows([
      { name: 'x'.repeat(300), n: 1 },
      { name: null, n: 100 },
    ])
    expect(layout.head() + rows).toBe(
      `name${' '.repeat(296)}    n\n${'x'.repeat(300)}    1\nnull${' '.repeat(296)}  100\n`,
    )
  })

  test('on a screen the widest columns are cut, and every line fits', () => {
    const layout = new TableLayout([names, numbers, columnOf('more', { kind: 'string' })], {
      width: 30,
      hasColor: false,
    })
    const rows = layout.rows([{ name: 'abcdefghijklmnopqrstuvwxyz', n: 12, more: 'short' }])
    expect(layout.head() + rows).toBe('name                  n  more\nabcdefghijklmnopqr…  12  short\n')
    expect(layout.hidden).toEqual([])
  })

  test('columns for which there is no room are left out and named', () => {
    const columns = Array.from({ length: 6 }, (_, at) => columnOf(`column_${at}`, { kind: 'string' }))
    const layout = new TableLayout(columns, { width: 30, hasColor: false })
    expect(layout.rows([{ column_0: 'a' }])).toBe('a         null      null\n')
    expect(layout.hidden).toEqual(['column_3', 'column_4', 'column_5'])
  })

  test('columns grow with later rows and stay aligned with wide characters', () => {
    const layout = new TableLayout([names, numbers], { width: 40, hasColor: false })
    expect(layout.rows([{ name: 'é', n: 1 }])).toBe('é     1\n')
    expect(layout.rows([{ name: '漢字漢字', n: 1 }])).toBe('漢字漢字  1\n')
    expect(layout.rows([{ name: 'a', n: 1 }])).toBe('a         1\n')
  })

  test('no line is wider than the screen, whatever the cells', () => {
    const cells = fc.array(
      fc.record({ a: fc.string({ unit: 'grapheme' }), b: fc.string({ unit: 'binary' }), n: fc.integer() }),
    )
    fc.assert(
      fc.property(cells, fc.integer({ min: 12, max: 60 }), (rows, width) => {
        const layout = new TableLayout(
          [
            columnOf('a', { kind: 'string' }),
            columnOf('b', { kind: 'string' }),
            columnOf('n', { kind: 'int' }),
          ],
          { width, hasColor: false },
        )
        const lines = layout.rows(rows).split('\n')
        expect(lines).toHaveLength(rows.length + 1)
        expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width)
      }),
    )
  })

  test('colour only where it is wanted', () => {
    const screen = { width: 40, hasColor: true }
    expect(new TableLayout([names], screen).rows([{ name: null }])).toBe('\u001B[2mnull\u001B[22m\n')
    expect(new TableLayout([names], screen).head()).toBe('\u001B[1mname\u001B[22m\n')
  })
})

test('a terminal obeys nothing that a value says', () => {
  expect(printable('a\u001B[31mb\nc\td\u0007\u202Ee\u0085')).toBe('a\\x1b[31mb\\nc\\td\\x07\\u202ee\\x85')
  expect(printable('ü 漢 𝄞 👩‍👩‍👧')).toBe('ü 漢 𝄞 👩‍👩‍👧')
})

test('CSV', () => {
  expect(csvLine(['a', null, '', 'b,c', 'd"e', 'f\ng', ' h'])).toBe('a,,"","b,c","d""e","f\ng"," h"\n')
  expect(csvLine([null])).toBe('""\n')
})

test('sizes, counts and times for people', () => {
  expect([0, 999, 1000, 12_345_678, 10 ** 16].map(bytesText)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '12.3 MB',
    '10.0 PB',
  ])
  expect([0, 999, 1000, 1234567n, '12345'].map(countText)).toEqual([
    '0',
    '999',
    '1,000',
    '1,234,567',
    '12,345',
  ])
  expect([plural(1, 'row'), plural(2000, 'row')]).toEqual(['1 row', '2,000 rows'])
  expect(timeText(-1)).toBe('1969-12-31T23:59:59.999Z')
  expect(timeText(1e20)).toBe('100000000000000000000')
})

test('progress', () => {
  expect(progressText('writing', { rows: 1500, totalRows: 3000 }, 1000)).toBe(
    'writing  [############            ]  50%  1,500 of 3,000 rows, 1,500 rows/s',
  )
  expect(progressText('writing', { rows: 1500, totalRows: null }, 0)).toBe('writing  1,500 rows')
  expect(progressText('writing', { rows: 31, totalRows: 30 }, 1000)).toContain('100%')
})

test.each([
  ['origin', { source: 'origin', transform: 'identity' }],
  ['month(date)', { source: 'date', transform: 'month' }],
  ['Bucket( 16 , place.id )', { source: 'place.id', transform: 'bucket[16]' }],
  ['truncate[4](name) as short', { source: 'name', transform: 'truncate[4]', name: 'short' }],
  ['day AS d', { source: 'day', transform: 'identity', name: 'd' }],
])('--partition %s', (text, field) => {
  expect(parsePartitionField(text)).toEqual(field)
})

test.each(['', 'month(', 'month(a, b)', 'bucket[4](2, id)', 'a b'])('--partition %j is refused', (text) => {
  expect(() => parsePartitionField(text)).toThrow('cannot be read')
})

test.each([
  ['date', { source: 'date', transform: 'identity' }],
  [
    'delay desc nulls last',
    { source: 'delay', transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' },
  ],
  ['bucket(4, id) ASC', { source: 'id', transform: 'bucket[4]', direction: 'asc' }],
  ['a nulls-first', { source: 'a', transform: 'identity', nullOrder: 'nulls-first' }],
])('--sort %s', (text, field) => {
  expect(parseSortField(text)).toEqual(field)
})

test('key=value', () => {
  expect(parseAssignments(['a=1', 'b==', 'c='])).toEqual({ a: '1', b: '=', c: '' })
  expect(() => parseAssignments(['a=1', 'a=2'])).toThrow("'a' is given twice")
  expect(() => parseAssignments(['=1'])).toThrow('not of the form')
})
