/** Settings with their origins, before they are put together. */
import type { Secret } from '../secret.ts'

/** Where a value came from. */
export type Origin =
  | { readonly kind: 'default' }
  /** `trusted` is false for a file that was merely found in the working folder. */
  | { readonly kind: 'file'; readonly file: string; readonly trusted: boolean }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'argument' }

/** One value of one source. */
export interface Setting<T = unknown> {
  readonly value: T
  readonly origin: Origin
}

/** A catalog's properties by key. */
export type CatalogLayer = ReadonlyMap<string, Setting<string | Secret>>

/** What one source says. */
export interface ConfigLayer {
  readonly defaultCatalog: Setting<string> | null
  /** By name, in lower case: variables know no other. */
  readonly catalogs: ReadonlyMap<string, CatalogLayer>
  /** Own settings by dotted path, as in SETTING_FORMS; entries of a map by `map.key`. */
  readonly settings: ReadonlyMap<string, Setting>
}

/** The sources, from the one that goes last to the one that goes first. */
export interface ConfigLayers {
  readonly pyicebergFile: ConfigLayer
  readonly floebergFile: ConfigLayer
  readonly pyicebergVariables: ConfigLayer
  readonly floebergVariables: ConfigLayer
}

export const EMPTY_LAYER: ConfigLayer = { defaultCatalog: null, catalogs: new Map(), settings: new Map() }

/** For people: which file, which variable. */
export function originText(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default'
    case 'file':
      return origin.file
    case 'variable':
      return origin.name
    case 'argument':
      return 'argument'
  }
}

/** Later maps go before earlier ones. */
export function overlay<V>(...layers: readonly ReadonlyMap<string, V>[]): Map<string, V> {
  return new Map(layers.flatMap((layer) => [...layer]))
}
