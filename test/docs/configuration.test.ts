/** The files that docs/configuration.md shows are read, and mean what the page says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/manager/config.ts'
import { SETTING_FORMS } from '../../src/manager/config-schema.ts'
import { surroundings } from '../manager/surroundings.ts'
import { readPages, root } from './pages.ts'

const page = readPages().find(({ path }) => path === join('docs', 'configuration.md'))
const [ours = '', pyiceberg = ''] =
  page?.blocks.filter(({ language }) => language === 'yaml').map(({ code }) => code) ?? []

test('the configuration page: both files', async () => {
  const files = { 'work/floeberg.yaml': ours, 'home/.pyiceberg.yaml': pyiceberg }
  const around = surroundings(files, { LAKE_SECRET: 'hunter2', FLOEBERG_ENGINE__THREADS: '2' })
  const local = await loadConfig({}, around)
  expect(local.catalog.name).toBe('local')
  expect(local.catalogNames).toEqual(['lab', 'local', 'prod'])
  expect(local.settings).toMatchObject({
    engine: { memoryLimitBytes: '4GiB', threads: 2 },
    scratchDir: '/data/scratch',
    extraRoots: ['file:///shared/data/'],
    commitStrategy: 'merge_commit',
    commitPolicy: { retries: 8, maxRetries: 20 },
  })
  const prod = await loadConfig({ catalog: 'prod' }, around)
  expect((await prod.revealCatalog())['s3.secret-access-key']).toBe('hunter2')
})

test('the configuration page lists every setting that can be set', () => {
  const text = readFileSync(join(root, 'docs', 'configuration.md'), 'utf8')
  const last = (path: string) => path.split('.').at(-1) ?? path
  const missing = Object.keys(SETTING_FORMS).filter(
    (path) => !text.includes(last(path).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)),
  )
  expect(missing).toEqual([])
})
