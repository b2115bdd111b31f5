/**
 * Packs the project as npm would publish it and tries it the way a user would: in an empty project,
 * by `import` and by `require`, with its types and its command, on every Node.js line we support.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The oldest we support, and the line that is developed on. */
const nodeVersions = ['22.13.1', '24']

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const workFolder = join(root, '.cache', 'package')
const manifest: { name: string; version: string; exports: Record<string, string | object> } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)
const specifiers = Object.entries(manifest.exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([path]) => join(manifest.name, path))

function run(folder: string, command: string, args: readonly string[]): string {
  return execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

function pack(): string {
  rmSync(workFolder, { recursive: true, force: true })
  mkdirSync(workFolder, { recursive: true })
  run(root, 'npm', ['pack', '--silent', '--pack-destination', workFolder])
  return join(workFolder, `${manifest.name}-${manifest.version}.tgz`)
}

/** What a program using the package looks like: it names something of every entry. */
function writePrograms(folder: string): void {
  const imports = specifiers.map((specifier, index) => `import * as entry${index} from '${specifier}'`)
  const sum = specifiers.map((_, index) => `Object.keys(entry${index}).length`).join(' + ')
  writeFileSync(join(folder, 'by-import.mjs'), `${imports.join('\n')}\nconsole.log(${sum})\n`)
  writeFileSync(join(folder, 'by-types.mts'), `${imports.join('\n')}\nexport const count: number = ${sum}\n`)
  const requires = specifiers.map((specifier) => `Object.keys(require('${specifier}')).length`)
  writeFileSync(join(folder, 'by-require.cjs'), `console.log(${requires.join(' + ')})\n`)
}

/** The README's own program, which is JavaScript too: creates, writes, reads, travels in time. */
function checkReadme(folder: string): void {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
  writeFileSync(join(folder, 'readme.mjs'), blocks.join('\n'))
  const printed = run(folder, join(folder, 'node_modules/.bin/node'), ['--no-warnings', 'readme.mjs'])
  if (!/^append .* 6$/m.test(printed)) throw new Error(`the README's program prints:\n${printed}`)
}

/** The types must hold for a strict user who checks libraries too. */
function checkTypes(folder: string): void {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'ES2023',
    lib: ['ES2024', 'ESNext.Disposable'],
    module: 'NodeNext',
    types: ['node'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['by-types.mts'] }))
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], {
    cwd: folder,
    encoding: 'utf8',
  })
  // What other packages' own types get wrong is theirs.
  const ours = stdout.split('\n').filter((line) => /^(by-types|node_modules\/floeberg\/)/.test(line))
  if (ours.length > 0) throw new Error(`the types do not hold:\n${ours.join('\n')}`)
}

/** `import` and `require` must give the same names, on a Node of that version. */
function checkProgram(folder: string): string {
  const node = join(folder, 'node_modules/.bin/node')
  const imported = run(folder, node, ['by-import.mjs']).trim()
  const required = run(folder, node, ['by-require.cjs']).trim()
  if (imported !== required || Number(imported) === 0) {
    throw new Error(`import gives ${imported} names, require ${required}`)
  }
  const help = run(folder, 'npm', ['exec', '--', manifest.name, '--help'])
  if (!help.includes(`Usage: ${manifest.name}`)) throw new Error(`${manifest.name} --help says: ${help}`)
  return run(folder, node, ['--version']).trim()
}

/** Optional packages are optional: none may have come along. */
function checkNothingExtra(folder: string): void {
  const optional = ['apache-arrow', 'typescript', '@aws-sdk', '@azure', '@google-cloud']
  const installed = new Set(readdirSync(join(folder, 'node_modules')))
  const extra = optional.filter((name) => installed.has(name))
  if (extra.length > 0) throw new Error(`installed along with the package: ${extra.join(', ')}`)
}

function tryIn(nodeVersion: string, tarball: string): void {
  const folder = join(workFolder, `node-${nodeVersion}`)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }\n')
  const packages = [tarball, `node@${nodeVersion}`]
  run(folder, 'npm', ['install', '--silent', '--no-audit', '--no-fund', ...packages])
  checkNothingExtra(folder)
  writePrograms(folder)
  const version = checkProgram(folder)
  checkReadme(folder)
  console.log(`Node ${version}: import, require, the command and the README's program work`)
  cpSync(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'), { recursive: true })
  cpSync(join(root, 'node_modules/undici-types'), join(folder, 'node_modules/undici-types'), {
    recursive: true,
  })
  checkTypes(folder)
}

const tarball = pack()
for (const version of nodeVersions) tryIn(version, tarball)
