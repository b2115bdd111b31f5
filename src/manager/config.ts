/**
 * Where a manager's configuration comes from: arguments, then environment variables, then files,
 * then defaults. Each value keeps where it came from.
 */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import type { z } from 'zod'
import { InvalidConfigError, UnsupportedFeatureError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { resolveCatalog, type CatalogChoice } from './config-catalog.ts'
import { floebergVariables, pyicebergVariables } from './config-environment.ts'
import { readFloebergFile, readPyicebergFile, type Surroundings } from './config-files.ts'
import {
  EMPTY_LAYER,
  originText,
  overlay,
  type ConfigLayers,
  type Origin,
  type Setting,
} from './config-layers.ts'
import {
  managerConfigSchema,
  managerSettingsSchema,
  SETTING_FORMS,
  type ManagerConfig,
  type ManagerSettings,
} from './config-schema.ts'
import { maskedValue, revealProperties } from './config-secrets.ts'
import { didYouMean } from '../format/did-you-mean.ts'

export { managerConfigSchema, managerSettingsSchema, sizeInBytes } from './config-schema.ts'
export type { ManagerConfig, ManagerSettings } from './config-schema.ts'
export type { Surroundings } from './config-files.ts'

/** One value of the configuration, as people may see it. */
export interface ConfigEntry {
  /** Dotted: `engine.threads`, `catalog.prod.uri`. */
  readonly key: string
  /** Secrets are `***`. */
  readonly value: string
  /** A file's path, a variable's name, `argument` or `default`. */
  readonly origin: string
}

export interface LoadedConfig {
  readonly catalog: {
    /** As it was asked for: part of every key in SQL catalogs. */
    readonly name: string
    readonly properties: Readonly<Record<string, string | Secret>>
  }
  readonly settings: ManagerSettings
  /** Catalogs that files and variables name. */
  readonly catalogNames: readonly string[]
  /** Every value with its origin. */
  describe(): readonly ConfigEntry[]
  /**
   * The catalog's properties for the one who connects, with references to secrets looked up now.
   * InvalidConfigError when a variable or a file is not there.
   */
  revealCatalog(): Promise<Readonly<Record<string, string>>>
}

/** The surroundings of this process. */
export function processSurroundings(): Surroundings {
  return { env: process.env, workingFolder: process.cwd(), homeFolder: homedir(), readText: readTextFile }
}

async function readTextFile(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new InvalidConfigError('the file cannot be read', { file: path, cause })
  }
}

/**
 * The configuration for a manager. InvalidConfigError, naming the setting and where it came from,
 * for anything that is not right; UnsupportedFeatureError for a setting that nothing follows yet.
 */
export async function loadConfig(
  config: ManagerConfig = {},
  around: Surroundings = processSurroundings(),
): Promise<LoadedConfig> {
  const given = parse(managerConfigSchema, config, () => ({ kind: 'argument' }))
  const layers = await readLayers(given.configFile, around)
  const settings = mergeSettings(layers, argumentSettings(config))
  const parsed = parse(managerSettingsSchema, nested(settings), (path) => originOf(settings, path))
  refuseNotBuilt(settings)
  const catalog = resolveCatalog(given, layers)
  const properties = Object.fromEntries([...catalog.properties].map(([key, { value }]) => [key, value]))
  return {
    catalog: { name: catalog.name, properties },
    settings: parsed,
    catalogNames: catalog.known,
    describe: () => [...describeCatalog(catalog), ...describeSettings(parsed, settings)],
    revealCatalog: () => revealProperties(properties, around, `catalog.${catalog.name}`),
  }
}

/** Settings that are given in code, past any configuration. InvalidConfigError, naming the setting. */
export function checkSettings(settings: z.input<typeof managerSettingsSchema>): ManagerSettings {
  return parse(managerSettingsSchema, settings, () => ({ kind: 'argument' }))
}

async function readLayers(
  configFile: string | null | undefined,
  around: Surroundings,
): Promise<ConfigLayers> {
  const noFiles = configFile === null
  return {
    pyicebergFile: noFiles ? EMPTY_LAYER : await readPyicebergFile(around),
    floebergFile: noFiles ? EMPTY_LAYER : await readFloebergFile(around, configFile),
    pyicebergVariables: pyicebergVariables(around.env),
    floebergVariables: floebergVariables(around.env),
  }
}

function mergeSettings(layers: ConfigLayers, argument: ReadonlyMap<string, Setting>): Map<string, Setting> {
  return overlay(layers.floebergFile.settings, layers.floebergVariables.settings, argument)
}

