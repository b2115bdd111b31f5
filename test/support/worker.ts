/** The child's side of `race`. */
import { createInterface } from 'node:readline'

/** Says that this process is ready, and fulfils when all may start. */
export async function start(): Promise<void> {
  const lines = createInterface({ input: process.stdin })
  process.stdout.write('ready\n')
  for await (const line of lines) if (line === 'go') break
  lines.close()
}

/** Arguments of the process, all there. */
export function argumentsOf(...names: readonly string[]): readonly string[] {
  const given = process.argv.slice(2)
  if (given.length !== names.length) throw new Error(`Arguments: ${names.join(' ')}`)
  return given
}
