/**
 * The manager's behaviour over injected plugins in memory, in a process that may use the disk for
 * the data plane's scratch folder alone, and no network: whatever reaches past the plugins fails.
 */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { NODE, startCommand } from '../support/processes.ts'
import { MANAGER_CASES } from './suite/run.ts'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))

/** How each case ended: null, or what it failed with. */
async function runAll(): Promise<ReadonlyMap<string, string | null>> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'floeberg-no-disk-')))
  const [root, outside] = [join(folder, 'root'), join(folder, 'outside')]
  await mkdir(root)
  await mkdir(outside)
  await writeFile(join(outside, 'secret'), '')
  const options = [
    '--permission',
    '--allow-addons',
    `--allow-fs-read=${REPOSITORY}`,
    `--allow-fs-read=${root}`,
    `--allow-fs-write=${root}`,
  ]
  const worker = fileURLToPath(new URL('./workers/no-disk.ts', import.meta.url))
  const { exitCode, stdout, stderr } = await startCommand([NODE, ...options, worker, root, outside]).result
  await rm(folder, { recursive: true })
  if (exitCode !== 0) throw new Error(`The child failed:\n${stderr}`)
  return new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ name, failure }) => [name, failure]),
  )
}

// One process for all: whichever test comes first starts it.
let ends: ReturnType<typeof runAll> | null = null

test.each(MANAGER_CASES)('$name', async ({ name }) => {
  ends ??= runAll()
  expect((await ends).get(name)).toBeNull()
})
