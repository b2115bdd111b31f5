/** The process's streams: what is written where, who is watching, and what stops the command. */
import { once } from 'node:events'

/** What the commands know of the outside. */
export interface Terminal {
  /** Standard output. Fulfils when more may be written. */
  write(text: string): Promise<void>
  /** Standard error, for messages to people. */
  note(text: string): void
  /** Both ends are a person: questions can be asked. */
  readonly isInteractive: boolean
  /** Columns of the screen; null where nobody watches. */
  readonly width: number | null
  /** The same for standard error. */
  readonly errorWidth: number | null
  /** Whether to colour what is written to standard output. */
  readonly hasColor: boolean
  /** Fires on SIGINT and SIGTERM, and when whoever read our output has gone. */
  readonly signal: AbortSignal
  /** Why `signal` fired. */
  readonly stopped: Stop | null
  /** Takes our listeners off the process again. */
  release(): void
}

/** What stopped a command: a signal, a reader that closed the pipe, or a full disk behind it. */
export type Stop = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'closed pipe' | 'broken output'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const DEFAULT_WIDTH = 80

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdout, stderr, stdin } = process
  const controller = new AbortController()
  let stopped: Stop | null = null
  const stop = (reason: Stop): void => {
    stopped ??= reason
    controller.abort()
  }
  const listeners = SIGNALS.map((name) => {
    const listener = (): void => {
      // Asked twice: whoever asks does not want to wait for the end of what is under way.
      if (stopped !== null && !isOutputGone(stopped)) process.exit(exitStatusOf(name))
      stop(name)
    }
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  const onError = (error: Error): void => {
    const code = 'code' in error ? String(error.code) : error.name
    // `floeberg scan … | head` is no failure.
    if (code === 'EPIPE') return stop('closed pipe')
    // It may come after the command has ended: this is the last place to tell it.
    if (stopped !== 'broken output') {
      stderr.write(`error FLOEBERG_OUTPUT: standard output cannot be written (${code})\n`)
      process.exitCode = exitStatusOf('broken output')
    }
    stop('broken output')
  }
  stdout.on('error', onError)
  // Messages that nobody can read are no reason to stop.
  stderr.on('error', () => undefined)

  return {
    async write(text) {
      if (isOutputGone(stopped) || stdout.write(text)) return
      try {
        await once(stdout, 'drain', { signal: controller.signal })
      } catch {
        // The reader is gone, or we were stopped: `signal` tells those who go on writing.
      }
    },
    note: (text) => void stderr.write(text),
    isInteractive: isTty(stdin) && isTty(stderr),
    get width() {
      return isTty(stdout) ? stdout.columns || DEFAULT_WIDTH : null
    },
    get errorWidth() {
      return isTty(stderr) ? stderr.columns || DEFAULT_WIDTH : null
    },
    hasColor: isTty(stdout) && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
    signal: controller.signal,
    get stopped() {
      return stopped
    },
    release: () => listeners.forEach((off) => off()),
  }
}

/** Node leaves the property out where there is no terminal. */
function isTty(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true
}

/** Nothing more can be printed. */
export function isOutputGone(stop: Stop | null): boolean {
  return stop === 'closed pipe' || stop === 'broken output'
}

/** The exit status by which a shell knows the signal. */
export function exitStatusOf(stop: Stop): number {
  switch (stop) {
    case 'SIGHUP':
      return 129
    case 'SIGINT':
      return 130
    case 'SIGTERM':
      return 143
    case 'closed pipe':
      return 0
    case 'broken output':
      return 1
  }
}
