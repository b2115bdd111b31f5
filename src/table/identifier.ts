/** Table identifiers and namespaces as people write them. */
import type { Namespace, TableIdentifier } from '../catalog/catalog.ts'
import { InvalidArgumentError } from '../errors.ts'

/** An identifier, or a string split at its dots: `'demo.flights'`. The last level is the table. */
export type TableReference = string | TableIdentifier

/** Levels, or one level as a plain string. */
export type NamespaceReference = string | Namespace

/** InvalidArgumentError when a level or the name is empty, or the namespace is missing. */
export function toIdentifier(reference: TableReference): TableIdentifier {
  const levels =
    typeof reference === 'string' ? reference.split('.') : [...reference.namespace, reference.name]
  const name = levels.at(-1) ?? ''
  const namespace = levels.slice(0, -1)
  if (namespace.length === 0 || levels.some((level) => level === '')) {
    throw new InvalidArgumentError('A table identifier needs a namespace and a name, none of them empty', {
      hint: "Write 'namespace.table', or { namespace: ['a', 'b'], name: 'table' }.",
    })
  }
  return { namespace, name }
}

/** InvalidArgumentError when there is no level or an empty one. */
export function toNamespace(reference: NamespaceReference): Namespace {
  const levels = typeof reference === 'string' ? [reference] : reference
  if (levels.length === 0 || levels.some((level) => level === '')) {
    throw new InvalidArgumentError('A namespace needs at least one level, none of them empty', {
      hint: "Write 'demo', or ['a', 'b'] for a namespace of two levels.",
    })
  }
  return levels
}

/** The same text for the same table only: levels may hold dots. */
export function identifierKey(id: TableIdentifier): string {
  return JSON.stringify([...id.namespace, id.name])
}

/** For messages, spans and logs. */
export function identifierToString(id: TableIdentifier): string {
  return [...id.namespace, id.name].join('.')
}
