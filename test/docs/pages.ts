/** The pages of the documentation and the code on them. */
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export interface CodeBlock {
  /** As after the three back-ticks: `ts`, `sh` … */
  readonly language: string
  readonly code: string
}

export interface Page {
  /** Relative to the repository. */
  readonly path: string
  readonly blocks: readonly CodeBlock[]
}

export function readPages(): readonly Page[] {
  const docs = readdirSync(join(root, 'docs'))
  const paths = [
    'README.md',
    ...docs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name)),
  ]
  return paths.map((path) => ({ path, blocks: codeBlocks(readFileSync(join(root, path), 'utf8')) }))
}

function codeBlocks(text: string): readonly CodeBlock[] {
  const fence = /^```(\S*)\n([\s\S]*?)^```$/gm
  return [...text.matchAll(fence)].map(([, language = '', code = '']) => ({ language, code }))
}

/** The TypeScript of a page as one program, with the package found in src/. */
export function programOf(page: Page, source: string): string {
  const code = page.blocks.filter((block) => block.language === 'ts').map((block) => block.code)
  return `${code.join('\n').replaceAll(/from 'floeberg'/g, `from '${source}'`)}\nexport {}\n`
}

/** `console.log(…) // what it prints`: line of the program, and the comment. */
export interface Claim {
  readonly line: number
  readonly comment: string
}

export function claimsOf(program: string): readonly Claim[] {
  return program.split('\n').flatMap((text, index) => {
    const comment = /console\.log\(.*\) \/\/ (.*)$/.exec(text)?.[1]
    return comment === undefined ? [] : [{ line: index + 1, comment }]
  })
}

/** The program, saying before everything it prints which line did. */
export function instrumented(program: string): string {
  const lines = program.split('\n')
  return lines.map((text, index) => text.replace('console.log(', `console.log('@${index + 1}', `)).join('\n')
}

export function slugOf(page: Page): string {
  return basename(page.path, '.md').toLowerCase()
}
