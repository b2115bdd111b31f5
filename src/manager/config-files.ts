/** Configuration files: which are looked for, and how they are read. */
import { join } from 'node:path'
import { InvalidConfigError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import type { CatalogLayer, ConfigLayer, Setting } from './config-layers.ts'
import { EMPTY_LAYER } from './config-layers.ts'
import { SETTING_FORMS } from './config-schema.ts'
import { wrapSecret } from './config-secrets.ts'
import { textValue } from './config-text.ts'
import { isRecord, parseYaml, type FileOrigin, type Yaml } from './config-yaml.ts'
import { didYouMean } from '../format/did-you-mean.ts'

/** What configuration is looked for in. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly workingFolder: string
  readonly homeFolder: string
  /** A file's text, or null when there is none. */
  readonly readText: (path: string) => Promise<string | null>
}

interface Candidate {
  readonly path: string
  readonly trusted: boolean
}

/**
 * Our own file: the one that is named (by argument, else `$FLOEBERG_CONFIG`), or the first
 * `floeberg.yaml` in `$FLOEBERG_HOME`, the working folder, the home folder.
 */
export async function readFloebergFile(
  around: Surroundings,
  named: string | undefined,
): Promise<ConfigLayer> {
  const explicit = named ?? (around.env['FLOEBERG_CONFIG'] || undefined)
  if (explicit !== undefined) {
    const text = await around.readText(explicit)
    if (text !== null) return readFloebergYaml(text, { kind: 'file', file: explicit, trusted: true })
    throw new InvalidConfigError('the configuration file that was named is not there', { file: explicit })
  }
  const name = 'floeberg.yaml'
  const found = await firstFile(around, [
    ...namedFolder(around.env['FLOEBERG_HOME'], name),
    ...workingFolder(around, name),
    { path: join(around.homeFolder, name), trusted: true },
  ])
  return found === null ? EMPTY_LAYER : readFloebergYaml(found.text, found.origin)
}

/** PyIceberg's file, looked for as PyIceberg does: `$PYICEBERG_HOME`, home folder, working folder. */
export async function readPyicebergFile(around: Surroundings): Promise<ConfigLayer> {
  const name = '.pyiceberg.yaml'
  const found = await firstFile(around, [
    ...namedFolder(around.env['PYICEBERG_HOME'], name),
    { path: join(around.homeFolder, name), trusted: true },
    ...workingFolder(around, name),
  ])
  return found === null ? EMPTY_LAYER : readPyicebergYaml(found.text, found.origin)
}

function namedFolder(folder: string | undefined, name: string): readonly Candidate[] {
  return folder === undefined || folder === '' ? [] : [{ path: join(folder, name), trusted: true }]
}

/** Whoever can put a file into the working folder (an archive, a clone) has not been trusted yet. */
function workingFolder(around: Surroundings, name: string): readonly Candidate[] {
  const trusted = around.workingFolder === around.homeFolder
  return [{ path: join(around.workingFolder, name), trusted }]
}

async function firstFile(
  around: Surroundings,
  candidates: readonly Candidate[],
): Promise<{ readonly text: string; readonly origin: FileOrigin } | null> {
  for (const { path, trusted } of candidates) {
    const text = await around.readText(path)
    if (text !== null) return { text, origin: { kind: 'file', file: path, trusted } }
  }
  return null
}

/** PyIceberg's file: its catalogs and its default; what else it holds is PyIceberg's own business. */
function readPyicebergYaml(text: string, origin: FileOrigin): ConfigLayer {
  // PyIceberg folds the case of every key.
  const document = foldKeys(parseYaml(text, origin))
  const defaultCatalog = document['default-catalog']
  return {
    defaultCatalog: defaultName(defaultCatalog, origin),
    catalogs: readCatalogs(document['catalog'], origin),
    settings: new Map(),
  }
}

function foldKeys(document: Readonly<Record<string, Yaml>>): Readonly<Record<string, Yaml>> {
  return Object.fromEntries(
    Object.entries(document).map(([key, value]) => [
      key.toLowerCase(),
      isRecord(value) ? foldKeys(value) : value,
    ]),
  )
}

/** Our own file: every key is known, or refused. */
function readFloebergYaml(text: string, origin: FileOrigin): ConfigLayer {
  const { catalog, 'default-catalog': defaultCatalog, ...rest } = parseYaml(text, origin)
  return {
    defaultCatalog: defaultName(defaultCatalog, origin),
    catalogs: readCatalogs(catalog, origin),
    settings: readSettings(rest, origin),
  }
}

function defaultName(value: Yaml | undefined, origin: FileOrigin): Setting<string> | null {
  if (value === undefined || value === '') return null
  if (typeof value === 'string') return { value, origin }
  throw new InvalidConfigError('default-catalog: expected the name of a catalog', {
    path: 'default-catalog',
    file: origin.file,
  })
}

