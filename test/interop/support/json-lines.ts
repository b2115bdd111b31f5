/** A child process that answers JSON lines in order: see test/interop/python/json_lines.py. */
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export const interopFolder = fileURLToPath(new URL('../', import.meta.url))
export const python = fileURLToPath(new URL('../../../.cache/interop/venv/bin/python', import.meta.url))

/** The other side refused or failed; `type` is the name of its exception. */
export class PeerError extends Error {
  readonly type: string
  constructor(type: string, message: string) {
    super(`${type}: ${message}`)
    this.name = 'PeerError'
    this.type = type
  }
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly type: string; readonly message: string }
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

export class JsonLinesPeer {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #exited: Promise<void>
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1
  #log = ''

  /** `script` is a file of test/interop/python, or the URL of one elsewhere. */
  constructor(script: string | URL, args: readonly string[]) {
    const path = fileURLToPath(
      new URL(script instanceof URL ? script : `../python/${script}`, import.meta.url),
    )
    this.#child = spawn(python, [path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    // Kept for the day something fails: a healthy peer's chatter is nobody's concern.
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-20_000)
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#answer(JSON.parse(line)))
    this.#exited = new Promise((resolve) => {
      this.#child
        .once('error', (error) => this.#fail(error))
        .once('close', () => {
          this.#fail(new Error(`${path} ended early\n${this.#log}`))
          resolve()
        })
    })
  }

  /** PeerError when the other side raises. */
  call(op: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.stdin.write(`${JSON.stringify({ id, op, ...args })}\n`)
    })
  }

  async close(): Promise<void> {
    this.#child.stdin.end()
    await this.#exited
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (answer.error === undefined) waiting?.resolve(answer.result)
    else waiting?.reject(new PeerError(answer.error.type, answer.error.message))
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
