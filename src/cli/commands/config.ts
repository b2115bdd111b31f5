/** `floeberg config` and `floeberg version`: what this command works with. */
import { Command } from 'commander'
import { loadConfig } from '../../manager/config.ts'
import { ENGINE_NAME, ENGINE_VERSION } from '../../version.ts'
import { managerConfig, withCommonOptions, type Context } from '../command-run.ts'
import type { Runner } from '../runner.ts'

export function configCommand(run: Runner): Command {
  const command = new Command('config')
    .description('show the settings and where each comes from; secrets are masked')
    .action(run(showConfig))
  return withCommonOptions(command, 'floeberg config --catalog prod')
}

async function showConfig({ output, options }: Context): Promise<void> {
  const loaded = await loadConfig(managerConfig(options))
  const columns = [{ name: 'key' }, { name: 'value' }, { name: 'origin' }]
  await output.list(
    columns,
    loaded.describe().map((entry) => ({ ...entry })),
  )
}

export function versionCommand(run: Runner): Command {
  const command = new Command('version')
    .description('versions of floeberg and of Node.js')
    .action(run(showVersion))
  return withCommonOptions(command, 'floeberg version --output json')
}

async function showVersion({ output }: Context): Promise<void> {
  const columns = [{ name: ENGINE_NAME }, { name: 'node' }, { name: 'platform' }]
  await output.record(columns, {
    [ENGINE_NAME]: ENGINE_VERSION,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  })
}
