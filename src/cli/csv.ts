/** Lines of CSV (RFC 4180), ended by a line feed alone, as everything else here is. */

const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/

/** One line. null is nothing at all; an empty text is `""`, so that the two can be told apart. */
export function csvLine(cells: readonly (string | null)[]): string {
  const fields = cells.map(csvField)
  // A lone null would be an empty line, which readers skip.
  return `${fields.length === 1 && fields[0] === '' ? '""' : fields.join(',')}\n`
}

function csvField(text: string | null): string {
  if (text === null) return ''
  return text === '' || NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
