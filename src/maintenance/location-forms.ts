/**
 * When two locations may name one object. Clients of one bucket write `s3`, `s3a` and `s3n`, and a slash
 * more or less; some reach a store by two names. What is not known to be equal is told apart, and a listing that meets the same
 * path under another scheme or authority must not take it for a file that nobody needs.
 */
import { canonicalLocation, parseLocation } from '../storage/location.ts'

/** Schemes, or authorities, that name the same store: `[['s3', 'cos'], …]`. */
export type EqualNames = readonly (readonly string[])[]

/** Which schemes and authorities are one, where two locations are compared. */
export interface FormOptions {
  /** Besides those that always are: `s3`, `s3a`, `s3n`; `gs`, `gcs`; `abfs`, `abfss`; `wasb`, `wasbs`. */
  readonly equalSchemes?: EqualNames | undefined
  /** Buckets, containers or hosts that are one. */
  readonly equalAuthorities?: EqualNames | undefined
}

/** A location taken apart, in the one form that all of its equals have. */
export interface LocationForm {
  /** Scheme and authority. */
  readonly prefix: string
  readonly path: string
}

export class LocationForms {
  readonly #schemes: ReadonlyMap<string, string>
  readonly #authorities: ReadonlyMap<string, string>

  constructor({ equalSchemes = [], equalAuthorities = [] }: FormOptions) {
    this.#schemes = representatives(equalSchemes.map((group) => group.map((name) => name.toLowerCase())))
    this.#authorities = representatives(equalAuthorities)
  }

  /** InvalidLocationError for what is no full location. */
  of(location: string): LocationForm {
    const { scheme, authority, path } = parseLocation(canonicalLocation(location))
    const known = this.#schemes.get(scheme) ?? scheme
    const prefix = `${known}://${this.#authorities.get(authority) ?? authority}`
    // To a store several slashes are another key than one, to Hadoop's clients the same. Where they are
    // taken for one, more seems to be needed: what is only spelt like it stays, too.
    return { prefix, path: path.replace(/\/{2,}/g, '/') }
  }
}

function representatives(groups: EqualNames): ReadonlyMap<string, string> {
  return new Map(groups.flatMap((group) => group.map((name) => [name, group[0] ?? name] as const)))
}
