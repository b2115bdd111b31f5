/** What docs/sharing.md tells users of PyIceberg and Spark is what works here. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readPages } from '../docs/pages.ts'
import { openFloeberg } from './support/floeberg.ts'
import { interopFolder, python } from './support/json-lines.ts'
import { createSharedWarehouse } from './support/warehouse.ts'

const shared = createSharedWarehouse()
afterAll(() => shared.remove())

const blocks = readPages().find((page) => page.path === 'docs/sharing.md')?.blocks ?? []

function blockOf(language: string): string {
  const code = blocks.find((block) => block.language === language)?.code ?? ''
  return code
    .replaceAll('/path/to/catalog.db', shared.catalogFile)
    .replaceAll('file:///path/to/warehouse', shared.warehouse)
}

describe('docs/sharing.md', () => {
  test('PyIceberg opens our catalog as told', async () => {
    const manager = await openFloeberg(shared)
    await manager.createNamespace('told')
    await manager.close()
    const program = `from pyiceberg.catalog.sql import SqlCatalog\n${blockOf('python')}\nprint(catalog.list_namespaces())`
    expect(execFileSync(python, ['-c', program], { encoding: 'utf8' }).trim()).toBe("[('told',)]")
  })

  test('Spark’s settings are those that the tests of Spark run with', () => {
    const source = readFileSync(join(interopFolder, 'python/spark_session.py'), 'utf8')
      .replaceAll('{catalog_file}', shared.catalogFile)
      .replaceAll('": warehouse,', `": "${shared.warehouse}",`)
    for (const line of blockOf('properties').trim().split('\n')) {
      const [key, value] = line.split(' = ')
      expect(source).toMatch(new RegExp(`"${key}": f?"${value}"`))
    }
  })
})
