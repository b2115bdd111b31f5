/** Changes of a schema as options write them: `--add 'carrier string after date'`, `--rename old=new`. */
import type { SchemaChange } from '../manager/schema-changes.ts'
import { UsageError } from './failure.ts'

type Position = Extract<SchemaChange, { readonly type: 'move_column' }>['position']

const POSITION = /\s+(?:(?<first>first)|(?<side>after|before)\s+(?<sibling>\S+))$/i
const REQUIRED = /\s+required$/i
const DEFAULT = /\s+default\s+(?:'(?<text>(?:[^']|'')*)'|(?<word>\S+))$/i

/** `name type [required] [default value] [first | after x | before x]`. */
export function parseAddition(text: string): SchemaChange {
  const { rest: withoutPosition, position } = splitPosition(text.trim())
  const found = DEFAULT.exec(withoutPosition)
  const withoutDefault = found === null ? withoutPosition : withoutPosition.slice(0, found.index)
  const required = REQUIRED.test(withoutDefault)
  const [name, type] = nameAndType(withoutDefault.replace(REQUIRED, ''), '--add')
  return {
    type: 'add_column',
    name,
    fieldType: type,
    ...(required ? { required } : {}),
    ...(found === null ? {} : { defaultValue: defaultValue(type, found.groups) }),
    ...(position === null ? {} : { position }),
  }
}

/** Numbers and booleans as such, all else as text, which every other type is written as. */
function defaultValue(
  type: string,
  groups: Readonly<Record<string, string | undefined>> | undefined,
): string | number | bigint | boolean {
  const word = groups?.['word']
  if (word === undefined) return (groups?.['text'] ?? '').replaceAll("''", "'")
  switch (type.toLowerCase()) {
    case 'boolean':
      return word === 'true' ? true : word === 'false' ? false : word
    case 'int':
    case 'float':
    case 'double':
      return Number.isNaN(Number(word)) ? word : Number(word)
    case 'long':
      return /^-?\d+$/.test(word) ? BigInt(word) : word
    default:
      return word
  }
}

/** `name first`, `name after x`, `name before x`. */
export function parseMove(text: string): SchemaChange {
  const { rest, position } = splitPosition(text.trim())
  if (position !== null && rest !== '' && !/\s/.test(rest))
    return { type: 'move_column', name: rest, position }
  throw new UsageError(
    `--move '${text}' cannot be read`,
    "Write 'name first', 'name after x' or 'name before x'.",
  )
}

function splitPosition(text: string): { readonly rest: string; readonly position: Position | null } {
  const found = POSITION.exec(text)
  if (found === null) return { rest: text, position: null }
  const { side = '', sibling = '', first } = found.groups ?? {}
  const rest = text.slice(0, found.index)
  if (first !== undefined) return { rest, position: { first: true } }
  return { rest, position: side.toLowerCase() === 'after' ? { after: sibling } : { before: sibling } }
}

/** `old=new`; the new name is the last part only. */
export function parseRename(text: string): readonly [string, string] {
  const [from = '', to = '', ...more] = text.split('=').map((part) => part.trim())
  if (from !== '' && to !== '' && more.length === 0) return [from, to]
  throw new UsageError(`--rename '${text}' cannot be read`, 'Write old=new.')
}

/** `name type`. */
export function parseWidening(text: string): SchemaChange {
  const [name, fieldType] = nameAndType(text, '--widen')
  return { type: 'widen_type', name, fieldType }
}

function nameAndType(text: string, option: string): readonly [string, string] {
  const [, name, type] = /^(\S+)\s+(\S.*)$/.exec(text.trim()) ?? []
  if (name !== undefined && type !== undefined) return [name, type]
  throw new UsageError(`${option} '${text}' cannot be read`, `Write ${option} 'price decimal(9, 2)'.`)
}

/** `name=comment`; nothing behind the sign takes the comment away. */
export function parseComment(text: string): SchemaChange {
  const at = text.indexOf('=')
  if (at <= 0) throw new UsageError(`--doc '${text}' cannot be read`, 'Write name=comment.')
  const doc = text.slice(at + 1)
  return { type: 'update_doc', name: text.slice(0, at).trim(), doc: doc === '' ? null : doc }
}
