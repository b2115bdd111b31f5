/** What is said when a command fails, and with which exit status. */
import { CommanderError } from 'commander'
import { FloebergError, OperationAbortedError } from '../errors.ts'
import { printable } from './cells.ts'

/** The command line is wrong, whatever the catalog holds. */
export class UsageError extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** Everything was shown, but not all of it was well: says so by the exit status alone. */
export class PartialFailure extends Error {}

export const EXIT_FAILURE = 1
export const EXIT_USAGE = 2

/** 2 for a wrong command line, 1 for everything else. */
export function exitStatusFor(error: unknown): number {
  // Commander also throws for `--help`, which is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE
}

/**
 * The lines for standard error; empty when nothing is left to say. One line with code, message and
 * hint; a filter that cannot be read is shown below it, with its place marked. `verbose` adds the
 * errors behind it, of ours alone: the text of an engine or a driver may quote data.
 */
export function failureText(error: unknown, options: { readonly verbose: boolean }): string {
  if (error instanceof PartialFailure) return ''
  if (error instanceof CommanderError) {
    // Help and version were printed already, also when they were not asked for.
    return error.exitCode === 0 || error.code === 'commander.help' ? '' : usageText(error)
  }
  if (error instanceof UsageError) return line('FLOEBERG_USAGE', error.message, error.hint)
  if (error instanceof OperationAbortedError) return line(error.code, 'stopped', undefined)
  const chain = options.verbose ? causes(error) : ''
  if (error instanceof FloebergError) return line(error.code, withPlace(error), error.hint) + chain
  const hint = options.verbose ? undefined : 'Run it again with --verbose, and tell us.'
  return line('FLOEBERG_INTERNAL', `this should not have happened: ${kindOf(error)}`, hint) + chain
}

/** Commander's sentence and its suggestion as one line. */
function usageText(error: CommanderError): string {
  const [message = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n')
  return line('FLOEBERG_USAGE', message, suggestion.replace(/^\(|\)$/g, '') || undefined)
}

function line(code: string, message: string, hint: string | undefined): string {
  // Lines below the first of a hint are an excerpt with a mark under it.
  const [first = '', ...excerpt] = (hint ?? '').split('\n')
  const isExcerpt = first.startsWith('  ')
  const said = first === '' || isExcerpt ? '' : ` (${printable(first)})`
  const shown = [...(isExcerpt ? [first] : []), ...excerpt].map((text) => `${printable(text)}\n`).join('')
  return `error ${code}: ${printable(message)}${said}\n${shown}`
}

/** The message, and the table and file that it is about where it does not name them itself. */
function withPlace(error: FloebergError): string {
  const places = [error.table, error.file].filter(
    (place): place is string => place !== undefined && !error.message.includes(place),
  )
  return places.length === 0 ? error.message : `${error.message} [${places.join(', ')}]`
}

function causes(error: unknown): string {
  let text = error instanceof FloebergError ? '' : frames(error)
  const seen = new Set([error])
  let cause = causeOf(error)
  while (cause !== undefined && !seen.has(cause)) {
    seen.add(cause)
    text +=
      cause instanceof FloebergError
        ? `  caused by ${cause.code}: ${printable(withPlace(cause))}\n`
        : `  caused by ${kindOf(cause)}\n`
    cause = causeOf(cause)
  }
  return text
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}

/** The class of an error that is not ours, and the system's code for it; never its text. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const code = 'code' in error && typeof error.code === 'string' && /^[A-Z0-9_]+$/.test(error.code)
  return code ? `${error.name} ${String(error.code)}` : error.name
}

/** Where it happened, without the message, which stands in front. */
function frames(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const lines = stack.split('\n').filter((text) => /^\s+at /.test(text))
  return lines.map((text) => `${text}\n`).join('')
}

/** The code of an error that is about one table of several. What ends the whole command is thrown on. */
export function brokenCode(error: unknown): string {
  if (!(error instanceof FloebergError) || error instanceof OperationAbortedError) throw error
  return error.code
}
