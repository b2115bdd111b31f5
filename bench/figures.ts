/** Measured values, and what they come to. */

/** One line of the report: a value of ours for every run, and perhaps somebody else's beside it. */
export interface Figure {
  readonly name: string
  readonly unit: Unit
  readonly ours: readonly number[]
  /** What it is compared with, run by run. */
  readonly beside?: { readonly name: string; readonly values: readonly number[] } | undefined
  /** null: told for itself. */
  readonly goal: Goal | null
}

export type Unit = 's' | 'ms' | 'KB' | 'MB' | '×'

/** The most that the ratio to what stands beside it, or the value itself, may be. */
export type Goal = { readonly ratio: number } | { readonly value: number }

/** A median with what lies around it. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
  return { median, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN }
}

/** Ours by the other's, run by run: what loads the machine loads both. null without another. */
export function ratiosOf({ ours, beside }: Figure): readonly number[] | null {
  if (beside === undefined) return null
  return ours.map((value, run) => value / (beside.values[run] ?? Number.NaN))
}

/** null when there is no goal, or nothing to compare with. */
export function isMet(figure: Figure): boolean | null {
  const { goal } = figure
  if (goal === null) return null
  if ('value' in goal) return spreadOf(figure.ours).median <= goal.value
  const ratios = ratiosOf(figure)
  return ratios === null ? null : spreadOf(ratios).median <= goal.ratio
}

/** Milliseconds that a call took. */
export async function timed(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await call()
  return performance.now() - start
}

/**
 * Runs every way once in each of so many rounds, every other round in reverse, and answers what each
 * answered, round by round.
 */
export async function interleaved<Name extends string>(
  rounds: number,
  ways: Readonly<Record<Name, (round: number) => Promise<number>>>,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const names = Object.keys(ways) as Name[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      results[name].push(await ways[name](round))
    }
  }
  return results
}
