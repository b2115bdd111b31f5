/** Surroundings that a test makes up: folders on the disk, and variables. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { processSurroundings, type Surroundings } from '../../src/manager/config.ts'

/** Folders `home`, `work` and `elsewhere` with these files; gone when the test is over. */
export function surroundings(
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Surroundings & { readonly root: string } {
  const root = mkdtempSync(join(tmpdir(), 'floeberg-config-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return {
    root,
    // `$ROOT` in a variable is the folder that was made.
    env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value.replace('$ROOT', root)])),
    workingFolder: join(root, 'work'),
    homeFolder: join(root, 'home'),
    readText: processSurroundings().readText,
  }
}
