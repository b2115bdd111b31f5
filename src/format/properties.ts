/**
 * Table properties that this code knows, with type, default and bounds. Unknown keys are the user's
 * own and pass unchecked; a known one with a bad value is refused when it is set.
 */
import { InvalidConfigError } from '../errors.ts'

type Properties = Readonly<Record<string, string>>

type PropertyRule =
  | { readonly type: 'int'; readonly default: number; readonly min: number; readonly max?: number }
  | { readonly type: 'bool'; readonly default: boolean }
  | { readonly type: 'string'; readonly default: string; readonly check?: (text: string) => string | null }

const oneOf =
  (...words: readonly string[]) =>
  (text: string): string | null =>
    words.includes(text.toLowerCase()) ? null : `must be one of ${words.join(', ')}`

const metricsMode = (text: string): string | null =>
  /^(none|counts|full|truncate\(0*[1-9]\d{0,8}\))$/i.test(text.trim())
    ? null
    : 'must be none, counts, full or truncate(length)'

const MIB = 1024 * 1024
/** Stands for "for ever" where the property is a number of milliseconds or snapshots. */
const UNLIMITED = Number.MAX_SAFE_INTEGER

const RULES = {
  'commit.retry.num-retries': { type: 'int', default: 4, min: 0 },
  'commit.retry.min-wait-ms': { type: 'int', default: 100, min: 0 },
  'commit.retry.max-wait-ms': { type: 'int', default: 60_000, min: 0 },
  'commit.retry.total-timeout-ms': { type: 'int', default: 1_800_000, min: 0 },
  'commit.manifest.target-size-bytes': { type: 'int', default: 8 * MIB, min: 1 },
  'commit.manifest.min-count-to-merge': { type: 'int', default: 100, min: 1 },
  'commit.manifest-merge.enabled': { type: 'bool', default: true },
  'write.format.default': { type: 'string', default: 'parquet', check: oneOf('parquet', 'avro', 'orc') },
  'write.delete.format.default': {
    type: 'string',
    default: 'parquet',
    check: oneOf('parquet', 'avro', 'orc'),
  },
  'write.target-file-size-bytes': { type: 'int', default: 512 * MIB, min: 1 },
  'write.delete.target-file-size-bytes': { type: 'int', default: 64 * MIB, min: 1 },
  'write.parquet.row-group-size-bytes': { type: 'int', default: 128 * MIB, min: 1 },
  'write.parquet.row-group-limit': { type: 'int', default: 1_048_576, min: 1 },
  'write.parquet.page-size-bytes': { type: 'int', default: MIB, min: 1 },
  'write.parquet.page-row-limit': { type: 'int', default: 20_000, min: 1 },
  'write.parquet.dict-size-bytes': { type: 'int', default: 2 * MIB, min: 1 },
  'write.parquet.bloom-filter-max-bytes': { type: 'int', default: MIB, min: 1 },
  'write.parquet.compression-codec': {
    type: 'string',
    default: 'zstd',
    check: oneOf('zstd', 'snappy', 'gzip', 'lz4', 'brotli', 'uncompressed'),
  },
  /** Its meaning is the codec's; the default is zstd's. */
  'write.parquet.compression-level': { type: 'int', default: 3, min: -131_072, max: 22 },
  'write.metadata.compression-codec': { type: 'string', default: 'none', check: oneOf('none', 'gzip') },
  'write.avro.compression-codec': {
    type: 'string',
    default: 'gzip',
    check: oneOf('gzip', 'zstd', 'snappy', 'uncompressed'),
  },
  'write.metadata.previous-versions-max': { type: 'int', default: 100, min: 0 },
  'write.metadata.delete-after-commit.enabled': { type: 'bool', default: false },
  'write.metadata.metrics.default': { type: 'string', default: 'truncate(16)', check: metricsMode },
  'write.metadata.metrics.max-inferred-column-defaults': { type: 'int', default: 100, min: 0 },
  'write.summary.partition-limit': { type: 'int', default: 0, min: 0 },
  'write.object-storage.enabled': { type: 'bool', default: false },
  'write.object-storage.partitioned-paths': { type: 'bool', default: true },
  'write.distribution-mode': { type: 'string', default: 'none', check: oneOf('none', 'hash', 'range') },
  'write.delete.mode': {
    type: 'string',
    default: 'copy-on-write',
    check: oneOf('copy-on-write', 'merge-on-read'),
  },
  'write.update.mode': {
    type: 'string',
    default: 'copy-on-write',
    check: oneOf('copy-on-write', 'merge-on-read'),
  },
  'write.merge.mode': {
    type: 'string',
    default: 'copy-on-write',
    check: oneOf('copy-on-write', 'merge-on-read'),
  },
  'history.expire.max-snapshot-age-ms': { type: 'int', default: 432_000_000, min: 0 },
  'history.expire.min-snapshots-to-keep': { type: 'int', default: 1, min: 0 },
  'history.expire.max-ref-age-ms': { type: 'int', default: UNLIMITED, min: 0 },
  'gc.enabled': { type: 'bool', default: true },
} as const satisfies Readonly<Record<string, PropertyRule>>

