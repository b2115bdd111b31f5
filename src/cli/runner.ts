/** From commander's call of an action to ours, with a terminal and an output. */
import type { Command } from 'commander'
import type { CommonOptions, Context } from './command-run.ts'
import { Output } from './output.ts'
import type { Terminal } from './terminal.ts'

/** Makes commander's action of one of ours. */
export type Runner = <A extends readonly unknown[]>(
  action: (context: Context, ...given: A) => Promise<void>,
) => (...given: [...A, Command]) => Promise<void>

/** `onStart` is told the options that were given, also when the action fails. */
export function createRunner(terminal: Terminal, onStart: (options: CommonOptions) => void): Runner {
  return <A extends readonly unknown[]>(action: (context: Context, ...given: A) => Promise<void>) =>
    async (...given: [...A, Command]) => {
      // Commander passes what the command declares (arguments, options), and the command itself last.
      const command = given.at(-1) as Command
      const own = given.slice(0, -1) as unknown as A
      const options = command.opts<CommonOptions>()
      onStart(options)
      await action({ terminal, output: new Output(options.output, terminal), options }, ...own)
    }
}
