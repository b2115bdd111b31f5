/** The command line, from arguments to exit status. */
import { OperationAbortedError } from '../errors.ts'
import { arrangedArguments } from './arguments.ts'
import { exitStatusFor, failureText } from './failure.ts'
import { createProgram } from './program.ts'
import { createRunner } from './runner.ts'
import { exitStatusOf, isOutputGone, processTerminal, type Terminal } from './terminal.ts'

/** Runs the command line `floeberg …args`; the exit status is left in `process.exitCode`. */
export async function main(args: readonly string[]): Promise<void> {
  const terminal = processTerminal()
  let verbose = false
  const run = createRunner(terminal, (options) => {
    verbose = options.verbose === true
  })
  try {
    const program = createProgram(run, terminal)
    const names = ['help', ...program.commands.map((command) => command.name())]
    await program.parseAsync([...arrangedArguments(args, names)], { from: 'user' })
  } catch (error) {
    process.exitCode = report(terminal, error, verbose)
  } finally {
    terminal.release()
  }
}

function report(terminal: Terminal, error: unknown, verbose: boolean): number {
  const { stopped } = terminal
  // What broke off because nobody reads on is nothing to tell.
  if (stopped !== null && isOutputGone(stopped)) return exitStatusOf(stopped)
  terminal.note(failureText(error, { verbose }))
  return stopped !== null && error instanceof OperationAbortedError
    ? exitStatusOf(stopped)
    : exitStatusFor(error)
}
