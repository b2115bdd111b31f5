import { describe, expect, test } from 'vitest'
import { InvalidConfigError } from '../../src/errors.ts'
import { loadConfig, type ManagerConfig, type Surroundings } from '../../src/manager/config.ts'
import { Secret } from '../../src/secret.ts'
import { surroundings } from './surroundings.ts'

/** The configuration, or the error that it is refused with. */
async function refused(config: ManagerConfig, around: Surroundings): Promise<InvalidConfigError> {
  const error: unknown = await loadConfig(config, around).then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error instanceof InvalidConfigError) return error
  throw error ?? new Error('the configuration was accepted')
}

const SQL = { uri: 'sqlite:////data/catalog.db', warehouse: 'file:///data/wh' }
const YAML = `
default-catalog: local
catalog:
  local:
    type: sql
    uri: sqlite:////data/catalog.db
    warehouse: file:///data/wh
    s3:
      endpoint: http://localhost:9000
      secret-access-key: hunter2
engine:
  memory-limit-bytes: 2GiB
  threads: 2
commit-strategy: merge_commit
commit-policy:
  max-retries: 5
extra-roots: [s3://other/data/, file:///shared/]
`

describe('floeberg.yaml', () => {
  test('a catalog and settings, each with where it came from', async () => {
    const around = surroundings({ 'work/floeberg.yaml': YAML })
    const config = await loadConfig({}, around)
    expect(config.catalog.name).toBe('local')
    expect(await config.revealCatalog()).toEqual({
      type: 'sql',
      ...SQL,
      's3.endpoint': 'http://localhost:9000',
      's3.secret-access-key': 'hunter2',
    })
    expect(config.settings).toEqual({
      engine: { memoryLimitBytes: '2GiB', threads: 2 },
      extraRoots: ['s3://other/data/', 'file:///shared/'],
      commitStrategy: 'merge_commit',
      commitPolicy: { maxRetries: 5 },
      retention: { maxAgeDays: 7, minSnapshotsToKeep: 10, bounds: {} },
      staleTableRecovery: 'strict',
      tableProperties: {},
    })
    const file = `${around.root}/work/floeberg.yaml`
    expect(config.describe()).toEqual(
      expect.arrayContaining([
        { key: 'catalog', value: 'local', origin: file },
        { key: 'catalog.local.uri', value: 'sqlite:////data/catalog.db', origin: file },
        { key: 'catalog.local.s3.secret-access-key', value: '***', origin: file },
        { key: 'engine.threads', value: '2', origin: file },
        { key: 'extraRoots', value: 's3://other/data/, file:///shared/', origin: file },
        { key: 'staleTableRecovery', value: 'strict', origin: 'default' },
        { key: 'retention.maxAgeDays', value: '7', origin: 'default' },
      ]),
    )
  })

  test('is looked for in $FLOEBERG_HOME, the working folder, the home folder; the first counts alone', async () => {
    const catalog = (name: string) => `catalog: {default: {uri: 'sqlite:///${name}.db'}}`
    const files = {
      'elsewhere/floeberg.yaml': catalog('elsewhere'),
      'work/floeberg.yaml': catalog('work'),
      'home/floeberg.yaml': catalog('home'),
    }
    const uri = async (around: Surroundings) => (await loadConfig({}, around)).catalog.properties['uri']
    expect(await uri(surroundings(files, { FLOEBERG_HOME: '$ROOT/elsewhere' }))).toBe(
      'sqlite:///elsewhere.db',
    )
    expect(await uri(surroundings(files))).toBe('sqlite:///work.db')
    expect(await uri(surroundings({ 'home/floeberg.yaml': catalog('home') }))).toBe('sqlite:///home.db')
  })

  test('one that is named is read in place of all others; one that is named and missing is an error', async () => {
    const files = {
      'work/floeberg.yaml': YAML,
      'elsewhere/my.yaml': 'catalog: {default: {uri: "sqlite:///my.db"}}',
    }
    const around = surroundings(files)
    const named = await loadConfig({ configFile: `${around.root}/elsewhere/my.yaml` }, around)
    expect(named.catalog.properties).toEqual({ uri: 'sqlite:///my.db' })
    const variable = await loadConfig({}, surroundings(files, { FLOEBERG_CONFIG: '$ROOT/elsewhere/my.yaml' }))
    expect(variable.catalog.properties).toEqual({ uri: 'sqlite:///my.db' })
    const missing = await refused({ configFile: `${around.root}/none.yaml` }, around)
    expect(missing.file).toBe(`${around.root}/none.yaml`)
  })

  test('null looks for no file', async () => {
    const around = surroundings({ 'work/floeberg.yaml': 'nonsense', 'home/.pyiceberg.yaml': YAML })
    expect((await loadConfig({ configFile: null, catalog: SQL }, around)).catalogNames).toEqual([])
  })

  test.each([
    ['an unknown key', 'catalogue: {}', 'catalogue', 'Did you mean catalog?'],
    ['an unknown key within', 'engine: {thread: 2}', 'engine.thread', 'Did you mean threads?'],
    ['a list for a mapping', 'catalog: [a]', 'catalog', undefined],
    ['a catalog without properties', 'catalog: {a: b}', 'catalog.a', undefined],
    ['a list for a property', 'catalog: {a: {uri: [x]}}', 'catalog.a.uri', undefined],
    ['a value for a section', 'engine: 4', 'engine', undefined],
    ['two names that differ by case', 'catalog: {a: {uri: x}, A: {uri: y}}', 'catalog.A', undefined],
    ['text for a number', 'engine: {threads: many}', 'engine.threads', undefined],
    ['a number out of range', 'engine: {threads: 0}', 'engine.threads', undefined],
    ['a fraction for a whole number', 'engine: {threads: 1.5}', 'engine.threads', undefined],
    [
      'a size with a wrong unit',
      'engine: {memory-limit-bytes: 4 apples}',
      'engine.memoryLimitBytes',
      undefined,
    ],
    ['a size of nothing', 'engine: {memory-limit-bytes: 0.4 B}', 'engine.memoryLimitBytes', undefined],
    ['a word that is no choice', 'commit-strategy: slow', 'commitStrategy', undefined],
    ['a mapping for text', 'scratch-dir: {a: b}', 'scratchDir', undefined],
    ['an empty item', 'extra-roots: [a, ""]', 'extraRoots[1]', undefined],
    ['a list as the default', 'default-catalog: [a]', 'default-catalog', undefined],
  ])('%s is refused, naming its path and the file', async (_name, yaml, path, hint) => {
    const around = surroundings({ 'work/floeberg.yaml': yaml })
    const error = await refused({ catalog: SQL }, around)
    expect(error).toMatchObject({ path, file: `${around.root}/work/floeberg.yaml` })
    expect(error.hint).toBe(hint)
  })

  test.each([
    ['what is no YAML', 'catalog:\n  a: {token: hunter2\n'],
    ['a key twice', 'catalog:\n  a: {token: hunter2}\n  a: {token: hunter2}\n'],
    ['a list', '- hunter2'],
    ['text', 'hunter2'],
    ['a reference', 'catalog:\n  a: &a {token: hunter2}\n  b: *a\n'],
  ])('%s is refused without quoting it', async (_name, yaml) => {
    const around = surroundings({ 'work/floeberg.yaml': yaml })
    const error = await refused({ catalog: SQL }, around)
    expect(error.file).toBe(`${around.root}/work/floeberg.yaml`)
    expect(JSON.stringify({ ...error, message: error.message, cause: String(error.cause) })).not.toContain(
      'hunter2',
    )
  })

  test.each(['', '\n', '# nothing yet\n', 'catalog:\n', '{}'])(
    'an empty file (%j) is no configuration',
    async (yaml) => {
      const config = await loadConfig({ catalog: SQL }, surroundings({ 'work/floeberg.yaml': yaml }))
      expect(config.settings.commitStrategy).toBe('fast_append')
    },
  )
})

