/** Dependencies: each earns its line in ARCHITECTURE.md, and the lock file names no registry. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8')

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>
}

const manifest: Manifest = JSON.parse(read('package.json'))

describe('dependencies', () => {
  test('each has its row in the table of ARCHITECTURE.md, and no row is left over', () => {
    const rows = [...read('ARCHITECTURE.md').matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1])
    expect(rows.toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted())
  })

  test('peers are optional: nothing of them is loaded unless asked for', () => {
    for (const name of Object.keys(manifest.peerDependencies)) {
      expect(manifest.peerDependenciesMeta[name]?.optional, name).toBe(true)
      expect(read('ARCHITECTURE.md')).toContain(`\`${name}\``)
    }
  })

  test('the engine is pinned: its raw bindings are used', () => {
    expect(manifest.dependencies['@duckdb/node-api']).toMatch(/^\d/)
  })

  test('the lock file holds checksums and no addresses', () => {
    const lock: { packages: Record<string, { resolved?: string; integrity?: string }> } = JSON.parse(
      read('package-lock.json'),
    )
    const entries = Object.entries(lock.packages).filter(([path]) => path !== '')
    expect(entries.filter(([, entry]) => entry.resolved !== undefined)).toEqual([])
    expect(entries.filter(([, entry]) => entry.integrity === undefined)).toEqual([])
  })
})