/** Settings given in code, by dotted path. */
function argumentSettings(config: ManagerConfig): Map<string, Setting> {
  const found = new Map<string, Setting>()
  for (const [path, form] of Object.entries(SETTING_FORMS)) {
    const value = path.split('.').reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), config)
    if (value === undefined) continue
    if (form !== 'map' || !isRecord(value)) {
      found.set(path, { value, origin: { kind: 'argument' } })
      continue
    }
    for (const [key, entry] of Object.entries(value)) {
      found.set(`${path}.${key}`, { value: entry, origin: { kind: 'argument' } })
    }
  }
  return found
}

function refuseNotBuilt(settings: ReadonlyMap<string, Setting>): void {
  for (const [path, { value, origin }] of settings) {
    if (path === 'staleTableRecovery' && value === 'repair') {
      throw new UnsupportedFeatureError(
        `the setting ${path} (from ${originText(origin)}) cannot be repair: no table is repaired without being asked`,
        {
          file: origin.kind === 'file' ? origin.file : undefined,
          hint: 'Take it out, or set it to strict; planRepair and repairTable bring a broken table back.',
        },
      )
    }
  }
}

/** Dotted paths as nested objects; the entries of a map keep their dots. */
function nested(settings: ReadonlyMap<string, Setting>): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const [path, { value }] of settings) {
    const keys = settingKeys(path)
    const last = keys.pop() ?? path
    let at = root
    for (const key of keys) {
      const inner = at[key]
      const next: Record<string, unknown> = isRecord(inner) ? inner : {}
      at[key] = next
      at = next
    }
    // Keys of a map are free: `__proto__` must be a key like any other.
    Object.defineProperty(at, last, { value, enumerable: true, writable: true, configurable: true })
  }
  return root
}

function settingKeys(path: string): string[] {
  const map = Object.keys(SETTING_FORMS).find(
    (known) => SETTING_FORMS[known] === 'map' && path.startsWith(`${known}.`),
  )
  return map === undefined ? path.split('.') : [map, path.slice(map.length + 1)]
}

function originOf(settings: ReadonlyMap<string, Setting>, path: string): Origin {
  const exact = settings.get(path)
  if (exact !== undefined) return exact.origin
  // A fault within a list is reported at its item.
  const parent = [...settings].find(([known]) => path.startsWith(`${known}[`) || path.startsWith(`${known}.`))
  return parent?.[1].origin ?? { kind: 'default' }
}

function parse<S extends z.ZodType>(
  schema: S,
  value: unknown,
  originAt: (path: string) => Origin,
): z.output<S> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys') throw unknownKey(issue.path, issue.keys[0] ?? '')
  const path = dotted(issue?.path ?? [])
  const origin = originAt(path)
  const from = origin.kind === 'argument' || origin.kind === 'default' ? '' : ` (from ${originText(origin)})`
  throw new InvalidConfigError(`${path || 'the configuration'}: ${issue?.message ?? 'is not valid'}${from}`, {
    path,
    file: origin.kind === 'file' ? origin.file : undefined,
  })
}

function unknownKey(parent: readonly PropertyKey[], key: string): InvalidConfigError {
  const path = dotted([...parent, key])
  const prefix = parent.length === 0 ? '' : `${dotted(parent)}.`
  const siblings = [...Object.keys(SETTING_FORMS), 'catalog', 'catalogProperties', 'configFile']
    .filter((known) => known.startsWith(prefix))
    .map((known) => known.slice(prefix.length).split('.')[0] ?? known)
  return new InvalidConfigError(`${path} is not a setting`, { path, hint: didYouMean(key, siblings) })
}

function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}

function describeCatalog(catalog: CatalogChoice): readonly ConfigEntry[] {
  const properties = [...catalog.properties].map(([key, { value, origin }]) => ({
    key: `catalog.${catalog.name}.${key}`,
    value: maskedValue(key, value),
    origin: originText(origin),
  }))
  return [{ key: 'catalog', value: catalog.name, origin: originText(catalog.nameOrigin) }, ...properties]
}

function describeSettings(
  parsed: ManagerSettings,
  settings: ReadonlyMap<string, Setting>,
): readonly ConfigEntry[] {
  return flatten(parsed, '').map(([key, value]) => ({
    key,
    value: maskedValue(key, Array.isArray(value) ? value.join(', ') : String(value)),
    origin: originText(originOf(settings, key)),
  }))
}

function flatten(
  value: Readonly<Record<string, unknown>>,
  prefix: string,
): readonly (readonly [string, unknown])[] {
  return Object.entries(value).flatMap(([key, entry]) =>
    isRecord(entry) ? flatten(entry, `${prefix}${key}.`) : [[`${prefix}${key}`, entry] as const],
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
