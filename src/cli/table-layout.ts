/** Rows as aligned columns, for people: laid out a screenful at a time, never held as a whole. */
import { styleText } from 'node:util'
import measure from 'fast-string-truncated-width'
import { cellText, printable, type OutputColumn } from './cells.ts'
import type { Cells } from './output.ts'

/** Where a table is printed. */
export interface Screen {
  /** Columns of the screen; null: lines may be as long as they like, and nothing is cut. */
  readonly width: number | null
  readonly hasColor: boolean
}

const GAP = '  '
/** Narrower columns say too little: rather leave whole columns out. */
const NARROWEST = 8

/** Lays out one table. Columns grow when later rows need it, and never shrink. */
export class TableLayout {
  readonly #columns: readonly OutputColumn[]
  readonly #screen: Screen
  #wanted: number[]
  #shown: readonly number[] = []

  constructor(columns: readonly OutputColumn[], screen: Screen) {
    this.#columns = columns
    this.#screen = screen
    this.#wanted = columns.map(({ name }) => widthOf(printable(name)))
    this.#shown = fit(this.#wanted, screen.width)
  }

  /** Names of columns for which there is no room. */
  get hidden(): readonly string[] {
    return this.#columns.slice(this.#shown.length).map(({ name }) => name)
  }

  /** The lines of a block of rows. */
  rows(block: readonly Cells[]): string {
    const lines = block.map((row) => this.#columns.map((column) => shown(column, row)))
    this.#wanted = this.#wanted.map((width, at) =>
      lines.reduce((widest, line) => Math.max(widest, widthOf(line[at]?.text ?? '')), width),
    )
    this.#shown = fit(this.#wanted, this.#screen.width)
    return lines.map((line) => this.#line(line)).join('')
  }

  /** The line of names, for the rows laid out so far. */
  head(): string {
    const line = this.#line(this.#columns.map(({ name }) => ({ text: printable(name), isNull: false })))
    return this.#screen.hasColor ? `${styleText('bold', line.trimEnd(), { validateStream: false })}\n` : line
  }

  #line(cells: readonly ShownCell[]): string {
    const texts = this.#shown.map((width, at) => {
      const { text, isNull } = cells[at] ?? { text: '', isNull: false }
      const cutText = this.#screen.width === null ? text : cut(text, width)
      const padding = ' '.repeat(Math.max(0, width - widthOf(cutText)))
      const styled =
        isNull && this.#screen.hasColor ? styleText('dim', cutText, { validateStream: false }) : cutText
      return this.#columns[at]?.align === 'right' ? `${padding}${styled}` : `${styled}${padding}`
    })
    return `${texts.join(GAP).trimEnd()}\n`
  }
}

/** A cell as people see it. */
export interface ShownCell {
  readonly text: string
  readonly isNull: boolean
}

export function shown(column: OutputColumn, row: Cells): ShownCell {
  const value = row[column.name]
  if (value === null || value === undefined) return { text: column.none ?? 'null', isNull: true }
  const text = column.show === undefined ? (cellText(column, value) ?? '') : column.show(value, row)
  return { text: printable(text), isNull: false }
}

/** Columns as a terminal counts them. */
export function widthOf(text: string): number {
  return measure(text).width
}

function cut(text: string, width: number): string {
  const { index, ellipsed } = measure(text, { limit: width, ellipsis: '…', ellipsisWidth: 1 })
  if (!ellipsed) return text.slice(0, index)
  let kept = text.slice(0, index)
  // Where a character of two columns meets the limit, the index lies behind it.
  while (widthOf(kept) >= width) kept = [...kept].slice(0, -1).join('')
  return `${kept}…`
}

/** Widths that fit the screen, the widest cut first; fewer than wanted when even narrow ones do not fit. */
function fit(wanted: readonly number[], screen: number | null): readonly number[] {
  if (screen === null) return wanted
  const widths = [...wanted]
  while (totalOf(widths) > screen) {
    const widest = widths.reduce((best, width, at) => (width > (widths[best] ?? 0) ? at : best), 0)
    const width = widths[widest] ?? 0
    if (width > NARROWEST) widths[widest] = width - 1
    else if (widths.length > 1) return fit(wanted.slice(0, -1), screen)
    else return [screen]
  }
  return widths
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((total, width) => total + width, (widths.length - 1) * GAP.length)
}
