/** YAML as configuration uses it: mappings, lists and text. */
import { isMap, isScalar, isSeq, parseDocument, type Node } from 'yaml'
import { InvalidConfigError } from '../errors.ts'
import type { Origin } from './config-layers.ts'

export type FileOrigin = Extract<Origin, { kind: 'file' }>
export type Yaml = string | readonly Yaml[] | { readonly [key: string]: Yaml }

/** Every scalar as the text that stands there: `yes`, `1` and `null` are text, as in PyIceberg. */
export function parseYaml(text: string, origin: FileOrigin): Readonly<Record<string, Yaml>> {
  // Anchors are not looked up below, so that a small file cannot become a large value.
  const document = parseDocument(text, { schema: 'failsafe', prettyErrors: false, uniqueKeys: true })
  const [problem] = document.errors
  if (problem !== undefined) {
    // The parser's own message quotes the line, which may hold a secret.
    const line = text.slice(0, problem.pos[0]).split('\n').length
    throw new InvalidConfigError(`line ${line} is not valid YAML`, { file: origin.file })
  }
  if (document.contents === null) return {}
  const value = plainYaml(document.contents, origin, '')
  if (isRecord(value)) return value
  if (value === '') return {}
  throw new InvalidConfigError('the file is not a mapping of keys to values', { file: origin.file })
}

function plainYaml(node: unknown, origin: FileOrigin, path: string): Yaml {
  if (isScalar(node)) return node.value === null ? '' : String(node.value)
  if (isSeq<Node>(node)) return node.items.map((item, index) => plainYaml(item, origin, `${path}[${index}]`))
  if (isMap<Node, Node | null>(node)) {
    // Not an object literal's keys: `__proto__` must be a key like any other.
    return Object.fromEntries(
      node.items.map(({ key, value }) => {
        const name = isScalar(key) ? String(key.value) : ''
        return [name, value === null ? '' : plainYaml(value, origin, joinPath(path, name))]
      }),
    )
  }
  throw new InvalidConfigError(`${path}: references to other places of the file are not read`, {
    path,
    file: origin.file,
  })
}

export function isRecord(value: Yaml): value is Readonly<Record<string, Yaml>> {
  return typeof value === 'object' && !Array.isArray(value)
}

function joinPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
