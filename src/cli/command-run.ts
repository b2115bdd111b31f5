/** What every command shares: its options, a terminal, an output, and a manager when it needs one. */
import { Option, type Command } from 'commander'
import type { IcebergTableManager } from '../compose.ts'
import type { ManagerConfig } from '../manager/config-schema.ts'
import { OUTPUT_FORMATS, type Output, type OutputFormat } from './output.ts'
import { UsageError } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** Options that say where the catalog is. */
export interface CatalogOptions {
  readonly catalog?: string
  readonly catalogUri?: string
  readonly warehouse?: string
  readonly config?: string
}

/** Options of every command. */
export interface CommonOptions extends CatalogOptions {
  readonly output: OutputFormat
  readonly verbose?: boolean
}

/** What an action works with. */
export interface Context {
  readonly terminal: Terminal
  readonly output: Output
  readonly options: CommonOptions
}

/** Whether a command changes tables: only then the warehouse must be one that can be written. */
export type Access = 'read' | 'write'

/** Adds the options of every command, and an example to its help. */
export function withCommonOptions(command: Command, example: string): Command {
  return command
    .addOption(
      new Option('-o, --output <format>', 'a table for people, or one document for programs')
        .choices(OUTPUT_FORMATS)
        .default('table'),
    )
    .option(
      '--catalog <name>',
      'a catalog of floeberg.yaml or .pyiceberg.yaml (default: the default one there)',
    )
    .option('--catalog-uri <uri>', 'a catalog that no file describes, such as sqlite:///catalog.db')
    .option('--warehouse <location>', 'folder or URI below which new tables go')
    .option('--config <file>', 'a floeberg.yaml elsewhere')
    .option('-v, --verbose', 'on failure, also say what was behind it')
    .addHelpText('after', `\nExample:\n${example.replaceAll(/^/gm, '  ')}`)
}

/** The configuration that the options ask for. */
export function managerConfig(options: CatalogOptions): ManagerConfig {
  const { catalog, catalogUri, warehouse, config } = options
  const place = warehouse === undefined ? {} : { warehouse }
  const file = config === undefined ? {} : { configFile: config }
  if (catalogUri !== undefined) {
    const name = catalog === undefined ? {} : { name: catalog }
    return { ...file, catalog: { ...name, uri: catalogUri, ...place } }
  }
  return {
    ...file,
    ...(catalog === undefined ? {} : { catalog }),
    ...(warehouse === undefined ? {} : { catalogProperties: place }),
  }
}

/** Opens a manager for as long as `work` takes. */
export async function withManager<T>(
  context: Context,
  access: Access,
  work: (manager: IcebergTableManager) => Promise<T>,
): Promise<T> {
  const { IcebergTableManager } = await import('../compose.ts')
  const manager = await IcebergTableManager.open(managerConfig(context.options), {
    verify: access,
    signal: context.terminal.signal,
  })
  try {
    return await work(manager)
  } finally {
    await manager.close()
  }
}

/** UsageError when more than one of them is given. */
export function refuseTogether(given: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(given).filter((name) => given[name] !== undefined && given[name] !== false)
  if (names.length > 1) throw new UsageError(`${names.join(' and ')} exclude each other`)
}

/** For options that may be repeated. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value]
}
