/** Which catalog is meant, and with which properties. */
import { InvalidConfigError } from '../errors.ts'
import { Secret } from '../secret.ts'
import type { CatalogLayer, ConfigLayer, ConfigLayers, Origin, Setting } from './config-layers.ts'
import { overlay } from './config-layers.ts'
import type { PropertyInput } from './config-schema.ts'
import { wrapSecret } from './config-secrets.ts'
import { didYouMean } from '../format/did-you-mean.ts'

export interface CatalogChoice {
  readonly name: string
  readonly nameOrigin: Origin
  readonly properties: CatalogLayer
  /** Catalogs that files and variables name. */
  readonly known: readonly string[]
}

interface Given {
  readonly catalog?: string | Readonly<Record<string, PropertyInput>> | undefined
  readonly catalogProperties?: Readonly<Record<string, PropertyInput>> | undefined
}

const DEFAULT_NAME = 'default'

/** InvalidConfigError when the catalog that is asked for is not configured anywhere. */
export function resolveCatalog(given: Given, layers: ConfigLayers): CatalogChoice {
  const known = knownNames(layers)
  const extra = argumentProperties(given.catalogProperties ?? {})
  if (typeof given.catalog === 'object') {
    const { name = DEFAULT_NAME, ...properties } = given.catalog
    const own = overlay(argumentProperties(properties), extra)
    return { name: plainText(name), nameOrigin: { kind: 'argument' }, properties: own, known }
  }
  const { value: name, origin } = chosenName(given.catalog, layers)
  const configured = configuredProperties(name, layers)
  if (configured === null) throw unknownCatalog(name, known)
  return { name, nameOrigin: origin, properties: overlay(configured, extra), known }
}

function chosenName(argument: string | undefined, layers: ConfigLayers): Setting<string> {
  if (argument !== undefined) return { value: argument, origin: { kind: 'argument' } }
  return (
    layers.floebergVariables.defaultCatalog ??
    layers.pyicebergVariables.defaultCatalog ??
    layers.floebergFile.defaultCatalog ??
    layers.pyicebergFile.defaultCatalog ?? { value: DEFAULT_NAME, origin: { kind: 'default' } }
  )
}

/**
 * One file only: properties of two files that happen to use one name do not belong together. What
 * variables say goes before either.
 */
function configuredProperties(name: string, layers: ConfigLayers): CatalogLayer | null {
  const key = name.toLowerCase()
  const fromFile = layers.floebergFile.catalogs.get(key) ?? layers.pyicebergFile.catalogs.get(key)
  const fromVariables = [layers.pyicebergVariables, layers.floebergVariables].map((layer) =>
    layer.catalogs.get(variableKey(key, layers)),
  )
  const found = [fromFile, ...fromVariables].filter((layer) => layer !== undefined)
  return found.length === 0 ? null : overlay(...found)
}

/** Variables cannot tell `my_catalog` from `my-catalog`: they are the latter's where both exist. */
function variableKey(key: string, { floebergFile, pyicebergFile }: ConfigLayers): string {
  const dashed = key.replaceAll('_', '-')
  const taken = floebergFile.catalogs.has(dashed) || pyicebergFile.catalogs.has(dashed)
  return taken ? key : dashed
}

function argumentProperties(properties: Readonly<Record<string, PropertyInput>>): CatalogLayer {
  return new Map(
    Object.entries(properties).map(([key, value]) => [
      key,
      {
        value: value instanceof Secret ? value : wrapSecret(key, String(value)),
        origin: { kind: 'argument' },
      },
    ]),
  )
}

function plainText(value: PropertyInput): string {
  return value instanceof Secret ? value.reveal() : String(value)
}

function knownNames(layers: ConfigLayers): readonly string[] {
  return [
    ...new Set(Object.values(layers).flatMap((layer: ConfigLayer) => [...layer.catalogs.keys()])),
  ].sort()
}

function unknownCatalog(name: string, known: readonly string[]): InvalidConfigError {
  const listed = known.length === 0 ? 'None is configured: ' : `Configured are ${known.join(', ')}; or `
  const meant = didYouMean(name, known)
  return new InvalidConfigError(`no catalog is configured under the name ${name}`, {
    path: 'catalog',
    hint:
      meant ??
      `${listed}name it in floeberg.yaml, or give its uri and warehouse (\`--catalog-uri\`, \`--warehouse\`).`,
  })
}
