/**
 * The measurements: ours and others' side by side, in turns.
 *
 *     node bench/run.ts [--only appends,planning] [--runs 5] [--quick]
 *
 * `--quick` takes small amounts, to see that everything works; goals are not judged then. PyIceberg is
 * measured where scripts/setup-interop.sh has installed it. Prints a table, and writes everything
 * that was measured to bench/results/.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Figure } from './figures.ts'
import { items } from './items/index.ts'
import { tableOf } from './report.ts'
import { World } from './world.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    runs: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})

const wanted = values.only?.split(',') ?? Object.keys(items)
const unknown = wanted.filter((name) => !Object.hasOwn(items, name))
if (unknown.length > 0) {
  console.error(`No such item: ${unknown.join(', ')}. There are: ${Object.keys(items).join(', ')}`)
  process.exit(2)
}

const world = new World({
  quick: values.quick,
  runs: values.runs === undefined ? undefined : Number(values.runs),
})
const startLoad = loadavg()[0] ?? 0
const figures: Figure[] = []
try {
  if (world.pyiceberg === null)
    console.log('PyIceberg is not there (scripts/setup-interop.sh): ours alone.\n')
  for (const [name, item] of Object.entries(items)) {
    if (!wanted.includes(name)) continue
    const start = performance.now()
    const measured = await item(world)
    // Goals are for the whole amounts.
    const found = values.quick ? measured.map((figure) => ({ ...figure, goal: null })) : measured
    console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(0)} s\n${tableOf(found)}\n`)
    figures.push(...found)
  }
} finally {
  await world.close()
}

const machine = {
  node: process.version,
  cores: cpus().length,
  loadBefore: startLoad,
  loadAfter: loadavg()[0] ?? 0,
}
if (wanted.length > 1) console.log(`All together (medians, with the least and the most)\n${tableOf(figures)}`)
console.log(
  `\n${machine.cores} cores, load ${machine.loadBefore.toFixed(1)} before and ${machine.loadAfter.toFixed(1)} after`,
)
const folder = fileURLToPath(new URL('results/', import.meta.url))
mkdirSync(folder, { recursive: true })
const file = `${folder}${new Date().toISOString().replaceAll(':', '-')}.json`
writeFileSync(file, JSON.stringify({ machine, settings: world.settings, figures }, null, 2))
console.log(`Everything measured: ${file}`)
