/** A metadata.json of 100 MB: what opening it costs in memory and time, and a commit onto it. */
import { execFileSync } from 'node:child_process'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bigDocument } from '../big-metadata.ts'
import { interleaved, type Figure } from '../figures.ts'
import type { World } from '../world.ts'

const CHILD = fileURLToPath(new URL('../open-metadata-child.ts', import.meta.url))

export interface OpenedMetadata {
  readonly openMs: number
  /** Peak resident memory above that of the process before it read the file, in bytes. */
  readonly peakBytes: number
  /** Milliseconds of commits: changing and serialising, the first (nothing encoded yet) and later ones. */
  readonly commitMs: readonly number[]
}

export async function openMetadata(world: World): Promise<readonly Figure[]> {
  const file = join(world.folder, 'big.metadata.json')
  writeFileSync(file, bigDocument(world.amount(175_000, 2_000)))
  const { size } = statSync(file)
  const runs: OpenedMetadata[] = []
  const plain: OpenedMetadata[] = []
  await interleaved(world.rounds(5), {
    ours: async () => runs.push(opened('floeberg', file)),
    plain: async () => plain.push(opened('JSON.parse', file)),
  })
  rmSync(file)
  const what = `${(size / 1e6).toFixed(0)} MB of metadata`
  const beside = (values: readonly number[]) => ({ name: 'JSON.parse', values })
  return [
    {
      name: `memory to open ${what}, by their size`,
      unit: '×',
      ours: runs.map((run) => run.peakBytes / size),
      beside: beside(plain.map((run) => run.peakBytes / size)),
      goal: { value: 5 },
    },
    {
      name: `opening ${what}`,
      unit: 'ms',
      ours: runs.map((run) => run.openMs),
      beside: beside(plain.map((run) => run.openMs)),
      goal: null,
    },
    {
      name: 'the next document after it, made and encoded',
      unit: 'ms',
      ours: runs.map((run) => run.commitMs.at(-1) ?? Number.NaN),
      goal: null,
    },
  ]
}

function opened(way: string, file: string): OpenedMetadata {
  const measured: OpenedMetadata = JSON.parse(execFileSync(process.execPath, [CHILD, way, file]).toString())
  return measured
}