describe('PyIceberg’s configuration', () => {
  const PYICEBERG = `
default-catalog: Prod
max-workers: 4
catalog:
  Prod:
    URI: postgresql+psycopg2://user:p%40ss@host:5432/db
    warehouse: s3://bucket/wh
    s3.region: 01
    s3.anonymous: yes
    empty:
    py-io-impl: pyiceberg.io.fsspec.FsspecFileIO
    auth:
      type: basic
      basic:
        username: me
`

  // What PyIceberg 0.12 makes of this file and these variables, nested properties flattened.
  test('the file and the variables, as PyIceberg reads them', async () => {
    const around = surroundings(
      { 'elsewhere/.pyiceberg.yaml': PYICEBERG },
      {
        PYICEBERG_HOME: '$ROOT/elsewhere',
        PYICEBERG_CATALOG__PROD__S3__ACCESS_KEY_ID: 'AKIA',
        PYICEBERG_CATALOG__MY_CAT__URI: 'sqlite:///x.db',
        PYICEBERG_CATALOG__PROD__WAREHOUSE: '',
        pyiceberg_catalog__prod__header__x_api_key: 'zz',
        PYICEBERG_CATALOG__PROD__EMPTY: 'full',
        PYICEBERG_MAX_WORKERS: '8',
      },
    )
    const config = await loadConfig({}, around)
    expect(config.catalog.name).toBe('Prod')
    expect(await config.revealCatalog()).toEqual({
      uri: 'postgresql+psycopg2://user:p%40ss@host:5432/db',
      warehouse: 's3://bucket/wh',
      's3.region': '01',
      's3.anonymous': 'yes',
      empty: 'full',
      'py-io-impl': 'pyiceberg.io.fsspec.FsspecFileIO',
      'auth.type': 'basic',
      'auth.basic.username': 'me',
      'header.x-api-key': 'zz',
      's3.access-key-id': 'AKIA',
    })
    expect(config.catalogNames).toEqual(['my-cat', 'prod'])
    expect((await loadConfig({ catalog: 'my-cat' }, around)).catalog.properties).toEqual({
      uri: 'sqlite:///x.db',
    })
  })

  test('the file is looked for in $PYICEBERG_HOME, the home folder, the working folder', async () => {
    const catalog = (name: string) => `catalog: {default: {uri: 'sqlite:///${name}.db'}}`
    const work = { 'work/.pyiceberg.yaml': catalog('work') }
    const home = { ...work, 'home/.pyiceberg.yaml': catalog('home') }
    const uri = async (around: Surroundings) => (await loadConfig({}, around)).catalog.properties['uri']
    expect(await uri(surroundings(home))).toBe('sqlite:///home.db')
    expect(await uri(surroundings(work))).toBe('sqlite:///work.db')
    expect(await uri(surroundings(home, { PYICEBERG_HOME: '$ROOT/work' }))).toBe('sqlite:///work.db')
  })

  test('a catalog that floeberg.yaml names too is floeberg.yaml’s alone; others are there beside', async () => {
    const around = surroundings({
      'work/floeberg.yaml': 'catalog: {prod: {uri: "sqlite:///ours.db"}, mine: {uri: "sqlite:///mine.db"}}',
      'home/.pyiceberg.yaml': 'catalog: {prod: {uri: x, token: theirs}, other: {uri: "sqlite:///other.db"}}',
    })
    expect((await loadConfig({ catalog: 'prod' }, around)).catalog.properties).toEqual({
      uri: 'sqlite:///ours.db',
    })
    expect((await loadConfig({ catalog: 'other' }, around)).catalog.properties).toEqual({
      uri: 'sqlite:///other.db',
    })
  })
})

