/** Puts arguments in the order that the commands read them in. */

/** Options of every command, and whether a value follows. */
const SHARED_OPTIONS: ReadonlyMap<string, boolean> = new Map([
  ['-o', true],
  ['--output', true],
  ['--catalog', true],
  ['--catalog-uri', true],
  ['--warehouse', true],
  ['--config', true],
  ['-v', false],
  ['--verbose', false],
])

/**
 * Options of every command may stand before it as well. A word that is no command is all that is left,
 * so that asking for its help is answered by what is wrong with it, not by the help of something else.
 */
export function arrangedArguments(args: readonly string[], commands: readonly string[]): readonly string[] {
  const leading = countLeading(args)
  const [command, ...rest] = args.slice(leading)
  if (command === undefined || command.startsWith('-')) return args
  if (!commands.includes(command)) return [command]
  const end = rest.indexOf('--')
  const at = end === -1 ? rest.length : end
  return [command, ...rest.slice(0, at), ...args.slice(0, leading), ...rest.slice(at)]
}

/** How many arguments before the command are options of every command, and their values. */
function countLeading(args: readonly string[]): number {
  let at = 0
  for (;;) {
    const [name = '', value] = (args[at] ?? '').split(/=(.*)/s)
    const takesValue = SHARED_OPTIONS.get(name)
    if (takesValue === undefined) return at
    at += takesValue && value === undefined ? 2 : 1
  }
}
