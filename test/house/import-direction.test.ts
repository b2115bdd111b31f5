/** The linter knows which room may import which: the whole table of ARCHITECTURE.md, tried cell by cell. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'floeberg-lint-'))

const contracts = [
  'storage/object-store.ts',
  'catalog/catalog.ts',
  'engine/data-plane.ts',
  'engine/file-access.ts',
  'engine/adoption.ts',
  'engine/sql.ts',
]
const implementations = ['storage/local.ts', 'catalog/sql/sqlite.ts', 'engine/duckdb/duckdb-plane.ts']
const ground = ['errors.ts', 'secret.ts']
const upper = ['table/table.ts', 'maintenance/purge.ts', 'manager/manager.ts', 'compose.ts']
const targets = [...ground, 'format/types.ts', ...contracts, ...implementations, ...upper]

/** A file of each room, and what it may import of the targets. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'format/probe.ts': [...ground, 'format/types.ts'],
  'format/values/probe.ts': [...ground, 'format/types.ts'],
  'storage/probe.ts': [...ground, 'format/types.ts', ...contracts, 'storage/local.ts'],
  'catalog/probe.ts': [
    ...ground,
    'format/types.ts',
    'storage/object-store.ts',
    'catalog/catalog.ts',
    'catalog/sql/sqlite.ts',
  ],
  'engine/duckdb/probe.ts': [
    ...ground,
    'format/types.ts',
    'storage/object-store.ts',
    'engine/data-plane.ts',
    'engine/file-access.ts',
    'engine/row-changes.ts',
    'engine/adoption.ts',
    'engine/sql.ts',
    'engine/duckdb/duckdb-plane.ts',
  ],
  'testing/probe.ts': [...ground, 'format/types.ts', ...contracts],
  'table/operations/probe.ts': [...ground, 'format/types.ts', ...contracts, 'table/table.ts'],
  'maintenance/probe.ts': [
    ...ground,
    'format/types.ts',
    ...contracts,
    'table/table.ts',
    'maintenance/purge.ts',
  ],
  'manager/probe.ts': [
    ...ground,
    'format/types.ts',
    ...contracts,
    ...upper.filter((file) => file !== 'compose.ts'),
  ],
}

interface Report {
  readonly diagnostics: readonly {
    readonly code: string
    readonly filename: string
    readonly labels: readonly Label[]
  }[]
}
interface Label {
  readonly span: { readonly line: number }
}

/** Rule and line of everything the linter says of a file of one statement a line. */
let found: ReadonlyMap<string, readonly { readonly rule: string; readonly line: number }[]>

function put(path: string, lines: readonly string[]): void {
  const file = join(folder, 'src', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${lines.join('\n')}\n`)
}

function importOf(from: string, to: string, name: string): string {
  const relative = posix.relative(posix.dirname(from), to)
  return `import type { X as ${name} } from '${relative.startsWith('.') ? relative : `./${relative}`}'`
}

beforeAll(() => {
  copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
  for (const from of Object.keys(allowed))
    put(
      from,
      targets.map((to, index) => importOf(from, to, `X${index}`)),
    )
  put('format/impure.ts', [
    "import { readFileSync } from 'node:fs'",
    "import { z } from 'zod'",
    'export const now = Date.now()',
    'export const chance = Math.random()',
    'export const bytes = Buffer.from([1])',
    'export const id = crypto.randomUUID()',
  ])
  put('manager/loose.ts', ['export const loose: any = 1', 'export default 1'])
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--format', 'json', 'src'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const report: Report = JSON.parse(stdout)
  const entries = report.diagnostics.map(({ code, filename, labels }) => ({
    file: filename.replaceAll('\\', '/').replace(/^.*src\//, ''),
    rule: code,
    line: labels[0]?.span.line ?? 0,
  }))
  found = Map.groupBy(entries, (entry) => entry.file)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function linesOf(file: string, rule: string): readonly number[] {
  const lines = (found.get(file) ?? [])
    .filter((entry) => entry.rule.includes(rule))
    .map((entry) => entry.line)
  return [...new Set(lines)].toSorted((a, b) => a - b)
}

describe('import direction', () => {
  test.each(Object.entries(allowed))('%s imports what its room may, and nothing else', (from, may) => {
    const refused = new Set(linesOf(from, 'no-restricted-imports'))
    const passed = targets.filter((_, index) => !refused.has(index + 1))
    expect(passed).toEqual(targets.filter((target) => may.includes(target)))
  })
})

describe('other rules', () => {
  test('format/ has no module of Node, no package, no clock, no randomness, no Buffer', () => {
    expect(linesOf('format/impure.ts', 'no-restricted-imports')).toEqual([1, 2])
    const globals = [...linesOf('format/impure.ts', 'no-restricted-globals')]
    expect(globals).toEqual(expect.arrayContaining([5, 6]))
    expect(linesOf('format/impure.ts', 'no-restricted-properties')).toEqual([3, 4])
  })

  test('no any, no default export', () => {
    expect(linesOf('manager/loose.ts', 'no-explicit-any')).toEqual([1])
    expect(linesOf('manager/loose.ts', 'no-default-export')).toEqual([2])
  })
})
