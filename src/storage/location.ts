/**
 * Locations: full URIs such as `s3://bucket/key` and `file:///warehouse/t`.
 *
 * What stands in metadata is used verbatim: nothing is percent-decoded or encoded on the way to a
 * path, so `file:///a b/%20` is the folder `%20` inside `/a b`. Other clients write local paths in
 * several forms (`/wh/t`, `file:/wh/t`, `C:\wh\t`); `canonicalLocation` maps those of one place to
 * one text, for comparison only.
 */
import { InvalidLocationError } from '../errors.ts'

/** The parts of a location. */
export interface ParsedLocation {
  /** Lower case, without `:`. A bare absolute path has the scheme `file`. */
  readonly scheme: string
  /** Bucket, container or host; empty for local files. */
  readonly authority: string
  /** Verbatim, with its leading `/`; empty when nothing follows the authority. */
  readonly path: string
}

const DRIVE_PATH = /^[a-zA-Z]:[\\/]/
// Two letters at least: a single one before the colon is a drive, never a scheme.
const URI = /^([a-zA-Z][a-zA-Z0-9+.-]+):(.*)$/s
const CONTROL_OR_BROKEN = /[\p{Cc}\p{Cs}]/u

/** InvalidLocationError for a relative path and for what is no location at all. */
export function parseLocation(location: string): ParsedLocation {
  if (location.startsWith('/')) return { scheme: 'file', authority: '', path: location }
  if (DRIVE_PATH.test(location)) {
    return { scheme: 'file', authority: '', path: `/${location.replaceAll('\\', '/')}` }
  }
  const match = URI.exec(location)
  if (match === null) throw notAbsolute(location)
  const [, scheme = '', rest = ''] = match
  if (rest.startsWith('//')) return splitAuthority(scheme.toLowerCase(), rest.slice(2))
  if (rest.startsWith('/')) return { scheme: scheme.toLowerCase(), authority: '', path: rest }
  throw notAbsolute(location)
}

function splitAuthority(scheme: string, rest: string): ParsedLocation {
  const slash = rest.indexOf('/')
  const authority = slash === -1 ? rest : rest.slice(0, slash)
  const path = slash === -1 ? '' : rest.slice(slash)
  return { scheme, authority: scheme === 'file' && authority === 'localhost' ? '' : authority, path }
}

