import { posix } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidLocationError } from '../../src/errors.ts'
import {
  canonicalLocation,
  escapeSegment,
  isWithin,
  joinLocation,
  localPathOf,
  maskLocation,
  newLocation,
  parseLocation,
  sameLocation,
  toFileUri,
} from '../../src/storage/location.ts'

describe('forms of one place', () => {
  test.each([
    ['file:/wh/t', 'file:///wh/t'],
    ['file:///wh/t', 'file:///wh/t'],
    ['file://localhost/wh/t', 'file:///wh/t'],
    ['FILE:///wh/t/', 'file:///wh/t'],
    ['/wh/t', 'file:///wh/t'],
    ['/wh//x/../t/.', 'file:///wh/t'],
    ['C:\\wh\\t', 'file:///C:/wh/t'],
    ['C:/wh/t', 'file:///C:/wh/t'],
    ['file:///C:/wh/t', 'file:///C:/wh/t'],
    ['s3a://b/k/', 's3://b/k'],
    ['s3n://b/k', 's3://b/k'],
    ['abfs://c@a.dfs.core.windows.net/k', 'abfss://c@a.dfs.core.windows.net/k'],
    ['/', 'file://'],
  ])('%s is %s', (form, canonical) => {
    expect(canonicalLocation(form)).toBe(canonical)
    expect(sameLocation(form, canonical)).toBe(true)
  })

  test('a drive letter is no scheme', () => {
    expect(parseLocation('c:\\a')).toEqual({ scheme: 'file', authority: '', path: '/c:/a' })
    expect(parseLocation('gs://a')).toEqual({ scheme: 'gs', authority: 'a', path: '' })
  })

  test.each(['', 'wh/t', './t', 'C:t', 'file:', 'file:t', 's3:', '://x'])('%j is no location', (text) => {
    expect(() => parseLocation(text)).toThrow(InvalidLocationError)
  })
})

describe('paths', () => {
  test.each([
    ['file:///wh/a b/%20#?é', '/wh/a b/%20#?é'],
    ['file:/wh', '/wh'],
    ['/wh', '/wh'],
  ])('%s is verbatim %s', (location, path) => {
    expect(localPathOf(location, 'linux')).toBe(path)
  })

  test('a drive is a path on Windows only', () => {
    expect(localPathOf('file:///C:/wh', 'win32')).toBe('C:/wh')
    expect(localPathOf('C:\\wh', 'win32')).toBe('C:/wh')
    expect(localPathOf('file:///C:/wh', 'linux')).toBe('/C:/wh')
  })

  test.each(['s3://b/k', 'file://host/wh', 'file://wh', 'file:///a\0b'])('%j is no path here', (location) => {
    expect(() => localPathOf(location)).toThrow(InvalidLocationError)
  })

  test('a path goes into a URI and comes back unchanged', () => {
    const segment = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !/[\0/]/.test(text))
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1 }), (segments) => {
        const path = `/${segments.join('/')}`
        expect(localPathOf(toFileUri(path), 'linux')).toBe(path)
      }),
    )
  })
})

test.each([
  [['s3://b', 'a', 'b/c'], 's3://b/a/b/c'],
  [['s3://b/', '/a/', '', 'b'], 's3://b/a/b'],
  [['file:///', 'a'], 'file:///a'],
  [['/', 'a'], '/a'],
  [['file:///wh/', ''], 'file:///wh'],
  [['memory://x/%20', 'a b'], 'memory://x/%20/a b'],
])('join %j', ([base = '', ...segments], joined) => {
  expect(joinLocation(base, ...segments)).toBe(joined)
})

