/** A plan of upkeep in a file, as `--dry-run --output json` prints it. */
import { readFile } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { throwIfAborted } from '../abort.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { Plan } from '../manager/execute-plan.ts'
import { UsageError } from './failure.ts'

/** In the place of a path: standard input. */
export const STDIN = '-'

const HINT = 'Pass what --dry-run --output json printed, as it was, or make the plan anew.'

/**
 * All of it is checked, so that it can be shown. UsageError for what cannot be read or is no plan;
 * UnsupportedFeatureError for a kind of plan that is not known; OperationAbortedError.
 */
export async function readPlanDocument(path: string, signal: AbortSignal): Promise<Plan> {
  const what = path === STDIN ? 'standard input' : path
  const document = parsed(await bytesOf(path, signal), what)
  // The checks stand beside the operations, which take long to load.
  const { parseAnyPlan } = await import('../manager/execute-plan.ts')
  try {
    return parseAnyPlan(document)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new UsageError(`${what}: ${error.message}`, HINT)
  }
}

async function bytesOf(path: string, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await (path === STDIN ? buffer(addAbortSignal(signal, process.stdin)) : readFile(path, { signal }))
  } catch (error) {
    throwIfAborted(signal)
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
    if (code === 'ENOENT') throw new UsageError(`there is no plan at ${path}`, 'Check the path.')
    throw new UsageError(`the plan ${path} cannot be read`, code)
  }
}

function parsed(bytes: Uint8Array, what: string): unknown {
  try {
    // Takes away the mark that some editors put in front.
    const document: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return document
  } catch {
    // The parser's own words quote the text.
    throw new UsageError(`${what} is no JSON`, HINT)
  }
}
