/** How far long work is, on one line of standard error: only for a person, and only if it takes long. */
import type { Progress } from '../engine/data-plane.ts'
import { countText } from './cells.ts'
import type { Terminal } from './terminal.ts'

/** Shorter work needs no bar. Milliseconds. */
const PATIENCE = 500
/** Between two drawings. Milliseconds. */
const INTERVAL = 100
const BAR = 24
const CLEAR = '\r\x1B[2K'

export interface ProgressLine {
  /** `unit`: what is counted; default rows. */
  readonly update: (progress: Progress, unit?: string) => void
  /** Takes the line away. */
  readonly clear: () => void
}

/** A line that draws itself while it is updated. */
export function progressLine(terminal: Terminal, label: string): ProgressLine {
  if (terminal.errorWidth === null) return { update: () => undefined, clear: () => undefined }
  const started = performance.now()
  let drawn: number | null = null
  return {
    update(progress, unit) {
      const now = performance.now()
      if (now - started < PATIENCE || (drawn !== null && now - drawn < INTERVAL)) return
      drawn = now
      const text = progressText(label, progress, now - started, unit)
      // A line that wraps could not be taken away again.
      terminal.note(`${CLEAR}${text.slice(0, (terminal.errorWidth ?? 1) - 1)}`)
    },
    clear() {
      if (drawn !== null) terminal.note(CLEAR)
      drawn = null
    },
  }
}

/** `writing  [##########              ]  42%  1,260,000 of 3,000,000 rows, 1.2M rows/s` */
export function progressText(
  label: string,
  { rows, totalRows }: Progress,
  milliseconds: number,
  unit = 'rows',
): string {
  const rate = milliseconds > 0 ? `, ${countText(Math.round((rows / milliseconds) * 1000))} ${unit}/s` : ''
  if (totalRows === null || totalRows === 0) return `${label}  ${countText(rows)} ${unit}${rate}`
  const share = Math.min(1, rows / totalRows)
  const filled = Math.floor(share * BAR)
  const bar = `${'#'.repeat(filled)}${' '.repeat(BAR - filled)}`
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  return `${label}  [${bar}] ${percent}  ${countText(rows)} of ${countText(totalRows)} ${unit}${rate}`
}
