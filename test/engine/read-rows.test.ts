import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Type } from '../../src/format/types.ts'
import { allRows, columns, openWorkshop, requestOf, schemaOf, taskOf, type Workshop } from './reading.ts'

let shop: Workshop
beforeAll(async () => {
  shop = await openWorkshop()
})
afterAll(() => shop.close())

describe('values of every type', () => {
  const cases: readonly (readonly [name: string, type: Type, sql: string, expected: readonly unknown[]])[] = [
    ['boolean', { kind: 'boolean' }, 'VALUES (true), (false), (NULL)', [true, false, null]],
    [
      'int',
      { kind: 'int' },
      'VALUES (2147483647::INT), (-2147483648), (0), (NULL)',
      [2147483647, -2147483648, 0, null],
    ],
    [
      'long',
      { kind: 'long' },
      'VALUES (9223372036854775807::BIGINT), (-9223372036854775808), (3051729675574597004), (NULL)',
      [9223372036854775807n, -9223372036854775808n, 3051729675574597004n, null],
    ],
    [
      'float',
      { kind: 'float' },
      "VALUES (0.1::FLOAT), ('NaN'), ('-Infinity'), ('-0.0'), (NULL)",
      [Math.fround(0.1), Number.NaN, Number.NEGATIVE_INFINITY, -0, null],
    ],
    [
      'double',
      { kind: 'double' },
      "VALUES (0.1::DOUBLE), ('NaN'), ('Infinity'), ('-0.0'), (NULL)",
      [0.1, Number.NaN, Number.POSITIVE_INFINITY, -0, null],
    ],
    [
      'decimal of 4 digits',
      { kind: 'decimal', precision: 4, scale: 2 },
      "VALUES ('-0.01'::DECIMAL(4,2)), ('99.99'), (NULL)",
      ['-0.01', '99.99', null],
    ],
    [
      'decimal of 9 digits',
      { kind: 'decimal', precision: 9, scale: 4 },
      "VALUES ('-0.0001'::DECIMAL(9,4)), ('12345.6789'), (NULL)",
      ['-0.0001', '12345.6789', null],
    ],
    [
      'decimal of 18 digits',
      { kind: 'decimal', precision: 18, scale: 2 },
      "VALUES ('-9999999999999999.99'::DECIMAL(18,2)), ('0.05'), (NULL)",
      ['-9999999999999999.99', '0.05', null],
    ],
    [
      'decimal of 38 digits',
      { kind: 'decimal', precision: 38, scale: 10 },
      "VALUES ('-9999999999999999999999999999.9999999999'::DECIMAL(38,10)), ('0.0000000001'), (NULL)",
      ['-9999999999999999999999999999.9999999999', '0.0000000001', null],
    ],
    [
      'date',
      { kind: 'date' },
      "VALUES ('1969-12-31'::DATE), ('2024-02-29'), (NULL)",
      ['1969-12-31', '2024-02-29', null],
    ],
    [
      'time',
      { kind: 'time' },
      "VALUES ('23:59:59.999999'::TIME), ('00:00:00'), (NULL)",
      ['23:59:59.999999', '00:00:00.000000', null],
    ],
    [
      'timestamp',
      { kind: 'timestamp' },
      "VALUES ('1969-12-31 23:59:59.999999'::TIMESTAMP), ('2026-01-31 12:00:00'), ('0001-01-01 00:00:00.5'), ('9999-12-31 23:59:59.999999'), (NULL)",
      [
        '1969-12-31T23:59:59.999999',
        '2026-01-31T12:00:00.000000',
        '0001-01-01T00:00:00.500000',
        '9999-12-31T23:59:59.999999',
        null,
      ],
    ],
    [
      'timestamptz',
      { kind: 'timestamptz' },
      "VALUES ('2026-01-31 12:00:00+02'::TIMESTAMPTZ), (NULL)",
      ['2026-01-31T10:00:00.000000Z', null],
    ],
    [
      'timestamp_ns',
      { kind: 'timestamp_ns' },
      "VALUES ('1969-12-31 23:59:59.999999999'::TIMESTAMP_NS), (NULL)",
      ['1969-12-31T23:59:59.999999999', null],
    ],
    [
      'string',
      { kind: 'string' },
      "VALUES (''), ('twelve bytes'), ('thirteen byte'), ('zürich'), ('ein längerer Text mit Ümläuten 😀'), ('a' || chr(0) || 'b'), (NULL)",
      ['', 'twelve bytes', 'thirteen byte', 'zürich', 'ein längerer Text mit Ümläuten 😀', 'a\0b', null],
    ],
    [
      'uuid',
      { kind: 'uuid' },
      "VALUES ('F79C3E09-677C-4BBD-A479-3F349CB785E7'::UUID), ('00000000-0000-0000-0000-000000000001'), (NULL)",
      ['f79c3e09-677c-4bbd-a479-3f349cb785e7', '00000000-0000-0000-0000-000000000001', null],
    ],
    [
      'binary',
      { kind: 'binary' },
      "VALUES (''::BLOB), ('\\x00\\xFF'::BLOB), ('a byte string of some length'::BLOB), (NULL)",
      [
        new Uint8Array(0),
        Uint8Array.of(0, 255),
        new TextEncoder().encode('a byte string of some length'),
        null,
      ],
    ],
  ]

  test.each(cases)('%s', async (name, type, sql, expected) => {
    const file = await shop.write(`${name}.parquet`, `SELECT * FROM (${sql}) t(a)`, '{a: 1}')
    const rows = await allRows(shop.reader, requestOf(schemaOf(columns({ a: type })), [taskOf(file)]))
    expect(rows.map((row) => row['a'])).toStrictEqual(expected)
  })
})
