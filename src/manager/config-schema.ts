/** The settings of a manager, as Zod schemas and the types inferred from them. */
import { z } from 'zod'
import { validateProperties } from '../format/properties.ts'
import { Secret } from '../secret.ts'

const milliseconds = z.number().int().min(0)
const bounds = z.strictObject({
  min: z.number().min(0).optional(),
  max: z.number().min(0).optional(),
})

/** `4GiB`, `512 MB`: a number with a unit, decimal (MB) or binary (MiB). */
const SIZE = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?$/i
const UNITS = ['b', 'kb', 'mb', 'gb', 'tb'] as const
const BINARY_UNITS = ['b', 'kib', 'mib', 'gib', 'tib'] as const

const size = z
  .union([z.number().int().positive(), z.string().regex(SIZE)], {
    error: 'expected a number of bytes, or a size such as 4GiB',
  })
  .refine((value) => sizeInBytes(value) > 0, { error: 'expected a byte at least' })

const engineSchema = z.strictObject({
  /** Bytes, or a size such as `4GiB`. Default: half of the machine's memory. */
  memoryLimitBytes: size.optional(),
  /** Default: one per processor. */
  threads: z.number().int().min(1).max(1024).optional(),
})

/** Each applies where neither the call nor the table (`commit.retry.*`) says otherwise. */
const commitPolicySchema = z.strictObject({
  retries: z.number().int().min(0).optional(),
  minWaitMs: milliseconds.optional(),
  maxWaitMs: milliseconds.optional(),
  totalTimeoutMs: milliseconds.optional(),
  /** A cap: no table and no call may retry more often. */
  maxRetries: z.number().int().min(0).optional(),
})

const retentionSchema = z.strictObject({
  /** Snapshots older than this are expired, where neither call, ref nor table says otherwise. */
  maxAgeDays: z.number().positive().default(7),
  /** At least so many snapshots of a branch are kept, whatever their age. */
  minSnapshotsToKeep: z.number().int().min(1).default(10),
  /** What an administrator allows: a value outside is refused, never changed. None by default. */
  bounds: z
    .strictObject({ maxAgeDays: bounds.optional(), minSnapshotsToKeep: bounds.optional() })
    .default({}),
})

const settingsShape = {
  engine: engineSchema.default({}),
  /** Folder for spills and staged files. Default: below the system's temporary folder. */
  scratchDir: z.string().min(1).optional(),
  /** Locations besides a table's own that its metadata may point into. */
  extraRoots: z.array(z.string().min(1)).readonly().default([]),
  commitStrategy: z.enum(['fast_append', 'merge_commit']).default('fast_append'),
  commitPolicy: commitPolicySchema.default({}),
  retention: retentionSchema.default({ maxAgeDays: 7, minSnapshotsToKeep: 10, bounds: {} }),
  /**
   * What to do about a table whose current metadata cannot be read: `strict`, an error that names the
   * newest version that can. `repair` is refused: going back gives up commits, which is for somebody
   * to decide (`repairTable`).
   */
  staleTableRecovery: z.enum(['strict', 'repair']).default('strict'),
  /** Properties of new tables, below those of the call. */
  tableProperties: z
    .record(z.string(), z.string())
    .superRefine((properties, context) => {
      for (const { key, reason } of validateProperties(properties)) {
        context.addIssue({ code: 'custom', path: [key], message: reason })
      }
    })
    .default({}),
}

/** Everything but the catalog. */
export const managerSettingsSchema = z.strictObject(settingsShape)

const propertyValue = z.union([z.string(), z.number(), z.boolean(), z.instanceof(Secret)], {
  error: 'expected text, a number, true, false or a Secret',
})

/** The Zod schema of what `IcebergTableManager.open` takes. */
export const managerConfigSchema = z.strictObject({
  /**
   * The name of a configured catalog; or its properties, with PyIceberg's names, and `name`
   * (default `default`). Properties given here are all there are: no file or variable adds to them.
   */
  catalog: z.union([z.string().min(1), z.record(z.string(), propertyValue)]).optional(),
  /** Properties that go before those of a catalog that is named. */
  catalogProperties: z.record(z.string(), propertyValue).optional(),
  /** A `floeberg.yaml` to read, whatever its name and place; null looks for no file at all. */
  configFile: z.string().min(1).nullable().optional(),
  ...managerSettingsSchema.partial().shape,
})

/** How a manager is to be opened. */
export type ManagerConfig = z.input<typeof managerConfigSchema>
/** Settings after validation, with defaults filled in. */
export type ManagerSettings = z.output<typeof managerSettingsSchema>
/** A property of a catalog as it may be given in code. */
export type PropertyInput = z.input<typeof propertyValue>

/** Bytes of a size as settings have it. */
export function sizeInBytes(size: number | string): number {
  if (typeof size === 'number') return size
  const [, amount = '', unit = 'b'] = SIZE.exec(size.trim()) ?? []
  const folded = unit.toLowerCase()
  const binary = BINARY_UNITS.findIndex((name) => name === folded)
  const factor = binary >= 0 ? 1024 ** binary : 1000 ** UNITS.findIndex((name) => name === folded)
  return Math.floor(Number(amount) * factor)
}

/** How a setting is given where there is only text: files and variables. */
export type SettingForm = 'text' | 'number' | 'list' | 'map'

/** Every setting, by its dotted path. */
export const SETTING_FORMS: Readonly<Record<string, SettingForm>> = {
  'engine.memoryLimitBytes': 'text',
  'engine.threads': 'number',
  scratchDir: 'text',
  extraRoots: 'list',
  commitStrategy: 'text',
  'commitPolicy.retries': 'number',
  'commitPolicy.minWaitMs': 'number',
  'commitPolicy.maxWaitMs': 'number',
  'commitPolicy.totalTimeoutMs': 'number',
  'commitPolicy.maxRetries': 'number',
  'retention.maxAgeDays': 'number',
  'retention.minSnapshotsToKeep': 'number',
  'retention.bounds.maxAgeDays.min': 'number',
  'retention.bounds.maxAgeDays.max': 'number',
  'retention.bounds.minSnapshotsToKeep.min': 'number',
  'retention.bounds.minSnapshotsToKeep.max': 'number',
  staleTableRecovery: 'text',
  tableProperties: 'map',
}
