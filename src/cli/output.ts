/** What commands print: tables for people, one JSON document or CSV for programs. */
import { throwIfAborted } from '../abort.ts'
import { cellJson, cellText, printable, type OutputColumn } from './cells.ts'
import { csvLine } from './csv.ts'
import { shown, TableLayout, widthOf } from './table-layout.ts'
import type { Terminal } from './terminal.ts'

/** `--output` */
export type OutputFormat = 'table' | 'json' | 'csv'
export const OUTPUT_FORMATS: readonly OutputFormat[] = ['table', 'json', 'csv']

/** A row by column name. */
export type Cells = Readonly<Record<string, unknown>>

type Blocks = AsyncIterable<readonly Cells[]>

/** Rows that set the widths of a table before its first line is printed. */
const SCREENFUL = 50
/** Text is handed over in pieces of about this many characters. */
const PIECE = 1 << 16

/** Prints results in one format. */
export class Output {
  readonly format: OutputFormat
  readonly #terminal: Terminal

  constructor(format: OutputFormat, terminal: Terminal) {
    this.format = format
    this.#terminal = terminal
  }

  /** Rows that are there already. */
  list(columns: readonly OutputColumn[], rows: readonly Cells[]): Promise<void> {
    return this.rows(columns, asBlocks(rows))
  }

  /** Rows as they come; not more than a screenful of them is held. */
  rows(columns: readonly OutputColumn[], blocks: Blocks): Promise<void> {
    switch (this.format) {
      case 'json':
        return this.#pieces(jsonPieces(columns, blocks))
      case 'csv':
        return this.#pieces(csvPieces(columns, blocks))
      case 'table':
        return this.#table(
          columns.filter(({ detail }) => detail !== true),
          blocks,
        )
    }
  }

  /** One thing with its properties. */
  record(columns: readonly OutputColumn[], row: Cells): Promise<void> {
    switch (this.format) {
      case 'json':
        return this.document(jsonObject(columns, row))
      case 'csv':
        return this.list(columns, [row])
      case 'table':
        return this.#terminal.write(
          recordText(
            columns.filter(({ detail }) => detail !== true),
            row,
          ),
        )
    }
  }

  /** A JSON document, indented. */
  document(json: unknown): Promise<void> {
    return this.#terminal.write(`${JSON.stringify(json, null, 2)}\n`)
  }

  /** Text for people: nothing in the formats for programs. */
  async text(line: string): Promise<void> {
    // A line of ours may be several; of what it tells, a terminal is to obey nothing.
    const shown = line.split('\n').map(printable).join('\n')
    if (this.format === 'table') await this.#terminal.write(`${shown}\n`)
  }

  async #table(columns: readonly OutputColumn[], blocks: Blocks): Promise<void> {
    const layout = new TableLayout(columns, this.#terminal)
    let hasHead = false
    for await (const block of screenfuls(blocks)) {
      const lines = layout.rows(block)
      await this.#terminal.write(hasHead ? lines : layout.head() + lines)
      hasHead = true
      throwIfAborted(this.#terminal.signal)
    }
    if (!hasHead) await this.#terminal.write(`${layout.head()}(none)\n`)
    if (layout.hidden.length > 0) this.#terminal.note(`No room for: ${layout.hidden.join(', ')}\n`)
  }

  async #pieces(pieces: AsyncIterable<string>): Promise<void> {
    for await (const piece of pieces) {
      await this.#terminal.write(piece)
      throwIfAborted(this.#terminal.signal)
    }
  }
}

/**
 * One array, an object for each row. When reading fails in its middle the array stays open, so that
 * a program which ignores the exit status cannot take the part for the whole.
 */
async function* jsonPieces(columns: readonly OutputColumn[], blocks: Blocks): AsyncGenerator<string> {
  let separator = '['
  let piece = ''
  for await (const block of blocks) {
    for (const row of block) {
      piece += `${separator}\n  ${JSON.stringify(jsonObject(columns, row))}`
      separator = ','
      if (piece.length < PIECE) continue
      yield piece
      piece = ''
    }
  }
  yield `${piece}${separator === '[' ? '[]\n' : '\n]\n'}`
}

async function* csvPieces(columns: readonly OutputColumn[], blocks: Blocks): AsyncGenerator<string> {
  let piece = csvLine(columns.map(({ name }) => name))
  for await (const block of blocks) {
    for (const row of block) {
      piece += csvLine(columns.map((column) => cellText(column, row[column.name])))
      if (piece.length < PIECE) continue
      yield piece
      piece = ''
    }
  }
  yield piece
}

function jsonObject(columns: readonly OutputColumn[], row: Cells): object {
  return Object.fromEntries(columns.map((column) => [column.name, cellJson(column, row[column.name])]))
}

function recordText(columns: readonly OutputColumn[], row: Cells): string {
  const widest = Math.max(...columns.map(({ name }) => widthOf(name)))
  return columns
    .map((column) => {
      const padding = ' '.repeat(widest - widthOf(column.name))
      return `${column.name}${padding}  ${shown(column, row).text}\n`
    })
    .join('')
}

async function* asBlocks(rows: readonly Cells[]): AsyncGenerator<readonly Cells[]> {
  yield rows
}

/** Blocks of a screenful of rows, whatever the size of those that come. */
async function* screenfuls(blocks: Blocks): AsyncGenerator<readonly Cells[]> {
  let held: Cells[] = []
  for await (const block of blocks) {
    for (const row of block) {
      held.push(row)
      if (held.length < SCREENFUL) continue
      yield held
      held = []
    }
  }
  if (held.length > 0) yield held
}
