/** All commands. */
import { Command } from 'commander'
import { ENGINE_VERSION } from '../version.ts'
import { addFilesCommand } from './commands/add-files.ts'
import { deleteCommand, updateCommand } from './commands/change-rows.ts'
import { compactCommand } from './commands/compact.ts'
import { configCommand, versionCommand } from './commands/config.ts'
import { createCommand } from './commands/create.ts'
import { describeCommand } from './commands/describe.ts'
import {
  filesCommand,
  historyCommand,
  manifestsCommand,
  partitionsCommand,
  refsCommand,
  snapshotsCommand,
} from './commands/inspect.ts'
import { evolveCommand } from './commands/evolve.ts'
import { executeCommand } from './commands/execute.ts'
import { expireCommand } from './commands/expire.ts'
import { exportCommand } from './commands/export.ts'
import { partitionSpecCommand, sortOrderCommand } from './commands/layout.ts'
import { listCommand } from './commands/list.ts'
import {
  cherryPickCommand,
  fastForwardCommand,
  publishCommand,
  rollbackCommand,
  setCurrentCommand,
} from './commands/moves.ts'
import { namespaceCommand } from './commands/namespaces.ts'
import { orphansCommand } from './commands/orphans.ts'
import { propertiesCommand } from './commands/properties.ts'
import { branchCommand, tagCommand } from './commands/refs.ts'
import { relocateCommand } from './commands/relocate.ts'
import { repairCommand } from './commands/repair.ts'
import { rewriteManifestsCommand, rewritePositionDeletesCommand } from './commands/rewrite.ts'
import { scanCommand } from './commands/scan.ts'
import { schemaCommand } from './commands/schema.ts'
import { sqlCommand } from './commands/sql.ts'
import { dropCommand, registerCommand, renameCommand } from './commands/tables.ts'
import { transactionCommand } from './commands/transaction.ts'
import { overwriteCommand, upsertCommand, writeCommand } from './commands/write.ts'
import type { Runner } from './runner.ts'
import type { Terminal } from './terminal.ts'

/** One function a command, in the order of the help. */
const COMMANDS = [
  listCommand,
  describeCommand,
  schemaCommand,
  createCommand,
  writeCommand,
  overwriteCommand,
  upsertCommand,
  updateCommand,
  deleteCommand,
  transactionCommand,
  addFilesCommand,
  scanCommand,
  sqlCommand,
  exportCommand,
  snapshotsCommand,
  historyCommand,
  refsCommand,
  filesCommand,
  manifestsCommand,
  partitionsCommand,
  tagCommand,
  branchCommand,
  rollbackCommand,
  setCurrentCommand,
  fastForwardCommand,
  cherryPickCommand,
  publishCommand,
  evolveCommand,
  partitionSpecCommand,
  sortOrderCommand,
  propertiesCommand,
  expireCommand,
  compactCommand,
  rewriteManifestsCommand,
  rewritePositionDeletesCommand,
  orphansCommand,
  repairCommand,
  relocateCommand,
  executeCommand,
  renameCommand,
  registerCommand,
  dropCommand,
  namespaceCommand,
  configCommand,
  versionCommand,
] as const

/** The command line. Wrong use is thrown as CommanderError, and nothing ends the process. */
export function createProgram(run: Runner, terminal: Terminal): Command {
  const program = new Command('floeberg')
    .description('Apache Iceberg tables from the command line')
    .version(ENGINE_VERSION, '--version', 'print the version')
    .addHelpText(
      'after',
      '\nCatalogs are named in floeberg.yaml or .pyiceberg.yaml, or given by --catalog-uri and --warehouse.',
    )
  for (const command of COMMANDS) program.addCommand(command(run))
  prepare(program, terminal)
  return program
}

function prepare(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => void terminal.write(text),
    writeErr: (text) => terminal.note(text),
    // It is thrown as well, and printed in one place with all other errors.
    outputError: () => undefined,
  })
  for (const child of command.commands) prepare(child, terminal)
}
