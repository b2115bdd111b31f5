/** Files and manifests with metrics computed naively from rows, and metrics gone wrong. */
import type { ContentFile, PartitionTuple } from '../../../src/format/manifest/entry.ts'
import type { ManifestFile, PartitionFieldSummary } from '../../../src/format/manifest/list.ts'
import type { PartitionSpec } from '../../../src/format/partition-spec.ts'
import { partitionType } from '../../../src/format/partition-spec.ts'
import type { Datum, PrimitiveType } from '../../../src/format/types.ts'
import { encodeBinary } from '../../../src/format/values/binary.ts'
import type { World } from './generators.ts'
import type { OracleRow } from './oracle.ts'

export function manifestOf(specId: number, partitions: ManifestFile['partitions']): ManifestFile {
  return {
    location: 'file:///wh/t/metadata/m.avro',
    length: 1000,
    specId,
    content: 'data',
    sequenceNumber: 1,
    minSequenceNumber: 1,
    addedSnapshotId: 1n,
    addedFilesCount: 1,
    existingFilesCount: 0,
    deletedFilesCount: 0,
    addedRowsCount: 1,
    existingRowsCount: 0,
    deletedRowsCount: 0,
    partitions,
    keyMetadata: null,
    firstRowId: null,
  }
}

export type MetricsFault =
  | 'no-values'
  | 'no-nulls'
  | 'no-nans'
  | 'no-lower'
  | 'no-upper'
  | 'nan-bounds'
  | 'cut-bounds'
  | 'signed-uuids'
  | 'broken-bounds'

type Metrics = Pick<
  ContentFile,
  'valueCounts' | 'nullValueCounts' | 'nanValueCounts' | 'lowerBounds' | 'upperBounds'
>

export function metricsOf(
  world: World,
  rows: readonly OracleRow[],
  faults: readonly MetricsFault[],
): Metrics {
  const columns = world.names.map((name) => {
    const values = rows.map((row) => row[name] ?? null)
    return { id: world.ids[name] ?? 0, type: world.types[name] ?? { kind: 'int' as const }, values }
  })
  const bounds = columns.map(({ id, type, values }) => ({ id, bounds: boundsOf(type, values, faults) }))
  // A NaN that spoilt one bound shows in it: without that bound nobody could tell.
  const isTold = faults.includes('nan-bounds')
  const has = (fault: MetricsFault): boolean =>
    faults.includes(fault) && !(isTold && (fault === 'no-lower' || fault === 'no-upper'))
  return {
    valueCounts: has('no-values') ? null : new Map(columns.map(({ id, values }) => [id, values.length])),
    nullValueCounts: has('no-nulls')
      ? null
      : new Map(columns.map(({ id, values }) => [id, values.filter((value) => value === null).length])),
    nanValueCounts: has('no-nans')
      ? null
      : new Map(columns.map(({ id, values }) => [id, values.filter(Number.isNaN).length])),
    lowerBounds: has('no-lower')
      ? null
      : new Map(bounds.flatMap(({ id, bounds }) => (bounds === null ? [] : [[id, bounds[0]]]))),
    upperBounds: has('no-upper')
      ? null
      : new Map(bounds.flatMap(({ id, bounds }) => (bounds?.[1] === undefined ? [] : [[id, bounds[1]]]))),
  }
}

function boundsOf(
  type: PrimitiveType,
  values: readonly (Datum | null)[],
  faults: readonly MetricsFault[],
): readonly [Uint8Array, Uint8Array | undefined] | null {
  const isFloat = type.kind === 'float' || type.kind === 'double'
  if (faults.includes('nan-bounds') && isFloat && values.some(Number.isNaN)) {
    return [encodeBinary(type, NaN), encodeBinary(type, 3)]
  }
  const present = values.filter((value): value is Datum => value !== null && !Number.isNaN(value))
  const [first] = present
  if (first === undefined) return null
  // Bytes of no length that the type has; other types read any bytes as a value.
  const isLengthFixed = !['binary', 'fixed', 'string', 'decimal'].includes(type.kind)
  if (faults.includes('broken-bounds') && isLengthFixed) return [Uint8Array.of(1, 2, 3), Uint8Array.of()]
  const least = present.reduce((a, b) => (naiveOrder(b, a) < 0 ? b : a))
  const greatest = present.reduce((a, b) => (naiveOrder(b, a) > 0 ? b : a))
  if (faults.includes('signed-uuids') && type.kind === 'uuid') {
    const signed = [...present].sort((a, b) => signedOrder(String(a), String(b)))
    return [encodeBinary(type, signed[0] ?? first), encodeBinary(type, signed.at(-1) ?? first)]
  }
  if (faults.includes('cut-bounds') && type.kind === 'string') {
    const raised = [...String(greatest)].slice(0, 2)
    const cut = raised.length < [...String(greatest)].length
    // The last kept character and everything after it: 'zz' covers all but what starts with 😀.
    const upper = cut ? (String(greatest) < 'zz' ? 'zz' : undefined) : String(greatest)
    const lower = [...String(least)].slice(0, 2).join('')
    return [encodeBinary(type, lower), upper === undefined ? undefined : encodeBinary(type, upper)]
  }
  return [encodeBinary(type, least), encodeBinary(type, greatest)]
}

/** By UTF-8 bytes, bytes, or JavaScript's order; -0 before 0. */
function naiveOrder(a: Datum, b: Datum): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  if (a === b) return Object.is(a, b) ? 0 : Object.is(a, -0) ? -1 : 1
  return a < b ? -1 : 1
}

/** Two signed longs, as java.util.UUID compares. */
function signedOrder(a: string, b: string): number {
  const halves = (text: string): readonly bigint[] => {
    const hex = text.replaceAll('-', '')
    return [hex.slice(0, 16), hex.slice(16)].map((half) => BigInt.asIntN(64, BigInt(`0x${half}`)))
  }
  const [a0 = 0n, a1 = 0n] = halves(a)
  const [b0 = 0n, b1 = 0n] = halves(b)
  if (a0 !== b0) return a0 < b0 ? -1 : 1
  return a1 < b1 ? -1 : a1 > b1 ? 1 : 0
}

/** What a writer says of the tuples of a manifest; NaN is told only where it says so. */
export function summariesOf(
  { world, spec }: { readonly world: World; readonly spec: PartitionSpec },
  tuples: readonly PartitionTuple[],
  knowsNaN: boolean,
): readonly PartitionFieldSummary[] {
  return partitionType(spec, world.schema).map(({ type }, position) => {
    const values = tuples.map((tuple) => tuple[position] ?? null)
    const bounds = type.kind === 'unknown' ? null : boundsOf(type, values, [])
    return {
      containsNull: values.includes(null),
      containsNaN: knowsNaN ? values.some(Number.isNaN) : null,
      lowerBound: bounds?.[0] ?? null,
      upperBound: bounds?.[1] ?? null,
    }
  })
}