describe('variables', () => {
  test('set any setting, in the form that it has', async () => {
    const around = surroundings(
      {},
      {
        FLOEBERG_CATALOG__DEFAULT__URI: 'sqlite:///x.db',
        FLOEBERG_ENGINE__MEMORY_LIMIT_BYTES: '512MB',
        FLOEBERG_ENGINE__THREADS: '3',
        FLOEBERG_SCRATCH_DIR: '/scratch',
        FLOEBERG_EXTRA_ROOTS: 's3://a/, s3://b/',
        FLOEBERG_COMMIT_POLICY__MIN_WAIT_MS: '10',
      },
    )
    const { settings, describe: described } = await loadConfig({}, around)
    expect(settings).toMatchObject({
      engine: { memoryLimitBytes: '512MB', threads: 3 },
      scratchDir: '/scratch',
      extraRoots: ['s3://a/', 's3://b/'],
      commitPolicy: { minWaitMs: 10 },
    })
    expect(described()).toContainEqual({
      key: 'engine.threads',
      value: '3',
      origin: 'FLOEBERG_ENGINE__THREADS',
    })
  })

  test.each([
    ['FLOEBERG_DEFUALT_CATALOG', 'Did you mean FLOEBERG_DEFAULT_CATALOG?'],
    ['FLOEBERG_ENGINE__THREAD', 'Did you mean FLOEBERG_ENGINE__THREADS?'],
    ['FLOEBERG_CATALOG__PROD', 'Write PYICEBERG_CATALOG__NAME__PROPERTY.'],
    ['PYICEBERG_CATALOG__PROD__', 'Write PYICEBERG_CATALOG__NAME__PROPERTY.'],
  ])('%s looks like a slip and is refused', async (name, hint) => {
    const error = await refused({ catalog: SQL }, surroundings({}, { [name]: 'x' }))
    expect(error).toMatchObject({ path: name, hint })
  })

  test('other tools’ variables are left alone', async () => {
    const around = surroundings({}, { FLOEBERG_TEST_DATABASE_PASSWORD: 'x', FLOEBERG_HOME: '/nowhere' })
    expect((await loadConfig({ catalog: SQL }, around)).catalog.properties).toEqual(SQL)
  })

  test('a wrong value is refused, naming the variable and not the value', async () => {
    const error = await refused({ catalog: SQL }, surroundings({}, { FLOEBERG_ENGINE__THREADS: 'hunter2' }))
    expect(error.path).toBe('engine.threads')
    expect(error.message).toContain('FLOEBERG_ENGINE__THREADS')
    expect(error.message).not.toContain('hunter2')
  })

  test('reach a catalog whose name has underscores, but never another one’s', async () => {
    const env = { PYICEBERG_CATALOG__MY_CAT__TOKEN: 't' }
    const one = surroundings({ 'work/floeberg.yaml': 'catalog: {my_cat: {uri: a}}' }, env)
    expect(await (await loadConfig({ catalog: 'my_cat' }, one)).revealCatalog()).toEqual({
      uri: 'a',
      token: 't',
    })
    const two = surroundings({ 'work/floeberg.yaml': 'catalog: {my_cat: {uri: a}, my-cat: {uri: b}}' }, env)
    expect(await (await loadConfig({ catalog: 'my_cat' }, two)).revealCatalog()).toEqual({ uri: 'a' })
    expect(await (await loadConfig({ catalog: 'my-cat' }, two)).revealCatalog()).toEqual({
      uri: 'b',
      token: 't',
    })
  })
})

