/** Every code block of README.md and docs/ is run: what the documentation says works, works. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { claimsOf, instrumented, programOf, readPages, root, slugOf } from './pages.ts'
import type { Page } from './pages.ts'

const run = promisify(execFile)
const pages = readPages()
const programs = pages.filter((page) => page.blocks.some((block) => block.language === 'ts'))
const folder = join(root, '.cache', 'docs')
const scratch = mkdtempSync(join(tmpdir(), 'floeberg-docs-'))
mkdirSync(folder, { recursive: true })

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  rmSync(scratch, { recursive: true, force: true })
})

/** What the claims of a page printed, by line. */
async function runProgram(page: Page): Promise<ReadonlyMap<number, string>> {
  const path = join(folder, `${slugOf(page)}.run.ts`)
  writeFileSync(path, instrumented(programOf(page, '../../src/index.ts')))
  const cwd = join(scratch, slugOf(page))
  mkdirSync(cwd)
  const { stdout } = await run(process.execPath, ['--no-warnings', path], { cwd, encoding: 'utf8' })
  const parts = stdout.split(/^@(\d+) /m).slice(1)
  const printed = new Map<number, string>()
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const line = Number(parts[i])
    if (!printed.has(line)) printed.set(line, parts[i + 1] ?? '')
  }
  return printed
}

function withoutSpace(text: string): string {
  return text.replaceAll(/\s/g, '')
}

describe('TypeScript', () => {
  test('of every page compiles as a strict program', () => {
    for (const page of programs) {
      writeFileSync(join(folder, `${slugOf(page)}.ts`), programOf(page, '../../src/index.ts'))
    }
    const config = {
      extends: '../../tsconfig.json',
      compilerOptions: { rootDir: '../..', noUnusedLocals: false },
      include: ['*.ts'],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const { stdout } = spawnSync('npx', ['tsc', '-p', folder], { cwd: root, encoding: 'utf8' })
    expect(stdout.split('\n').filter((line) => line.startsWith('.cache/docs/'))).toEqual([])
  })

  test.each(programs.map((page) => [page.path, page] as const))(
    'of %s runs and prints what it claims',
    async (_, page) => {
      const printed = await runProgram(page)
      const claims = claimsOf(programOf(page, ''))
      for (const { line, comment } of claims) {
        const output = printed.get(line)
        expect(output, comment).toBeDefined()
        expect(withoutSpace(comment).startsWith(withoutSpace(output ?? '')), `${comment} <- ${output}`).toBe(
          true,
        )
      }
    },
  )
})

describe('commands', () => {
  const commands = pages.flatMap((page) =>
    page.blocks
      .filter((block) => block.language === 'sh')
      .flatMap((block) =>
        block.code
          .trim()
          .split('\n')
          .map((command) => [page.path, command] as const),
      ),
  )

  test('of the README’s first screen are what CI runs on a clean clone', () => {
    const ci = readFileSync(join(root, '.ci/run'), 'utf8')
    const npm = commands.filter(([, command]) => command.startsWith('npm '))
    const steps = npm.flatMap(([, command]) => command.split(' && '))
    expect(steps.filter((step) => !ci.includes(step))).toEqual([])
    expect(steps).toContain('npm run quickstart')
  })
})

describe('shell', () => {
  const shellPages = pages.filter((page) => page.path !== 'README.md' && shellOf(page) !== '')

  test.each(shellPages.map((page) => [page.path, page] as const))(
    'of %s runs, from first to last',
    async (_, page) => {
      const cwd = join(scratch, `${slugOf(page)}-shell`)
      const bin = join(scratch, 'bin')
      mkdirSync(cwd)
      mkdirSync(bin, { recursive: true })
      const command = `#!/bin/sh\nexec '${process.execPath}' --no-warnings '${join(root, 'src/cli/bin.ts')}' "$@"\n`
      writeFileSync(join(bin, 'floeberg'), command, { mode: 0o755 })
      const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: cwd }
      // Each command is shown before it runs, so that a failure says which.
      const { stderr } = await run('bash', ['-euxo', 'pipefail', '-c', shellOf(page)], {
        cwd,
        env,
        encoding: 'utf8',
      })
      expect(stderr.split('\n').filter((line) => /FLOEBERG_|error/i.test(line))).toEqual([])
    },
    // Two dozen processes, each with an engine of its own.
    300_000,
  )
})

function shellOf(page: Page): string {
  return page.blocks
    .filter((block) => block.language === 'sh')
    .map((block) => block.code)
    .join('\n')
}

describe('other languages', () => {
  test('are those that a test somewhere looks at', () => {
    const languages = new Set(pages.flatMap((page) => page.blocks.map((block) => block.language)))
    // python and properties: test/interop/docs.test.ts; yaml: configuration.test.ts.
    const looked = ['ts', 'sh', 'python', 'properties', 'yaml']
    expect([...languages].filter((name) => !looked.includes(name))).toEqual([])
  })
})
