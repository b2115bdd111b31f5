/** Names of tables and namespaces: what a catalog accepts for new ones, and where their tables go. */
import {
  InvalidArgumentError,
  InvalidConfigError,
  NamespaceAlreadyExistsError,
  NoSuchNamespaceError,
  NoSuchTableError,
  TableAlreadyExistsError,
} from '../errors.ts'
import { escapeSegment, joinLocation, newLocation } from '../storage/location.ts'
import type { CatalogCapabilities, Namespace, Properties, TableIdentifier } from './catalog.ts'

/** For messages. */
export function tableText(id: TableIdentifier): string {
  return [...id.namespace, id.name].join('.')
}

/** PyIceberg's and Java's tables have 255 characters for a name and for a whole namespace. */
const LONGEST_NAME = 255
// Control characters, and halves of surrogate pairs.
const FORBIDDEN = /[\p{Cc}\p{Cs}]/u

/** InvalidArgumentError unless a namespace of this name may be created. */
export function checkNewNamespace(namespace: Namespace, capabilities: CatalogCapabilities): void {
  if (namespace.length === 0) throw new InvalidArgumentError('A namespace needs at least one level')
  if (namespace.length > 1 && !capabilities.nestedNamespaces) {
    throw new InvalidArgumentError('This catalog has namespaces of one level only')
  }
  for (const level of namespace) checkName(level, 'namespace level', capabilities)
  if (namespace.join('.').length > LONGEST_NAME) {
    throw new InvalidArgumentError(`A namespace has at most ${LONGEST_NAME} characters`)
  }
}

/** InvalidArgumentError unless a table of this name may be created. */
export function checkNewTable(id: TableIdentifier, capabilities: CatalogCapabilities): void {
  checkNewNamespace(id.namespace, capabilities)
  checkName(id.name, 'table name', capabilities)
}

function checkName(name: string, what: string, capabilities: CatalogCapabilities): void {
  if (name === '') throw new InvalidArgumentError(`A ${what} is empty`)
  if (FORBIDDEN.test(name)) {
    throw new InvalidArgumentError(`A ${what} holds a control character or broken Unicode`)
  }
  if (name.length > LONGEST_NAME) {
    throw new InvalidArgumentError(`A ${what} has at most ${LONGEST_NAME} characters`)
  }
  if (name.includes('.') && !capabilities.dotsInNames) {
    throw new InvalidArgumentError(`A ${what} holds a dot, which this catalog uses between levels`, {
      hint: "Pass levels as a list, ['a', 'b'], not as 'a.b'.",
    })
  }
}

/**
 * False for what cannot be in the catalog because of its form: a level with a dot would be taken
 * for two levels.
 */
export function canExist(namespace: Namespace, capabilities: CatalogCapabilities): boolean {
  return capabilities.dotsInNames || namespace.every((level) => level !== '' && !level.includes('.'))
}

/**
 * Where new tables go: a folder for all, or the folder of each namespace as a function says.
 * null from it, or no warehouse at all: locations must then be given.
 */
export type Warehouse = string | ((namespace: Namespace) => string | null) | null

const UUID_DIGITS = 8

/**
 * `{folder of the namespace}/{table}-{8 digits of its uuid}`: a table that is renamed and one that
 * takes its old name never share a folder.
 */
export function defaultLocation(
  warehouse: Warehouse,
  id: TableIdentifier,
  namespaceProperties: Properties,
  uuid: string,
): string {
  const folder = namespaceProperties['location'] ?? namespaceFolder(warehouse, id.namespace)
  const suffix = uuid.replaceAll('-', '').slice(0, UUID_DIGITS)
  return newLocation(joinLocation(folder, `${escapeSegment(id.name)}-${suffix}`))
}

/** InvalidConfigError when there is no warehouse to put it in. */
export function namespaceFolder(warehouse: Warehouse, namespace: Namespace): string {
  const folder =
    typeof warehouse === 'function'
      ? warehouse(namespace)
      : warehouse && joinLocation(warehouse, ...namespace.map(escapeSegment))
  if (folder === null || folder === '') {
    throw new InvalidConfigError('The catalog has no warehouse, so a new table needs a location', {
      path: 'warehouse',
      hint: "Set the catalog's warehouse, the namespace's location property, or the table's location.",
    })
  }
  return folder
}

export function noSuchTable(id: TableIdentifier): NoSuchTableError {
  return new NoSuchTableError(`No such table: ${tableText(id)}`, {
    table: tableText(id),
    hint: 'Check its name: listTables (`floeberg list`) shows those that are there.',
  })
}

export function tableExists(id: TableIdentifier): TableAlreadyExistsError {
  return new TableAlreadyExistsError(`The table ${tableText(id)} exists already`, {
    table: tableText(id),
    hint: 'Load it, ask for ifNotExists (`--if-not-exists`), or choose another name.',
  })
}

export function noSuchNamespace(namespace: Namespace): NoSuchNamespaceError {
  return new NoSuchNamespaceError(`No such namespace: ${namespace.join('.')}`, {
    hint: 'Create the namespace first.',
  })
}

export function namespaceExists(namespace: Namespace): NamespaceAlreadyExistsError {
  return new NamespaceAlreadyExistsError(`The namespace exists already: ${namespace.join('.')}`)
}