describe('what a setting cannot be is refused, not ignored', () => {
  test('a repair without being asked', async () => {
    const opening = loadConfig({ catalog: SQL, staleTableRecovery: 'repair' }, surroundings({}, {}))
    await expect(opening).rejects.toMatchObject({
      code: 'FLOEBERG_UNSUPPORTED_FEATURE',
      message: expect.stringContaining('staleTableRecovery'),
    })
  })

  test('a property of new tables that the format does not allow', async () => {
    const files = { 'work/floeberg.yaml': "table-properties: {write.target-file-size-bytes: 'much'}" }
    await expect(loadConfig({ catalog: SQL }, surroundings(files, {}))).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_CONFIG',
      message: expect.stringContaining('tableProperties.write.target-file-size-bytes'),
    })
  })

  test('properties of new tables, each from its place', async () => {
    const files = { 'work/floeberg.yaml': 'table-properties: {a.b: file, c: file}' }
    const around = surroundings(files, { FLOEBERG_TABLE_PROPERTIES__A__B: 'variable' })
    const { settings } = await loadConfig({ catalog: SQL, tableProperties: { d: 'argument' } }, around)
    expect(settings.tableProperties).toEqual({ 'a.b': 'variable', c: 'file', d: 'argument' })
  })
})

test('a broken table is an error: no setting has it repaired without being asked', async () => {
  const strict = await loadConfig({ catalog: SQL, staleTableRecovery: 'strict' }, surroundings({}))
  expect(strict.settings.staleTableRecovery).toBe('strict')
  const repair = loadConfig({ catalog: SQL, staleTableRecovery: 'repair' }, surroundings({}))
  await expect(repair).rejects.toMatchObject({ hint: expect.stringContaining('repairTable') })
})

