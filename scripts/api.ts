/**
 * Keeps the declared API in golden files, one per public entry of package.json, under api/.
 *
 *     node scripts/api.ts            fails when the API differs from api/, or an export has no doc comment
 *     node scripts/api.ts --update   writes api/ anew
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import type { IConfigFile } from '@microsoft/api-extractor'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const goldenFolder = join(root, 'api')
const workFolder = join(root, '.cache', 'api')
const declarationFolder = join(workFolder, 'declarations')

interface Entry {
  /** As users import it: `floeberg/catalog`. */
  readonly specifier: string
  /** Of its golden file and its report: `catalog`. */
  readonly name: string
  /** Below src/, without extension: `catalog/index`. */
  readonly module: string
}

/** The entries of package.json that are code. */
function publicEntries(): readonly Entry[] {
  const manifest: { name: string; exports: Record<string, string | { types: string }> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  return Object.entries(manifest.exports).flatMap(([path, target]) => {
    if (typeof target === 'string') return []
    const name = path === '.' ? manifest.name : path.slice(2).replaceAll('/', '-')
    const module = target.types.replace(/^\.\/dist\//, '').replace(/\.d\.ts$/, '')
    return [{ specifier: join(manifest.name, path), name, module }]
  })
}

function emitDeclarations(): void {
  rmSync(workFolder, { recursive: true, force: true })
  mkdirSync(workFolder, { recursive: true })
  const options = ['--emitDeclarationOnly', '--sourceMap', 'false', '--outDir', declarationFolder]
  const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json', ...options], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(1)
}

function extractorConfig(entry: Entry): ExtractorConfig {
  const none = { default: { logLevel: ExtractorLogLevel.None } }
  // A type that users meet but cannot name shows in the golden file.
  const forgotten = { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true }
  const mainEntryPointFilePath = join(declarationFolder, `${entry.module}.d.ts`)
  const configObject: IConfigFile = {
    projectFolder: root,
    mainEntryPointFilePath,
    newlineKind: 'lf',
    compiler: {
      overrideTsconfig: {
        compilerOptions: {
          target: 'ES2023',
          lib: ['ES2024', 'ESNext.Disposable'],
          module: 'NodeNext',
          moduleResolution: 'NodeNext',
          types: ['node'],
          strict: true,
          skipLibCheck: true,
        },
        files: [mainEntryPointFilePath],
      },
    },
    apiReport: {
      enabled: true,
      reportFolder: workFolder,
      reportTempFolder: join(workFolder, 'reports'),
      reportFileName: `${entry.name}.api.md`,
      // Else the members of a base class that is not exported would not show.
      includeForgottenExports: true,
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      compilerMessageReporting: none,
      extractorMessageReporting: { ...none, 'ae-forgotten-export': forgotten },
      tsdocMessageReporting: none,
    },
  }
  return ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  })
}

/** The report of one entry: every exported declaration, sorted by name, without its comment. */
function extract(entry: Entry): string {
  Extractor.invoke(extractorConfig(entry), {
    localBuild: true,
    messageCallback: (message) => {
      // Differences are ours to report: see `problemsOf`.
      if (message.messageId.startsWith('console-')) message.handled = true
    },
  })
  const report = readFileSync(join(workFolder, 'reports', `${entry.name}.api.md`), 'utf8')
  return report
    .replace(/^## API Report File for .*$/m, `## What \`${entry.specifier}\` exports`)
    .replaceAll(/^\/\/ \.cache\/api\/declarations\/(.*?):\d+:\d+ - /gm, '// $1 - ')
}

/** Names of the exported items that carry no doc comment. Members may speak for themselves. */
function undocumented(report: string): readonly string[] {
  const pattern =
    /^\/\/ @public.*\(undocumented\)\n(?:@[^\n]*\n)?export (?:declare |abstract |default )*\w+ (\w+)/gm
  return [...report.matchAll(pattern)].map((match) => match[1] ?? '')
}

function goldenFile(entry: Entry): string {
  return join(goldenFolder, `${entry.name}.api.md`)
}

function problemsOf(entry: Entry, report: string): readonly string[] {
  const missing = undocumented(report).map((name) => `${entry.specifier}: \`${name}\` has no doc comment`)
  const golden = existsSync(goldenFile(entry)) ? readFileSync(goldenFile(entry), 'utf8') : ''
  if (golden === report) return missing
  return [
    ...missing,
    `${entry.specifier}: the API differs from api/${entry.name}.api.md${firstChange(golden, report)}`,
  ]
}

function firstChange(golden: string, report: string): string {
  const before = new Set(golden.split('\n'))
  const after = new Set(report.split('\n'))
  const removed = [...before].filter((line) => !after.has(line)).map((line) => `    - ${line}`)
  const added = [...after].filter((line) => !before.has(line)).map((line) => `    + ${line}`)
  const lines = [...removed, ...added]
  const more = lines.length > 12 ? [`    … and ${lines.length - 12} lines more`] : []
  return ['', ...lines.slice(0, 12), ...more].join('\n')
}

function staleGoldenFiles(entries: readonly Entry[]): readonly string[] {
  const known = new Set(entries.map((entry) => `${entry.name}.api.md`))
  return readdirSync(goldenFolder).filter((file) => file.endsWith('.api.md') && !known.has(file))
}

function main(update: boolean): void {
  const entries = publicEntries()
  emitDeclarations()
  mkdirSync(goldenFolder, { recursive: true })
  const problems = entries.flatMap((entry) => {
    const report = extract(entry)
    if (update) writeFileSync(goldenFile(entry), report)
    return problemsOf(entry, report)
  })
  for (const file of staleGoldenFiles(entries)) {
    if (update) rmSync(join(goldenFolder, file))
    else problems.push(`api/${file} belongs to no entry of package.json`)
  }
  if (problems.length === 0) return
  console.error(`${problems.join('\n')}\n\nIf the change is meant: npm run api:update`)
  process.exitCode = 1
}

main(process.argv.includes('--update'))
