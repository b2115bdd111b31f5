/** Questions to whoever sits at the terminal. */
import { createInterface } from 'node:readline/promises'
import { throwIfAborted } from '../abort.ts'
import { printable } from './cells.ts'
import type { Terminal } from './terminal.ts'

/** True for yes. Anything else, and the end of the input, is no. OperationAbortedError when stopped. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const ended = new AbortController()
  lines.on('close', () => ended.abort())
  // In raw mode readline swallows the signal.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const signal = AbortSignal.any([terminal.signal, ended.signal])
    const answer = await lines.question(`${printable(question)} [y/N] `, { signal })
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    throwIfAborted(terminal.signal)
    if (ended.signal.aborted) return false
    throw error
  } finally {
    lines.close()
  }
}