describe('precedence', () => {
  const file =
    'catalog: {c: {a: file, b: file, c: file, d: file}}\nengine: {threads: 1}\ncommit-strategy: merge_commit'
  const around = () =>
    surroundings(
      { 'work/floeberg.yaml': file },
      {
        PYICEBERG_CATALOG__C__B: 'pyiceberg',
        PYICEBERG_CATALOG__C__C: 'pyiceberg',
        FLOEBERG_CATALOG__C__C: 'variable',
        FLOEBERG_CATALOG__C__D: 'variable',
        FLOEBERG_ENGINE__THREADS: '2',
      },
    )

  test('argument, variable, file, default; ours before PyIceberg’s', async () => {
    const config = await loadConfig({ catalog: 'c', catalogProperties: { d: 'argument' } }, around())
    expect(config.catalog.properties).toEqual({ a: 'file', b: 'pyiceberg', c: 'variable', d: 'argument' })
    expect(config.settings).toMatchObject({ engine: { threads: 2 }, commitStrategy: 'merge_commit' })
    const given = await loadConfig({ catalog: 'c', engine: { threads: 3 } }, around())
    expect(given.settings.engine.threads).toBe(3)
    expect(given.describe()).toContainEqual({ key: 'engine.threads', value: '3', origin: 'argument' })
    expect(given.describe()).toContainEqual({
      key: 'catalog.c.c',
      value: 'variable',
      origin: 'FLOEBERG_CATALOG__C__C',
    })
  })

  test('properties given as an object are all there are', async () => {
    const config = await loadConfig({ catalog: { name: 'c', a: 'argument', 's3.max': 3, x: true } }, around())
    expect(config.catalog).toEqual({ name: 'c', properties: { a: 'argument', 's3.max': '3', x: 'true' } })
  })

  test('the default catalog: argument, our variable, PyIceberg’s, our file, PyIceberg’s, "default"', async () => {
    const catalogs = 'catalog: {a: {x: y}, b: {x: y}, c: {x: y}, d: {x: y}, e: {x: y}, default: {x: y}}'
    const files = {
      'work/floeberg.yaml': `${catalogs}\ndefault-catalog: c`,
      'home/.pyiceberg.yaml': 'default-catalog: d',
    }
    const env = { FLOEBERG_DEFAULT_CATALOG: 'a', PYICEBERG_DEFAULT_CATALOG: 'b' }
    const name = async (config: ManagerConfig, where: Surroundings) =>
      (await loadConfig(config, where)).catalog.name
    expect(await name({ catalog: 'e' }, surroundings(files, env))).toBe('e')
    expect(await name({}, surroundings(files, env))).toBe('a')
    expect(await name({}, surroundings(files, { PYICEBERG_DEFAULT_CATALOG: 'b' }))).toBe('b')
    expect(await name({}, surroundings(files))).toBe('c')
    expect(await name({}, surroundings({ ...files, 'work/floeberg.yaml': catalogs }))).toBe('d')
    expect(await name({}, surroundings({ 'work/floeberg.yaml': catalogs }))).toBe('default')
  })

  test('a catalog is found whatever the case of its name, and keeps the name as asked for', async () => {
    const config = await loadConfig(
      { catalog: 'Prod' },
      surroundings({ 'work/floeberg.yaml': 'catalog: {PROD: {uri: x}}' }),
    )
    expect(config.catalog).toEqual({ name: 'Prod', properties: { uri: 'x' } })
  })
})

describe('arguments', () => {
  test.each<[string, object, string, string | undefined]>([
    ['an unknown key', { catlog: 'x' }, 'catlog', 'Did you mean catalog?'],
    ['an unknown key within', { engine: { thread: 1 } }, 'engine.thread', 'Did you mean threads?'],
    ['a wrong type', { engine: { threads: '2' } }, 'engine.threads', undefined],
    ['a catalog that is neither name nor properties', { catalog: 7 }, 'catalog', undefined],
    [
      'bounds below nothing',
      { retention: { bounds: { maxAgeDays: { min: -1 } } } },
      'retention.bounds.maxAgeDays.min',
      undefined,
    ],
  ])('%s is refused', async (_name, config, path, hint) => {
    const error = await refused(config, surroundings())
    expect(error.path).toBe(path)
    expect(error.hint).toBe(hint)
  })

  test('a catalog that nobody has named', async () => {
    const around = surroundings({ 'work/floeberg.yaml': 'catalog: {local: {uri: x}, prod: {uri: y}}' })
    expect(await refused({ catalog: 'lokal' }, around)).toMatchObject({
      path: 'catalog',
      hint: 'Did you mean local?',
    })
    expect((await refused({}, around)).hint).toMatch(/^Configured are local, prod;/)
    expect((await refused({}, surroundings())).hint).toMatch(/floeberg\.yaml/)
  })

  test('keys of objects are never mistaken for the language’s own', async () => {
    const yaml = 'catalog: {__proto__: {uri: x, constructor: z}}'
    const config = await loadConfig({ catalog: '__proto__' }, surroundings({ 'work/floeberg.yaml': yaml }))
    expect(Object.entries(config.catalog.properties)).toEqual([
      ['uri', 'x'],
      ['constructor', 'z'],
    ])
    expect(Object.getPrototypeOf({})).not.toHaveProperty('uri')
  })
})