/** Base and segments joined by single slashes; empty segments are left out, nothing is escaped. */
export function joinLocation(base: string, ...segments: readonly string[]): string {
  const parts = segments.map((segment) => segment.replace(/^\/+|\/+$/g, '')).filter((part) => part !== '')
  // The slashes of `file:///` belong to the scheme.
  const root = /^[a-zA-Z][a-zA-Z0-9+.-]+:\/*$/.test(base) ? base.replace(/\/$/, '') : base.replace(/\/+$/, '')
  return [root, ...parts].join('/')
}

/** `file:///…` of an absolute path on this machine, verbatim. */
export function toFileUri(path: string): string {
  const { scheme, path: absolute } = parseLocation(path)
  if (scheme !== 'file') throw new InvalidLocationError('Not a path on this machine', { file: path })
  return `file://${absolute}`
}

/** The path on this machine's disk of a `file:` location or absolute path. */
export function localPathOf(location: string, platform: string = process.platform): string {
  const { scheme, authority, path } = parseLocation(location)
  if (scheme !== 'file' || path === '') {
    throw new InvalidLocationError('Not a file on this machine', { file: maskLocation(location) })
  }
  if (authority !== '') {
    throw new InvalidLocationError('A file location names another machine', {
      file: maskLocation(location),
      hint: 'Local locations have three slashes: file:///folder/file.',
    })
  }
  if (path.includes('\0')) {
    throw new InvalidLocationError('A file location holds a NUL character')
  }
  return platform === 'win32' && DRIVE_PATH.test(path.slice(1)) ? path.slice(1) : path
}

/** One text for all forms of one place; never store it, only compare. */
export function canonicalLocation(location: string): string {
  const { scheme, authority, path } = parseLocation(location)
  if (scheme === 'file') return `file://${authority}${resolveDots(path)}`
  return `${SAME_STORE.get(scheme) ?? scheme}://${authority}${path.replace(/\/+$/, '')}`
}

/** Schemes that name the same objects. */
const SAME_STORE: ReadonlyMap<string, string> = new Map([
  ['s3a', 's3'],
  ['s3n', 's3'],
  ['gcs', 'gs'],
  ['abfs', 'abfss'],
  ['wasb', 'wasbs'],
])

function resolveDots(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return segments.map((segment) => `/${segment}`).join('')
}

/** True when the two name the same place, whatever form they are written in. */
export function sameLocation(a: string, b: string): boolean {
  return canonicalLocation(a) === canonicalLocation(b)
}

/**
 * True when the location is the root or lies below it. `t10` is not within `t1`. What cannot be
 * parsed, a key with `.` or `..` segments on an object store (servers differ in what it means), and a
 * file URI with such segments beside a backslash (systems differ), is within nothing.
 */
export function isWithin(location: string, root: string): boolean {
  return within(root)(location)
}

/** As isWithin, for asking about many locations: whether one is the root or lies below it. */
export function within(root: string): (location: string) => boolean {
  const folder = canonicalOrNull(root)
  if (folder === null) return () => false
  const plain = root.endsWith('/') ? root : `${root}/`
  const below = folder.endsWith('/') ? folder : `${folder}/`
  return (location) => {
    // Nearly every location is its root as it is written, and names behind it.
    if (location.startsWith(plain) && !NEEDS_RESOLVING.test(location.slice(plain.length))) return true
    const place = canonicalOrNull(location)
    return place !== null && (place === folder || place.startsWith(below))
  }
}

/** Segments that are dots, and backslashes, which part them in a Windows path. */
const NEEDS_RESOLVING = /(^|\/)\.{1,2}(\/|$)|\\/

const DOTS_AT_BACKSLASH = /\\\.{1,2}([\\/]|$)|(^|\/)\.{1,2}\\/

function canonicalOrNull(location: string): string | null {
  try {
    const { scheme, path } = parseLocation(location)
    if (scheme !== 'file' && /(^|\/)\.{1,2}(\/|$)/.test(path)) return null
    // In a URI only Windows takes a backslash for a slash, and would find the dots beside it.
    if (scheme === 'file' && DOTS_AT_BACKSLASH.test(path)) return null
    return canonicalLocation(location)
  } catch (error) {
    // Containment is asked about other people's input: what is no location lies nowhere.
    if (error instanceof InvalidLocationError) return null
    throw error
  }
}

/**
 * The form in which a new location is stored: a full URI without a trailing slash.
 * InvalidLocationError for relative paths and, on the local disk, for the characters at which
 * other clients cut a path.
 */
export function newLocation(location: string): string {
  const { scheme, authority, path } = parseLocation(location)
  if (CONTROL_OR_BROKEN.test(location)) {
    throw new InvalidLocationError('A location holds a control character or broken Unicode')
  }
  if (scheme !== 'file') return `${scheme}://${authority}${path.replace(/\/+$/, '')}`
  if (/[#?]/.test(path)) {
    throw new InvalidLocationError("A new local location holds '#' or '?', where other clients cut it", {
      file: location,
      hint: 'Choose a folder without these characters.',
    })
  }
  localPathOf(location)
  return `file://${resolveDots(path)}`
}

const LONGEST_SEGMENT_BYTES = 200

/**
 * A namespace level or table name as one folder name: letters and digits of any script, `_`, `-`,
 * `.` and `~` stay (not a leading dot), all else is percent-encoded; cut to 200 bytes.
 */
export function escapeSegment(name: string): string {
  let escaped = ''
  let bytes = 0
  for (const character of name) {
    const keep = /[\p{L}\p{M}\p{N}_.~-]/u.test(character) && !(escaped === '' && character === '.')
    const piece = keep ? character : percentEncoded(character)
    bytes += new TextEncoder().encode(piece).length
    if (bytes > LONGEST_SEGMENT_BYTES) break
    escaped += piece
  }
  return escaped
}

function percentEncoded(character: string): string {
  const bytes = new TextEncoder().encode(character)
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

/** What follows the last slash. */
export function fileNameOf(location: string): string {
  return location.slice(location.lastIndexOf('/') + 1)
}

/** A location for an error message or a log: values in `column=value` folders are masked. */
export function maskLocation(location: string): string {
  return location.replace(/(^|\/)([^/=]+)=[^/]*(?=\/)/g, '$1$2=***')
}

function notAbsolute(location: string): InvalidLocationError {
  return new InvalidLocationError('Not a full location', {
    file: maskLocation(location),
    hint: 'Give a full URI such as s3://bucket/folder or file:///folder, or an absolute path.',
  })
}
