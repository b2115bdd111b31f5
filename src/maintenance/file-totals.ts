/** Counting files by what they hold. */
import type { FileTotals } from './expire-plan.ts'

/** Totals that still grow. */
export type GrowingTotals = Readonly<Record<keyof FileTotals, { count: number; bytes: number }>>

/** Nothing of any kind. */
export function emptyTotals(): GrowingTotals {
  return {
    dataFiles: { count: 0, bytes: 0 },
    positionDeleteFiles: { count: 0, bytes: 0 },
    equalityDeleteFiles: { count: 0, bytes: 0 },
    manifests: { count: 0, bytes: 0 },
    manifestLists: { count: 0, bytes: 0 },
    statisticsFiles: { count: 0, bytes: 0 },
  }
}

/** One file more. */
export function countFile(totals: GrowingTotals, kind: keyof FileTotals, bytes: number): void {
  const total = totals[kind]
  total.count += 1
  total.bytes += bytes
}