describe('secrets', () => {
  const yaml = `
catalog:
  c:
    uri: postgresql://user:hunter2@host/db
    token: env:THE_TOKEN
    credential: file:/secrets/credential
    warehouse: file:///data/wh
`

  test('are shown nowhere: not by describe, not by printing, not by errors', async () => {
    const around = surroundings(
      { 'work/floeberg.yaml': yaml },
      { FLOEBERG_CATALOG__C__S3__SESSION_TOKEN: 'hunter2' },
    )
    const config = await loadConfig(
      { catalog: 'c', catalogProperties: { password: new Secret('hunter2') } },
      around,
    )
    expect(config.catalog.properties['uri']).toBeInstanceOf(Secret)
    expect(JSON.stringify([config, config.describe()])).not.toContain('hunter2')
    expect(config.describe().map(({ key, value }) => [key, value])).toEqual(
      expect.arrayContaining([
        ['catalog.c.uri', 'postgresql://user:***@host/db'],
        ['catalog.c.token', 'env:THE_TOKEN'],
        ['catalog.c.password', '***'],
        ['catalog.c.s3.session-token', '***'],
        ['catalog.c.warehouse', 'file:///data/wh'],
      ]),
    )
  })

  test('references are looked up when the catalog is connected, each time anew', async () => {
    const around = surroundings({ 'work/floeberg.yaml': yaml })
    const env: Record<string, string> = { THE_TOKEN: 'first' }
    const readText = async (path: string) =>
      path === '/secrets/credential' ? 'id:secret\n' : around.readText(path)
    const config = await loadConfig({ catalog: 'c' }, { ...around, env, readText })
    expect(await config.revealCatalog()).toEqual({
      uri: 'postgresql://user:hunter2@host/db',
      token: 'first',
      credential: 'id:secret',
      warehouse: 'file:///data/wh',
    })
    env['THE_TOKEN'] = 'second'
    expect((await config.revealCatalog())['token']).toBe('second')
  })

  test('a reference to nothing is an error that names the property', async () => {
    const around = surroundings({ 'work/floeberg.yaml': yaml })
    const config = await loadConfig({ catalog: 'c' }, around)
    await expect(config.revealCatalog()).rejects.toMatchObject({
      code: 'FLOEBERG_INVALID_CONFIG',
      path: 'catalog.c.token',
    })
    const set = await loadConfig({ catalog: 'c' }, { ...around, env: { THE_TOKEN: 'x' } })
    await expect(set.revealCatalog()).rejects.toMatchObject({
      path: 'catalog.c.credential',
      file: '/secrets/credential',
    })
  })
})

describe('a file that was only found in the working folder', () => {
  const yaml = (key: string) => `catalog: {c: {uri: x, ${key}: run-me}}`

  test.each([
    'catalog-impl',
    'storage-plugin',
    'credential-process',
    'auth.command',
    'plugin',
    'Loader.Module',
  ])('may not set %s, which names code to run', async (key) => {
    for (const name of ['floeberg.yaml', '.pyiceberg.yaml']) {
      const error = await refused({ catalog: 'c' }, surroundings({ [`work/${name}`]: yaml(key) }))
      expect(error.path.toLowerCase()).toBe(`catalog.c.${key.toLowerCase()}`)
      expect(error.hint).toContain('FLOEBERG_CONFIG')
    }
  })

  test('may when it is named, or lies in a home folder', async () => {
    const files = { 'work/floeberg.yaml': yaml('plugin') }
    const named = surroundings(files)
    const config = await loadConfig({ catalog: 'c', configFile: `${named.root}/work/floeberg.yaml` }, named)
    expect(config.catalog.properties).toEqual({ uri: 'x', plugin: 'run-me' })
    const variable = surroundings(files, { FLOEBERG_HOME: '$ROOT/work' })
    expect((await loadConfig({ catalog: 'c' }, variable)).catalog.properties).toHaveProperty('plugin')
    const home = surroundings({ 'home/floeberg.yaml': yaml('plugin') })
    expect((await loadConfig({ catalog: 'c' }, home)).catalog.properties).toHaveProperty('plugin')
  })
})
