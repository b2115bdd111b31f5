import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptFileError, InvalidArgumentError } from '../../../src/errors.ts'
import { NumberToken, parseLossless, stringifyLossless } from '../../../src/format/metadata/lossless-json.ts'

const roundTrip = (text: string) => stringifyLossless(parseLossless(text))

describe('numbers', () => {
  test.each<[string, unknown]>([
    ['0', 0],
    ['-7', -7],
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['3051729675574597004', 3051729675574597004n],
    ['-9223372036854775808', -9223372036854775808n],
    ['123456789012345678901234567890', 123456789012345678901234567890n],
    ['0.5', 0.5],
    ['-1.25', -1.25],
  ])('%s is read as the value it is', (text, value) => {
    expect(parseLossless(text)).toBe(value)
    expect(parseLossless(`{"a":[${text},{"b":${text}}]}`)).toEqual({ a: [value, { b: value }] })
  })

  test.each(['1.0', '-0', '-0.0', '1e400', '1E5', '0.10', '3.141592653589793238462643383279', '1e-400'])(
    '%s, which no number prints back, keeps its text',
    (text) => {
      expect(parseLossless(text)).toEqual(new NumberToken(text))
      expect(roundTrip(`{"a":[${text}],"b":${text}}`)).toBe(`{"a":[${text}],"b":${text}}`)
    },
  )

  test.each([
    '01',
    '-',
    '1.',
    '.5',
    '+1',
    '1e',
    '1e+',
    '--1',
    '0x10',
    '1-2',
    'NaN',
    '-Infinity',
    '00000000000000001',
  ])('%s is not JSON', (text) => {
    expect(() => parseLossless(text, 'f')).toThrow(CorruptFileError)
    expect(() => parseLossless(`{"a":[${text}]}`, 'f')).toThrow(CorruptFileError)
  })

  test('a number is never a key', () => {
    expect(() => parseLossless('{"a":{3051729675574597004:1}}', 'f')).toThrow(CorruptFileError)
    expect(() => parseLossless('{"a":{ 3051729675574597004 :1}}', 'f')).toThrow(CorruptFileError)
    expect(() => parseLossless('{1.0:1}', 'f')).toThrow(CorruptFileError)
  })

  test('what JSON cannot hold is not written', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, () => 1, new Uint8Array(1), Symbol('s')]) {
      expect(() => stringifyLossless({ a: [value] })).toThrow(InvalidArgumentError)
    }
    expect(stringifyLossless({ a: undefined, b: 1n })).toBe('{"b":1}')
  })
})

describe('strings and keys', () => {
  test.each([
    '"\u007f"',
    '"\u007f9007199254740993"',
    '"\u007f=x"',
    '["\u007f1.0",{"\u007f":"\u007f2"}]',
    '{"a":["\u007f",{"b":1}]}',
    '{"a":{"\u007fk":["\u007fv"]}}',
  ])('characters that the parser uses itself mean nothing: %j', (text) => {
    expect(parseLossless(text)).toEqual(JSON.parse(text))
    expect(roundTrip(text)).toBe(text)
  })

  test('escapes are read as any parser reads them, at every place', () => {
    const text = String.raw`{"\u007fk":["\u007f1","\u00e9\n","a\\","\"","\ud83d\ude00","\ud800",{"\u0041":"\u0042"}]}`
    expect(parseLossless(text)).toEqual(JSON.parse(text))
  })

  test('a key __proto__ is a key and changes no prototype', () => {
    const parsed = parseLossless('{"__proto__":{"polluted":1},"a":{"__proto__":[9007199254740993]}}')
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
    expect('polluted' in {}).toBe(false)
    expect(stringifyLossless(parsed)).toBe(
      '{"__proto__":{"polluted":1},"a":{"__proto__":[9007199254740993]}}',
    )
  })

  test('of duplicate keys the last wins', () => {
    expect(parseLossless('{"a":1,"a":2,"b":{"c":1,"c":3051729675574597004}}')).toEqual({
      a: 2,
      b: { c: 3051729675574597004n },
    })
  })

  test('a byte order mark is skipped', () => {
    expect(parseLossless(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]))).toEqual({})
  })
})

describe('long arrays', () => {
  // Long enough to be parsed in several pieces.
  const elements = Array.from({ length: 20_000 }, (_, i) => `{"id":${9007199254740993n + BigInt(i)},"s":"x"}`)

  test('are read whole and in order, in pieces', () => {
    const text = `{"before":1,"list":[${elements.join(' , ')}],"after":[]}`
    const parsed = parseLossless(text)
    expect(stringifyLossless(parsed)).toBe(text.replaceAll(' , ', ','))
  })

  test.each([
    ['a comma at the end', `{"list":[${elements.join(',')},]}`],
    ['two commas', `{"list":[${elements.join(',,')}]}`],
    ['a comma first', `{"list":[,${elements.join(',')}]}`],
    ['no comma', `{"list":[${elements.join(' ')}]}`],
    ['a colon', `{"list":[${elements.join(':')}]}`],
    ['the wrong bracket', `{"list":[${elements.join(',')}}}`],
    ['no end', `{"list":[${elements.join(',')}`],
  ])('with %s are refused', (_, text) => {
    expect(() => parseLossless(text, 'f')).toThrow(CorruptFileError)
  })
})