describe('within', () => {
  test.each([
    ['s3://b/t1/x', 's3://b/t1'],
    ['s3a://b/t1/x', 's3://b/t1/'],
    ['s3://b/t1', 's3://b/t1'],
    ['s3://b/x', 's3://b'],
    ['file:/wh/t/x', '/wh/t'],
    ['/wh/t/../t/x', 'file:///wh/t'],
    ['file:///x', 'file:///'],
  ])('%s is within %s', (location, root) => {
    expect(isWithin(location, root)).toBe(true)
  })

  test.each([
    ['s3://b/t10/x', 's3://b/t1'],
    ['s3://c/t1/x', 's3://b/t1'],
    ['gs://b/t1/x', 's3://b/t1'],
    ['s3://b', 's3://b/t1'],
    ['/wh/t/../u/x', 'file:///wh/t'],
    ['/wh/t/../../etc/passwd', '/wh/t'],
    ['s3://b/t1/../t2/x', 's3://b/t1'],
    ['s3://b/t1/..', 's3://b/t1'],
    ['file://host/wh/t/x', '/wh/t'],
    ['t/x', 't'],
    ['', ''],
  ])('%s is not within %s', (location, root) => {
    expect(isWithin(location, root)).toBe(false)
  })

  test('however many dots and slashes stand in a path, it is where the system finds it', () => {
    const segment = fc.constantFrom('a', 'b', 'a.b', '.a', 'a..', '...', '.', '..', '')
    const path = fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`)
    fc.assert(
      fc.property(path, path, fc.boolean(), (root, rest, isBelow) => {
        const location = isBelow ? `${root}${rest}` : rest
        const expected = !posix.relative(root, location).split('/').includes('..')
        expect(isWithin(`file://${location}`, `file://${root}`)).toBe(expected)
        expect(isWithin(location, root)).toBe(expected)
      }),
    )
  })

  test('a backslash parts the segments of a Windows path', () => {
    expect(isWithin('C:\\wh\\t\\data\\x', 'C:\\wh\\t')).toBe(true)
    expect(isWithin('C:\\wh\\t/data\\x', 'C:\\wh\\t')).toBe(true)
    expect(isWithin('C:\\wh\\t/..\\u\\x', 'C:\\wh\\t')).toBe(false)
    expect(isWithin('C:\\wh\\t/a\\..\\..\\u', 'C:\\wh\\t')).toBe(false)
  })

  test.each(['..\\..\\u', 'data/..\\..\\..\\u', 'data\\..\\..\\u', 'data\\..', '.\\x', 'a\\../..'])(
    'dots beside a backslash lead nowhere, since only some systems take it for a slash: %s',
    (rest) => {
      for (const root of ['file:///C:/wh/t', 'file:/C:/wh/t', '/C:/wh/t', '/wh/t']) {
        expect(isWithin(`${root}/${rest}`, root)).toBe(false)
      }
    },
  )

  test('a backslash without such dots is a character of a name', () => {
    for (const name of ['a\\b', 'a..\\b', 'a\\..b', 'a\\...']) {
      expect(isWithin(`file:///wh/t/${name}`, 'file:///wh/t')).toBe(true)
    }
  })
})

describe('new locations', () => {
  test('get a scheme and lose their trailing slash', () => {
    expect(newLocation('/wh/a b/')).toBe('file:///wh/a b')
    expect(newLocation('file:/wh/é')).toBe('file:///wh/é')
    expect(newLocation('s3://b/a#b?c/')).toBe('s3://b/a#b?c')
  })

  test.each(['/wh/a#b', 'file:///wh/a?b', '/wh/a\nb', 's3://b/a\0', 'relative', 'file://host/wh', '/\ud800'])(
    '%j is refused',
    (location) => {
      expect(() => newLocation(location)).toThrow(InvalidLocationError)
    },
  )
})

describe('names as folders', () => {
  test.each([
    ['flights', 'flights'],
    ['Größe_1-2.x~', 'Größe_1-2.x~'],
    ['a/b', 'a%2Fb'],
    ['..', '%2E.'],
    ['.hidden', '%2Ehidden'],
    ['a b#?%', 'a%20b%23%3F%25'],
    ['雪', '雪'],
    ['😀', '%F0%9F%98%80'],
  ])('%s becomes %s', (name, folder) => {
    expect(escapeSegment(name)).toBe(folder)
  })

  test('stay one folder that every file system can hold, in their own place', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (name) => {
        const folder = escapeSegment(name)
        expect(folder).not.toMatch(/[/\\#?\0]|^\./)
        expect(new TextEncoder().encode(folder).length).toBeLessThanOrEqual(200)
        expect(isWithin(`/wh/${folder}-0`, '/wh')).toBe(true)
      }),
    )
  })
})

test('values of partition folders are masked, file names are not', () => {
  expect(maskLocation('s3://b/t/data/city=Rome/day=2001-01-01/a=b.parquet')).toBe(
    's3://b/t/data/city=***/day=***/a=b.parquet',
  )
})