const rules: ReadonlyMap<string, PropertyRule> = new Map<string, PropertyRule>(Object.entries(RULES))

type KeyOf<Type extends PropertyRule['type']> = {
  [Key in keyof typeof RULES]: (typeof RULES)[Key] extends { readonly type: Type } ? Key : never
}[keyof typeof RULES]

export type IntPropertyKey = KeyOf<'int'>
export type BoolPropertyKey = KeyOf<'bool'>
export type StringPropertyKey = KeyOf<'string'>

/** Keys that end in a column's name. */
const COLUMN_RULES: readonly (readonly [string, (text: string) => string | null])[] = [
  ['write.metadata.metrics.column.', metricsMode],
  ['write.parquet.bloom-filter-enabled.column.', oneOf('true', 'false')],
]

/**
 * A whole number: of the table, else the default. InvalidConfigError when the stored text is none
 * or out of bounds.
 */
export function intProperty(properties: Properties, key: IntPropertyKey): number {
  const rule = RULES[key]
  const text = own(properties, key)
  if (text === undefined) return rule.default
  check(key, rule, text)
  return parseWhole(text) ?? rule.default
}

/** `true` or `false`, in any case. */
export function boolProperty(properties: Properties, key: BoolPropertyKey): boolean {
  const rule = RULES[key]
  const text = own(properties, key)
  if (text === undefined) return rule.default
  check(key, rule, text)
  return text.trim().toLowerCase() === 'true'
}

/** A text; one of a set of words comes in lower case. */
export function stringProperty(properties: Properties, key: StringPropertyKey): string {
  const rule: PropertyRule & { readonly type: 'string' } = RULES[key]
  const text = own(properties, key)
  if (text === undefined) return rule.default
  check(key, rule, text)
  return rule.check === undefined ? text : text.toLowerCase()
}

function own(properties: Properties, key: string): string | undefined {
  return Object.hasOwn(properties, key) ? properties[key] : undefined
}

function check(key: string, rule: PropertyRule, text: string): void {
  const reason = reasonAgainst(rule, text)
  if (reason !== null) {
    throw new InvalidConfigError(`table property ${key} ${reason}`, {
      path: key,
      hint: 'Set the property to a valid value, or remove it.',
    })
  }
}

function reasonAgainst(rule: PropertyRule, text: string): string | null {
  switch (rule.type) {
    case 'bool':
      return /^(true|false)$/i.test(text.trim()) ? null : 'must be true or false'
    case 'string':
      return rule.check?.(text) ?? null
    case 'int': {
      const number = parseWhole(text)
      if (number === null) return 'must be a whole number'
      if (number < rule.min) return `must be at least ${rule.min}`
      return rule.max !== undefined && number > rule.max ? `must be at most ${rule.max}` : null
    }
  }
}

/** Numbers beyond the safe integers, such as Java's greatest long for "no limit", are the greatest safe one. */
function parseWhole(text: string): number | null {
  const trimmed = text.trim()
  if (!/^[+-]?\d{1,19}$/.test(trimmed)) return null
  return Math.max(-UNLIMITED, Math.min(UNLIMITED, Number(trimmed)))
}

export interface PropertyProblem {
  readonly key: string
  readonly reason: string
}

/** Known properties whose values are not valid; empty when all is well. Unknown keys are allowed. */
export function validateProperties(properties: Properties): readonly PropertyProblem[] {
  return Object.entries(properties).flatMap(([key, text]) => {
    const reason = reasonAgainstKey(key, text)
    return reason === null ? [] : [{ key, reason }]
  })
}

function reasonAgainstKey(key: string, text: string): string | null {
  const rule = rules.get(key)
  if (rule !== undefined) return reasonAgainst(rule, text)
  const column = COLUMN_RULES.find(([prefix]) => key.startsWith(prefix))
  return column === undefined ? null : column[1](text)
}