describe('damaged documents', () => {
  const document =
    '{"a":[1,-2.5e3,3051729675574597004,true,null,"x\\u0041"],"b":{"c":"d"},"list":[{"k":"é"},{"k":[[]]}]}'
  const bytes = new TextEncoder().encode(document)

  test('every truncation is refused by name of the file, without quoting it', () => {
    for (let length = 0; length < bytes.length; length++) {
      const error = caught(() => parseLossless(bytes.subarray(0, length), 's3://b/t/metadata/1.json'))
      expect(error).toBeInstanceOf(CorruptFileError)
      expect(error).toMatchObject({ file: 's3://b/t/metadata/1.json' })
    }
  })

  test('a flipped bit gives a typed error or another document, nothing else', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const error = caught(() => stringifyLossless(parseLossless(flipped, 'f')))
      expect(error === undefined || error instanceof CorruptFileError).toBe(true)
    }
  })

  test.each([
    ['invalid UTF-8', new Uint8Array([0x22, 0xc3, 0x28, 0x22])],
    ['an overlong encoding', new Uint8Array([0x22, 0xc0, 0x80, 0x22])],
    ['a surrogate in UTF-8', new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a raw control character', new Uint8Array([0x22, 0x01, 0x22])],
    ['a second value', new TextEncoder().encode('{} {}')],
    ['nothing', new Uint8Array(0)],
    ['white space only', new TextEncoder().encode(' \n')],
    ['a gzip header', new Uint8Array([0x1f, 0x8b, 8, 0])],
  ])('%s is refused', (_, damaged) => {
    expect(() => parseLossless(damaged, 'f')).toThrow(CorruptFileError)
  })

  test('values are never quoted in a message', () => {
    const error = caught(() => parseLossless('{"properties":{"token":"s3cret" "x"}}', 'f'))
    expect(String(error)).not.toContain('s3cret')
  })

  test('nesting is bounded', () => {
    const nested = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`
    expect(roundTrip(nested(900))).toBe(nested(900))
    for (const levels of [1100, 2_000_000]) {
      expect(() => parseLossless(nested(levels), 'f')).toThrow(CorruptFileError)
      expect(() => parseLossless(`{"a":{"b":${'['.repeat(levels)}`, 'f')).toThrow(CorruptFileError)
    }
  })
})

describe('any document', () => {
  const number = fc.oneof(
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
    fc.integer().map(String),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map((value) => (Object.is(value, -0) ? '-0.0' : String(value))),
    fc.constantFrom('1.0', '-0', '1e400', '0.100', '12345678901234567890.5', '1E+2'),
  )
  const plain = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\u007f', '\u007f=1', '\u007f12', ''),
  )
  const string = fc.oneof(
    plain.map((text) => JSON.stringify(text)),
    fc
      .constantFrom(String.raw`"\u007f"`, String.raw`"\u0041b"`, String.raw`"\\"`)
      .map((text) => JSON.stringify(JSON.parse(text))),
  )
  // JavaScript puts keys like "7" first; all others keep their place.
  const key = fc.oneof(plain, fc.constant('__proto__')).filter((text) => !/^[0-9]+$/.test(text))
  const { value } = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      number,
      string,
      fc.constantFrom('true', 'false', 'null'),
      fc.array(tie('value'), { maxLength: 5 }).map((items) => `[${items.join(',')}]`),
      fc
        .uniqueArray(fc.tuple(key, tie('value')), { maxLength: 5, selector: ([name]) => name })
        .map((members) => `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`),
    ),
  }))

  test('comes back as it was written', () => {
    fc.assert(
      fc.property(value, (text) => {
        expect(roundTrip(text)).toBe(text)
      }),
      { numRuns: 2000 },
    )
  })

  test('is read as JSON.parse reads it, but for the numbers', () => {
    fc.assert(
      fc.property(value, (text) => {
        const numbers = (parsed: unknown) =>
          JSON.stringify(parsed, (_, each: unknown) => (isNumber(each) ? 0 : each))
        expect(numbers(parseLossless(` ${text}\n`))).toBe(numbers(JSON.parse(text)))
      }),
    )
  })

  function isNumber(value: unknown): boolean {
    return typeof value === 'number' || typeof value === 'bigint' || value instanceof NumberToken
  }
})

function caught(run: () => unknown): unknown {
  try {
    run()
    return undefined
  } catch (error) {
    return error
  }
}
