/** Which kind of catalog a set of properties is for. */
import { InvalidConfigError, UnsupportedFeatureError } from '../errors.ts'
import { didYouMean } from '../format/did-you-mean.ts'

export type CatalogType = 'sql' | 'rest' | 'memory'

const TYPES: Readonly<Record<string, CatalogType>> = {
  sql: 'sql',
  rest: 'rest',
  memory: 'memory',
  // PyIceberg's name for it.
  'in-memory': 'memory',
}

/** Catalogs that PyIceberg has and we have not. */
const NOT_BUILT = ['hive', 'glue', 'dynamodb', 'bigquery']

/**
 * By `type`, else by the scheme of `uri`, as in PyIceberg. InvalidConfigError when neither tells;
 * UnsupportedFeatureError for a kind of catalog that is not built.
 */
export function catalogType(properties: Readonly<Record<string, string>>, path = 'catalog'): CatalogType {
  const given = properties['type']
  return given === undefined ? typeOfUri(properties['uri'], path) : typeOfName(given, path)
}

function typeOfName(given: string, path: string): CatalogType {
  const name = given.toLowerCase()
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined
  if (type !== undefined) return type
  if (NOT_BUILT.includes(name)) throw notBuilt(name)
  throw new InvalidConfigError(`${path}.type: there is no such type of catalog`, {
    path: `${path}.type`,
    hint: didYouMean(name, Object.keys(TYPES)) ?? 'Use sql, rest or memory.',
  })
}

function typeOfUri(uri: string | undefined, path: string): CatalogType {
  if (uri !== undefined) {
    if (/^(?:sqlite|postgresql|postgres)(?:\+[a-z0-9]+)?:/i.test(uri)) return 'sql'
    if (/^https?:/i.test(uri)) return 'rest'
    if (/^thrift:/i.test(uri)) throw notBuilt('hive')
  }
  const missing = uri === undefined ? 'it has neither a type nor a uri' : 'its uri does not tell its type'
  throw new InvalidConfigError(`${path}: ${missing}`, {
    path: `${path}.${uri === undefined ? 'uri' : 'type'}`,
    hint: 'Give a uri such as sqlite:////path/catalog.db, or set type to sql, rest or memory.',
  })
}

function notBuilt(name: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(`Catalogs of type ${name} are not built`, {
    hint: 'Use sql, rest or memory.',
  })
}

/** A database's URI without SQLAlchemy's driver: `postgresql+psycopg2://…` is `postgresql://…`. */
export function withoutDriver(uri: string): string {
  return uri.replace(/^([a-z][a-z0-9]*)\+[a-z0-9]+:/i, '$1:')
}
