import { describe, expect, test } from 'vitest'
import { InvalidConfigError, UnsupportedFeatureError } from '../../src/errors.ts'
import { catalogType, withoutDriver } from '../../src/manager/catalog-type.ts'

describe('the type of a catalog', () => {
  test.each([
    [{ type: 'sql' }, 'sql'],
    [{ type: 'REST' }, 'rest'],
    [{ type: 'memory' }, 'memory'],
    [{ type: 'in-memory' }, 'memory'],
    [{ type: 'sql', uri: 'http://host' }, 'sql'],
    [{ uri: 'sqlite:////data/catalog.db' }, 'sql'],
    [{ uri: 'sqlite:///catalog.db' }, 'sql'],
    [{ uri: 'sqlite+pysqlite:///catalog.db' }, 'sql'],
    [{ uri: 'postgresql://host/db' }, 'sql'],
    [{ uri: 'postgresql+psycopg2://user:pw@host:5432/db' }, 'sql'],
    [{ uri: 'http://localhost:8181' }, 'rest'],
    [{ uri: 'https://host/api' }, 'rest'],
  ])('%o is %s', (properties, type) => {
    expect(catalogType(properties)).toBe(type)
  })

  test.each([{ type: 'hive' }, { type: 'glue' }, { uri: 'thrift://host:9083' }])(
    '%o is not built',
    (properties) => {
      expect(() => catalogType(properties)).toThrow(UnsupportedFeatureError)
    },
  )

  test.each([
    [{}, 'catalog.prod.uri', /sqlite:/],
    [{ uri: 'mysql://host/db' }, 'catalog.prod.type', /sqlite:/],
    [{ uri: 'https-is-fine' }, 'catalog.prod.type', /sqlite:/],
    [{ type: 'sqll' }, 'catalog.prod.type', /Did you mean sql\?/],
    [{ type: 'constructor' }, 'catalog.prod.type', /Use sql, rest or memory/],
  ])('%o is refused', (properties, path, hint) => {
    expect(() => catalogType(properties, 'catalog.prod')).toThrow(InvalidConfigError)
    expect(() => catalogType(properties, 'catalog.prod')).toThrow(
      expect.objectContaining({ path, hint: expect.stringMatching(hint) }),
    )
  })

  test('no message shows the uri: it may hold a password', () => {
    expect(() => catalogType({ uri: 'mysql://user:hunter2@host/db' })).not.toThrow(/hunter2/)
  })
})

test.each([
  ['postgresql+psycopg2://user:pw@host/db', 'postgresql://user:pw@host/db'],
  ['postgresql://user:p+x@host/db', 'postgresql://user:p+x@host/db'],
  ['sqlite+pysqlite:///rel.db', 'sqlite:///rel.db'],
])('%s without its driver', (uri, plain) => {
  expect(withoutDriver(uri)).toBe(plain)
})
