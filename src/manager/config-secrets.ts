/** What of a configuration is secret, how it is shown, and when it is looked up. */
import { InvalidConfigError } from '../errors.ts'
import { Secret } from '../secret.ts'

/** Words of a property's name that make its value a secret. */
const SECRET_WORDS = new Set([
  'secret',
  'secrets',
  'token',
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'credential',
  'credentials',
  'sas',
  'authorization',
  'cookie',
  'signature',
])

/** `s3.secret-access-key`, `adls.account-key`, `token`; not `s3.access-key-id`. */
export function isSecretKey(key: string): boolean {
  const words = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  return words.some((word, index) => {
    if (SECRET_WORDS.has(word)) return true
    const next = words[index + 1]
    if (word === 'key' || word === 'apikey') return next !== 'id'
    return word === 'connection' && next === 'string'
  })
}

/** `scheme://user:password@`, also where the password has signs that it should not have. */
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/[^/?#:@]*):.*@/i
/** A parameter of a URI that carries a secret. */
const SECRET_PARAMETER =
  /([?&;](?:[a-z0-9_.-]*(?:password|passwd|token|secret|key|credential)|pwd|sig|sas)=)[^&;]*/gi

/** True when a value carries a secret whatever its name: a URI with a password in it. */
export function carriesSecret(value: string): boolean {
  return USER_INFO.test(value) || value.search(SECRET_PARAMETER) >= 0
}

/** Wraps a value that is, or carries, a secret. */
export function wrapSecret(key: string, value: string): string | Secret {
  return isSecretKey(key) || carriesSecret(value) ? new Secret(value) : value
}

/** A reference to a secret is no secret: it is shown as it is. */
const REFERENCE = /^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:\/[^\s]*)$/

/** A value as people may see it. */
export function maskedValue(key: string, value: string | Secret): string {
  const text = value instanceof Secret ? value.reveal() : value
  if (isSecretKey(key)) return REFERENCE.test(text) ? text : '***'
  return text.replace(USER_INFO, '$1:***@').replaceAll(SECRET_PARAMETER, '$1***')
}

/** Where references to secrets are looked up. */
export interface SecretSource {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The file's text, or null when there is none. */
  readonly readText: (path: string) => Promise<string | null>
}

/**
 * Plain properties for the one who connects: secrets revealed, references looked up now, so that a
 * secret that was rotated is seen. `env:NAME` stands for a variable in any property, `file:/path`
 * for a file's text in those that are secret by name.
 *
 * InvalidConfigError, naming the property, when there is no such variable or file.
 */
export async function revealProperties(
  properties: Readonly<Record<string, string | Secret>>,
  source: SecretSource,
  path = 'catalog',
): Promise<Record<string, string>> {
  const revealed = Object.entries(properties).map(async ([key, value]) => {
    const text = value instanceof Secret ? value.reveal() : value
    return [key, await dereference(key, text, { source, path: `${path}.${key}` })] as const
  })
  return Object.fromEntries(await Promise.all(revealed))
}

async function dereference(
  key: string,
  text: string,
  { source, path }: { readonly source: SecretSource; readonly path: string },
): Promise<string> {
  if (!REFERENCE.test(text)) return text
  if (text.startsWith('env:')) {
    const name = text.slice('env:'.length)
    const value = source.env[name]
    if (value !== undefined && value !== '') return value
    throw new InvalidConfigError(`${path} refers to the variable ${name}, which is not set`, { path })
  }
  // Of other properties, `file:/path` is a location.
  if (!isSecretKey(key)) return text
  const file = text.replace(/^file:(\/\/(?=\/))?/, '')
  const value = await source.readText(file)
  if (value !== null) return value.replace(/\r?\n$/, '')
  throw new InvalidConfigError(`${path} refers to a file that is not there`, { path, file })
}
