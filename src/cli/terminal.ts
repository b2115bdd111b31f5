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

/** What stopped a command: a signal, or a reader that closed the pipe. */
export type Stop = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'closed pipe'

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
      if (stopped !== null && stopped !== 'closed pipe') process.exit(exitStatusOf(name))
      stop(name)
    }
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  // `floeberg scan … | head` is no error, whichever of the two streams it closes.
  const onError = (error: Error): void => {
    if (!('code' in error && error.code === 'EPIPE')) throw error
    stop('closed pipe')
  }
  stdout.on('error', onError)
  stderr.on('error', onError)

  return {
    async write(text) {
      if (stopped === 'closed pipe' || stdout.write(text)) return
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
  }
}
