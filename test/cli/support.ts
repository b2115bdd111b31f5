/** The real command in a child process, in a folder with a catalog of its own. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { IcebergTableManager, t, table } from '../../src/index.ts'
import { temporaryFolder } from '../support/folders.ts'
import {
  NODE,
  startCommand,
  type ProcessResult,
  type RunningProcess,
  type StartOptions,
} from '../support/processes.ts'

export const BIN = fileURLToPath(new URL('../../src/cli/bin.ts', import.meta.url))

/** What the command gets from its surroundings: nothing of the machine's own configuration. */
const CLEAN = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(FLOEBERG|PYICEBERG)_|^(NO_COLOR|FORCE_COLOR)$/.test(name),
  ),
)

export interface Workspace {
  readonly folder: string
  /** Environment of every command here. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Runs `floeberg …args` to its end. */
  run(args: readonly string[], options?: StartOptions & { readonly stdin?: string }): Promise<ProcessResult>
  /** As `run`, for what must succeed; answers standard output, with ids, times and folders replaced. */
  ok(...args: readonly string[]): Promise<string>
  /** As `run`, for what must fail; answers standard error, and the status in front of it. */
  fails(...args: readonly string[]): Promise<string>
  /** Runs to its end and parses its one JSON document. */
  json(...args: readonly string[]): Promise<unknown>
  start(args: readonly string[], options?: StartOptions): RunningProcess
  /** The same catalog through the library: quicker than a process for each step of a set-up. */
  manage(work: (manager: IcebergTableManager) => Promise<void>): Promise<void>
  write(name: string, text: string): Promise<string>
}

/** A folder with a `floeberg.yaml` that names a SQLite catalog in it, gone after the test. */
export async function workspace(): Promise<Workspace> {
  const folder = await temporaryFolder()
  // Neither the home folder's files nor the system's scratch folder are looked at.
  const env = { ...CLEAN, HOME: folder, TMPDIR: folder }
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, text)
    return path
  }
  await write(
    'floeberg.yaml',
    `catalog:\n  default:\n    uri: sqlite:///catalog.db\n    warehouse: warehouse\nengine: {threads: 1}\n`,
  )
  const start: Workspace['start'] = (args, options = {}) =>
    startCommand([NODE, BIN, ...args], { cwd: folder, env, ...options })
  const run: Workspace['run'] = (args, { stdin = '', ...options } = {}) => {
    const child = start(args, options)
    child.end(stdin)
    return child.result
  }
  const ok: Workspace['ok'] = async (...args) => {
    const result = await run(args)
    if (result.exitCode !== 0)
      throw new Error(`${args.join(' ')} ended with ${result.exitCode}: ${result.stderr}`)
    return steady(result.stdout, folder)
  }
  return {
    folder,
    env,
    run,
    ok,
    async fails(...args) {
      const result = await run(args)
      if (result.stdout !== '') throw new Error(`${args.join(' ')} printed: ${result.stdout}`)
      return `${result.exitCode} ${steady(result.stderr, folder)}`
    },
    async json(...args) {
      const { stdout, stderr } = await run([...args, '--output', 'json'])
      if (stdout === '') throw new Error(`${args.join(' ')} printed nothing: ${stderr}`)
      return JSON.parse(stdout) as unknown
    },
    start,
    async manage(use) {
      const uri = `sqlite:///${join(folder, 'catalog.db')}`
      const manager = await IcebergTableManager.open({
        catalog: { uri, warehouse: join(folder, 'warehouse') },
        configFile: null,
        engine: { threads: 1 },
        scratchDir: join(folder, 'scratch'),
      })
      try {
        await use(manager)
      } finally {
        await manager.close()
      }
    },
    write,
  }
}

/** Output without what differs from run to run. */
export function steady(text: string, folder: string): string {
  return (
    text
      .replaceAll(folder, 'FOLDER')
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME')
      .replaceAll(/(?<=\/\w+)-[0-9a-f]{8}(?=\/|\s)/g, '-HEX')
      // Ids are random: one of a million has fewer digits.
      .replaceAll(/(?<!default )\b\d{14,19}\b/g, 'ID')
      .replaceAll(/\b[\d.]+ k?B\b/g, 'SIZE')
      .replaceAll(/ +(?=SIZE|ID|TIME)/g, ' ')
      .replaceAll(/(?<=SIZE|ID|TIME) +/g, ' ')
  )
}

/** The sales that most tests use: three rows, two months. */
export const SALES = `id,name,price,day
1,Ann,19.90,2020-01-31
2,"Bob ""B""",5.00,2020-02-01
3,,0.10,2020-02-29
`

/** The columns of {@link SALES} as a document for `create --schema`. */
export const SALES_SCHEMA = JSON.stringify({
  fields: [
    { name: 'id', type: 'long', required: true },
    { name: 'name', type: 'string' },
    { name: 'price', type: 'decimal(9, 2)' },
    { name: 'day', type: 'date' },
  ],
})

/** A workspace with `demo.sales`, partitioned by month, with three rows. */
export async function salesWorkspace(): Promise<Workspace> {
  const work = await workspace()
  const csv = await work.write('sales.csv', SALES)
  await work.write('sales.schema.json', SALES_SCHEMA)
  await work.manage(async (manager) => {
    const sales = await manager.createTable(
      {
        namespace: 'demo',
        name: 'sales',
        schema: table({ id: t.long().required(), name: t.string(), price: t.decimal(9, 2), day: t.date() }),
        partitionSpec: [{ source: 'day', transform: 'month' }],
      },
      { createNamespace: true },
    )
    await manager.writeData(sales, { csv })
  })
  return work
}
