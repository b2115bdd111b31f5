/** Real child processes for races: each runs a TypeScript file under the repository's own Node.js. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** The repository's own Node.js. */
export const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))

export interface ProcessResult {
  /** null when a signal ended it. */
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningProcess {
  /** Fulfils when the child has written this line to its standard output. */
  said(line: string): Promise<void>
  /** Writes a line to the child's standard input. */
  tell(line: string): void
  /** Ends the child's standard input, after a last piece of text. */
  end(text?: string): void
  /** Default: SIGKILL. */
  kill(signal?: NodeJS.Signals): void
  readonly result: Promise<ProcessResult>
}

/**
 * Starts `test/…/worker.ts` (a URL, as `new URL('./worker.ts', import.meta.url)`) with arguments;
 * `through` is a command that runs the one that follows it, as `unshare -m` does.
 */
export function startProcess(
  worker: URL,
  args: readonly string[],
  through: readonly string[] = [],
): RunningProcess {
  return startCommand([...through, NODE, fileURLToPath(worker), ...args])
}

/** How any command is started; all as this process has it by default. */
export interface StartOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Starts a command with its arguments. */
export function startCommand(
  [command = NODE, ...args]: readonly string[],
  options: StartOptions = {},
): RunningProcess {
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  const waiting = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
    for (const look of waiting) look()
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  // A child that is gone takes no more lines; its exit tells the story.
  child.stdin.on('error', () => undefined)
  const result = new Promise<ProcessResult>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }))
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const hasSaid = (line: string): boolean => stdout.split('\n').includes(line)
  return {
    said: (line) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!hasSaid(line)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
        void result.then((end) => {
          if (!hasSaid(line)) reject(new Error(`The child ended without saying '${line}':\n${end.stderr}`))
        }, reject)
      }),
    tell: (line) => child.stdin.write(`${line}\n`),
    end: (text = '') => child.stdin.end(text),
    kill: (signal = 'SIGKILL') => child.kill(signal),
    result,
  }
}

/**
 * Runs a worker several times at once, all let go at the same moment: each worker says `ready`, and
 * waits for the line `go`. Answers their standard outputs, without the `ready`; a child that fails
 * makes this fail.
 */
export async function race(worker: URL, argumentLists: readonly (readonly string[])[]): Promise<string[]> {
  const children = argumentLists.map((args) => startProcess(worker, args))
  await Promise.all(children.map((child) => child.said('ready')))
  for (const child of children) child.tell('go')
  const results = await Promise.all(children.map((child) => child.result))
  return results.map(({ exitCode, signal, stdout, stderr }) => {
    if (exitCode !== 0) throw new Error(`A child ended with ${exitCode ?? signal}:\n${stderr}`)
    return stdout.replace(/^ready\n/, '').trimEnd()
  })
}
