/** Properties that name a column follow it when it is renamed, and go when it is deleted. */
import { METRICS_COLUMN_PREFIX } from '../metrics-config.ts'
import type { Schema } from '../schema.ts'
import { fieldName, findFieldByName } from '../schema-lookup.ts'
import { InvalidExpressionError } from '../../errors.ts'

const COLUMN_PREFIXES = [
  METRICS_COLUMN_PREFIX,
  'write.parquet.bloom-filter-enabled.column.',
  'write.parquet.bloom-filter-fpp.column.',
  'write.parquet.bloom-filter-ndv.column.',
  'write.parquet.stats-enabled.column.',
]

type Properties = Readonly<Record<string, string>>

/** What has to be set and removed; nothing where the change touches no such property. */
export interface PropertyUpdates {
  readonly set: Properties
  readonly remove: readonly string[]
}

export function evolveColumnProperties(
  properties: Properties,
  before: Schema,
  after: Schema,
): PropertyUpdates {
  const set: Record<string, string> = {}
  const moved: string[] = []
  for (const [key, value] of Object.entries(properties)) {
    const prefix = COLUMN_PREFIXES.find((each) => key.startsWith(each))
    const id = prefix === undefined ? undefined : idOf(before, key.slice(prefix.length))
    if (prefix === undefined || id === undefined) continue
    const name = fieldName(after, id)
    if (name === fieldName(before, id)) continue
    moved.push(key)
    if (name !== undefined) set[prefix + name] = value
  }
  // Two columns that exchange names exchange properties, too.
  return { set, remove: moved.filter((key) => !Object.hasOwn(set, key)) }
}

function idOf(schema: Schema, name: string): number | undefined {
  try {
    return findFieldByName(schema, name)?.id
  } catch (error) {
    // An ambiguous name is nobody's: such a property had no effect before, and has none after.
    if (error instanceof InvalidExpressionError) return undefined
    throw error
  }
}
