/** New values of columns as `--set` writes them: `delay=5`, `name='it''s'`, `closed=null`. */
import { findFieldByName, type Schema } from '../format/schema.ts'
import type { Type } from '../format/types.ts'
import type { Value } from '../format/values/value.ts'
import { UsageError } from './failure.ts'

/** A value before the type of its column is known. */
export interface Setting {
  readonly column: string
  readonly text: string
  /** In quotes: text, whatever it looks like. */
  readonly quoted: boolean
}

const QUOTED = /^'(?:[^']|'')*'$/

/** UsageError for what is not of the form column=value, and for a column that is there twice. */
export function parseSettings(texts: readonly string[]): readonly Setting[] {
  const settings = texts.map(parseSetting)
  const columns = settings.map(({ column }) => column)
  const twice = columns.find((column, at) => columns.indexOf(column) !== at)
  if (twice !== undefined) throw new UsageError(`--set: '${twice}' is given twice`)
  return settings
}

function parseSetting(text: string): Setting {
  const at = text.indexOf('=')
  if (at <= 0) throw new UsageError(`--set '${text}' cannot be read`, "Write column=value, or column='text'.")
  const value = text.slice(at + 1).trim()
  const quoted = QUOTED.test(value)
  return {
    column: text.slice(0, at).trim(),
    text: quoted ? value.slice(1, -1).replaceAll("''", "'") : value,
    quoted,
  }
}

/** The values for a table of this schema. A column that is not there is left for the library to refuse. */
export function settingValues(
  schema: Schema,
  settings: readonly Setting[],
  options: { readonly caseSensitive?: boolean | undefined },
): Readonly<Record<string, Value>> {
  const { caseSensitive = true } = options
  return Object.fromEntries(
    settings.map((setting) => {
      const type = findFieldByName(schema, setting.column, { caseSensitive })?.type
      return [setting.column, type === undefined ? setting.text : valueOf(setting, type)]
    }),
  )
}

/** What is no value of the type stays text, and is refused as such, by column. */
function valueOf({ text, quoted }: Setting, type: Type): Value {
  if (!quoted && text === 'null') return null
  switch (type.kind) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'int':
    case 'float':
    case 'double':
      return text !== '' && (text === 'NaN' || !Number.isNaN(Number(text))) ? Number(text) : text
    case 'long':
      return /^-?\d+$/.test(text) ? BigInt(text) : text
    case 'binary':
    case 'fixed':
      return /^(?:[0-9a-f]{2})*$/i.test(text) ? bytesOf(text) : text
    default:
      return text
  }
}

function bytesOf(hexadecimal: string): Uint8Array {
  return Uint8Array.from(hexadecimal.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
}
