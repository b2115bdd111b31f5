/**
 * Settings from environment variables, with PyIceberg's rules for names: `__` goes a level down,
 * `_` is a dash, and in a property's name `__` is a dot.
 *
 * `PYICEBERG_CATALOG__PROD__S3__ACCESS_KEY_ID` is `s3.access-key-id` of the catalog `prod`, and so
 * is `FLOEBERG_CATALOG__PROD__S3__ACCESS_KEY_ID`, which goes first.
 */
import { InvalidConfigError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import type { ConfigLayer, Origin, Setting } from './config-layers.ts'
import { SETTING_FORMS } from './config-schema.ts'
import { wrapSecret } from './config-secrets.ts'
import { textValue } from './config-text.ts'
import { closestName } from '../format/did-you-mean.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Variables that say where to look, not what is set. */
export const LOCATION_VARIABLES = ['FLOEBERG_CONFIG', 'FLOEBERG_HOME'] as const

/** What PyIceberg's variables say: catalogs, and which is the default. */
export function pyicebergVariables(env: Environment): ConfigLayer {
  return readVariables(env, 'PYICEBERG_')
}

/** What our own variables say. InvalidConfigError for a name that looks like a slip. */
export function floebergVariables(env: Environment): ConfigLayer {
  return readVariables(env, 'FLOEBERG_')
}

function readVariables(env: Environment, prefix: 'PYICEBERG_' | 'FLOEBERG_'): ConfigLayer {
  const catalogs = new Map<string, Map<string, Setting<string | Secret>>>()
  const settings = new Map<string, Setting>()
  let defaultCatalog: Setting<string> | null = null
  for (const [name, value] of Object.entries(env)) {
    // An empty variable is the shell's way to say that there is none.
    if (value === undefined || value === '' || !name.toUpperCase().startsWith(prefix)) continue
    const origin: Origin = { kind: 'variable', name }
    const rest = name.slice(prefix.length).toLowerCase()
    if (rest === 'default_catalog') defaultCatalog = { value, origin }
    else if (rest.startsWith('catalog__'))
      addProperty(catalogs, rest.slice('catalog__'.length), value, origin)
    else if (prefix === 'FLOEBERG_') addSetting(settings, name, value)
  }
  return { defaultCatalog, catalogs, settings }
}

function addProperty(
  catalogs: Map<string, Map<string, Setting<string | Secret>>>,
  rest: string,
  value: string,
  origin: Origin,
): void {
  const [first = '', ...levels] = rest.split('__')
  const catalog = dashed(first)
  const key = levels.map(dashed).join('.')
  if (catalog === '' || key === '') {
    const path = origin.kind === 'variable' ? origin.name : ''
    throw new InvalidConfigError(`${path} names no property of a catalog`, {
      path,
      hint: 'Write PYICEBERG_CATALOG__NAME__PROPERTY.',
    })
  }
  const properties = catalogs.get(catalog) ?? new Map<string, Setting<string | Secret>>()
  properties.set(key, { value: wrapSecret(key, value), origin })
  catalogs.set(catalog, properties)
}

function dashed(part: string): string {
  return part.replaceAll('_', '-')
}

/** Every setting by the end of its variable's name: `ENGINE__THREADS`. */
const VARIABLES = new Map(
  Object.keys(SETTING_FORMS).map((path) => [
    path
      .split('.')
      .map((part) => part.replaceAll(/[A-Z]/g, (letter) => `_${letter}`))
      .join('__')
      .toUpperCase(),
    path,
  ]),
)

function addSetting(settings: Map<string, Setting>, name: string, value: string): void {
  const rest = name.slice('FLOEBERG_'.length).toUpperCase()
  const origin: Origin = { kind: 'variable', name }
  const path = VARIABLES.get(rest)
  if (path !== undefined && SETTING_FORMS[path] !== 'map') {
    settings.set(path, { value: textValue(path, value), origin })
    return
  }
  const [first = '', ...levels] = rest.toLowerCase().split('__')
  const map = VARIABLES.get(first.toUpperCase())
  if (map !== undefined && SETTING_FORMS[map] === 'map' && levels.length > 0) {
    settings.set(`${map}.${levels.map(dashed).join('.')}`, { value, origin })
    return
  }
  refuseSlip(name, rest)
}

/** Other tools may have variables that begin like ours: only what resembles a setting is refused. */
function refuseSlip(name: string, rest: string): void {
  if (LOCATION_VARIABLES.some((known) => known === name.toUpperCase())) return
  const names = [...VARIABLES.keys(), 'DEFAULT_CATALOG', 'CATALOG__NAME__PROPERTY', 'CONFIG', 'HOME']
  const closest = closestName(rest, names)
  if (closest === null) return
  throw new InvalidConfigError(`${name} is not a setting`, {
    path: name,
    hint: `Did you mean FLOEBERG_${closest}?`,
  })
}