function readCatalogs(value: Yaml | undefined, origin: FileOrigin): ReadonlyMap<string, CatalogLayer> {
  const catalogs = new Map<string, CatalogLayer>()
  if (value === undefined || value === '') return catalogs
  if (!isRecord(value)) throw expectedMap('catalog', origin)
  for (const [name, properties] of Object.entries(value)) {
    const path = `catalog.${name}`
    if (catalogs.has(name.toLowerCase())) {
      throw new InvalidConfigError(`${path}: another catalog has this name, but for upper and lower case`, {
        path,
        file: origin.file,
      })
    }
    if (!isRecord(properties)) throw expectedMap(path, origin)
    catalogs.set(name.toLowerCase(), new Map(flatProperties(properties, { path, prefix: '', origin })))
  }
  return catalogs
}

interface Place {
  readonly path: string
  readonly prefix: string
  readonly origin: FileOrigin
}

/** `s3: {endpoint: …}` is `s3.endpoint: …`. */
function flatProperties(
  properties: Readonly<Record<string, Yaml>>,
  { path, prefix, origin }: Place,
): readonly (readonly [string, Setting<string | Secret>])[] {
  return Object.entries(properties).flatMap(([name, value]) => {
    const key = `${prefix}${name}`
    if (isRecord(value)) return flatProperties(value, { path, prefix: `${key}.`, origin })
    if (typeof value === 'string') {
      refuseActive(key, path, origin)
      // As in PyIceberg, an empty value is none.
      return value === '' ? [] : [[key, { value: wrapSecret(key, value), origin }] as const]
    }
    throw new InvalidConfigError(`${path}.${key}: expected text, not a list`, {
      path: `${path}.${key}`,
      file: origin.file,
    })
  })
}

/** Keys that run commands or load code; Python's own (`py-io-impl`) mean nothing here. */
const ACTIVE = /(?:^|[.-])(?:plugin|impl|module|command|exec|process)$/

function refuseActive(key: string, path: string, origin: FileOrigin): void {
  if (origin.trusted || !ACTIVE.test(key.toLowerCase()) || key.toLowerCase().startsWith('py-')) return
  throw new InvalidConfigError(
    `${path}.${key} may not be set by a file that was only found in the working folder`,
    {
      path: `${path}.${key}`,
      file: origin.file,
      hint: 'It names code to run. Name the file (FLOEBERG_CONFIG, or configFile) if you trust it.',
    },
  )
}

function readSettings(
  document: Readonly<Record<string, Yaml>>,
  origin: FileOrigin,
  prefix = '',
): ReadonlyMap<string, Setting> {
  const settings = new Map<string, Setting>()
  for (const [key, value] of Object.entries(document)) {
    // Empty is as good as not there.
    if (value === '') continue
    const path = `${prefix}${camelCase(key)}`
    for (const [found, setting] of readSetting(path, key, value, origin)) settings.set(found, setting)
  }
  return settings
}

function readSetting(
  path: string,
  key: string,
  value: Yaml,
  origin: FileOrigin,
): Iterable<[string, Setting]> {
  const form = SETTING_FORMS[path]
  if (form === 'map' && isRecord(value)) return readMap(path, value, origin)
  if (form !== undefined && form !== 'map') {
    const plain = typeof value === 'string' ? textValue(path, value) : value
    return [[path, { value: plain, origin }]]
  }
  const isSection = Object.keys(SETTING_FORMS).some((known) => known.startsWith(`${path}.`))
  if ((isSection || form === 'map') && !isRecord(value)) throw expectedMap(path, origin)
  if (isSection && isRecord(value)) return readSettings(value, origin, `${path}.`)
  throw new InvalidConfigError(`${path} is not a setting`, {
    path,
    file: origin.file,
    hint: didYouMean(key, knownKeys(path)),
  })
}

function readMap(
  path: string,
  value: Readonly<Record<string, Yaml>>,
  origin: FileOrigin,
): [string, Setting][] {
  return Object.entries(value).map(([key, entry]) => [`${path}.${key}`, { value: entry, origin }])
}

/** Keys that may stand where `path` stands, in the files' spelling. */
function knownKeys(path: string): readonly string[] {
  const depth = path.split('.').length - 1
  const parent = path.split('.').slice(0, depth).join('.')
  const siblings = Object.keys(SETTING_FORMS).filter(
    (known) => parent === '' || known.startsWith(`${parent}.`),
  )
  const keys = siblings.map((known) => kebabCase(known.split('.')[depth] ?? ''))
  return [...new Set(depth === 0 ? [...keys, 'catalog', 'default-catalog'] : keys)]
}

function expectedMap(path: string, origin: FileOrigin): InvalidConfigError {
  return new InvalidConfigError(`${path}: expected a mapping of keys to values`, { path, file: origin.file })
}

/** Files have dashes, as PyIceberg's do; code has capitals. */
function camelCase(key: string): string {
  return key.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function kebabCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
