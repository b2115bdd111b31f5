/** `floeberg namespace …` */
import { Command } from 'commander'
import { collect, withCommonOptions, withManager, type Context } from '../command-run.ts'
import { UsageError } from '../failure.ts'
import { parseAssignments, parseNamespace } from '../field-syntax.ts'
import type { Runner } from '../runner.ts'
import { namespacesBelow } from '../walk.ts'
import { printProperties } from './properties.ts'

export function namespaceCommand(run: Runner): Command {
  const list = new Command('list')
    .description('list namespaces, with those inside them')
    .argument('[parent]', 'only those below it')
    .action(run(listNamespaces))
  const create = new Command('create')
    .description('create a namespace, and its parents')
    .argument('<namespace>', 'demo, or demo.raw')
    .option('--property <key=value>', 'may be repeated', collect)
    .action(run(createNamespace))
  const describe = new Command('describe')
    .description("show a namespace's properties")
    .argument('<namespace>')
    .action(run(describeNamespace))
  const set = new Command('set')
    .description('set and remove properties of a namespace')
    .argument('<namespace>')
    .argument('[key=value...]')
    .option('--remove <key>', 'may be repeated', collect)
    .action(run(setProperties))
  const drop = new Command('drop')
    .description('drop a namespace that is empty')
    .argument('<namespace>')
    .action(run(dropNamespace))
  return new Command('namespace')
    .description('list, create, change and drop namespaces')
    .addCommand(withCommonOptions(list, 'floeberg namespace list'))
    .addCommand(withCommonOptions(create, 'floeberg namespace create demo --property owner=docs'))
    .addCommand(withCommonOptions(describe, 'floeberg namespace describe demo'))
    .addCommand(withCommonOptions(set, 'floeberg namespace set demo owner=me --remove old'))
    .addCommand(withCommonOptions(drop, 'floeberg namespace drop demo'))
}

async function listNamespaces(context: Context, parent: string | undefined): Promise<void> {
  const root = parent === undefined ? undefined : parseNamespace(parent)
  const found: string[] = []
  await withManager(context, 'read', async (manager) => {
    for await (const levels of namespacesBelow(manager, root, context.terminal.signal)) {
      if (levels !== root) found.push(levels.join('.'))
    }
  })
  await context.output.list(
    [{ name: 'namespace' }],
    found.map((namespace) => ({ namespace })),
  )
}

interface CreateOptions {
  readonly property?: readonly string[]
}

async function createNamespace(context: Context, name: string, options: CreateOptions): Promise<void> {
  const properties = parseAssignments(options.property ?? [])
  await withManager(context, 'read', (manager) =>
    manager.createNamespace(parseNamespace(name), properties, { signal: context.terminal.signal }),
  )
  await done(context, name, 'Created')
}

async function describeNamespace(context: Context, name: string): Promise<void> {
  const properties = await withManager(context, 'read', (manager) =>
    manager.loadNamespace(parseNamespace(name), { signal: context.terminal.signal }),
  )
  await printProperties(context.output, properties)
}

interface SetOptions {
  readonly remove?: readonly string[]
}

async function setProperties(
  context: Context,
  name: string,
  pairs: readonly string[],
  options: SetOptions,
): Promise<void> {
  const changes = { set: parseAssignments(pairs), remove: options.remove ?? [] }
  if (pairs.length === 0 && changes.remove.length === 0) {
    throw new UsageError('there is nothing to set', 'Give key=value, or --remove key.')
  }
  const levels = parseNamespace(name)
  const { signal } = context.terminal
  const properties = await withManager(context, 'read', async (manager) => {
    await manager.updateNamespace(levels, changes, { signal })
    return manager.loadNamespace(levels, { signal })
  })
  await printProperties(context.output, properties)
}

async function dropNamespace(context: Context, name: string): Promise<void> {
  await withManager(context, 'read', (manager) =>
    manager.dropNamespace(parseNamespace(name), { signal: context.terminal.signal }),
  )
  await done(context, name, 'Dropped')
}

async function done({ output }: Context, namespace: string, what: string): Promise<void> {
  if (output.format === 'table') await output.text(`${what} namespace ${namespace}`)
  else await output.record([{ name: 'namespace' }], { namespace })
}
