/**
 * Which delete files apply to which data file (Iceberg spec, "Scan Planning").
 *
 * | delete | applies when |
 * | --- | --- |
 * | deletion vector, or position deletes that name one data file | it is this file, and the delete is not older |
 * | position deletes | same spec and partition, and the delete is not older |
 * | equality deletes | same spec and partition, or an unpartitioned spec; and the delete is newer |
 */
import { decodeBound } from '../format/values/bounds.ts'
import { compareDatum } from '../format/values/literal.ts'
import type { ContentFile, ManifestEntry } from '../format/manifest/entry.ts'
import { isUnpartitioned, type PartitionSpec } from '../format/partition-spec.ts'
import { partitionKey } from './partition-key.ts'

/** Reserved field id of the `file_path` column of position delete files. */
export const DELETE_FILE_PATH_ID = 2147483546

export class DeleteIndex {
  readonly #byDataFile = new Map<string, ManifestEntry[]>()
  readonly #byPartition = new Map<string, ManifestEntry[]>()
  readonly #global: ManifestEntry[] = []

  constructor(deletes: Iterable<ManifestEntry>, specs: ReadonlyMap<number, PartitionSpec>) {
    for (const entry of deletes) this.#add(entry, specs)
  }

  /** Delete entries that apply to a data entry. Both carry inherited sequence numbers. */
  deletesFor(data: ManifestEntry): readonly ManifestEntry[] {
    const { file } = data
    const candidates = [
      ...(this.#byDataFile.get(file.location) ?? []),
      ...(this.#byPartition.size === 0
        ? []
        : (this.#byPartition.get(partitionKey(file.specId, file.partition)) ?? [])),
      ...this.#global,
    ]
    return candidates.filter((entry) => appliesInTime(entry, data))
  }

  #add(entry: ManifestEntry, specs: ReadonlyMap<number, PartitionSpec>): void {
    const { file } = entry
    const target = onlyTarget(file)
    if (target !== null) append(this.#byDataFile, target, entry)
    else if (isGlobal(file, specs)) this.#global.push(entry)
    else append(this.#byPartition, partitionKey(file.specId, file.partition), entry)
  }
}

/** Whether equality deletes are about the files of all specs and partitions. */
export function isGlobal(
  { content, specId }: ContentFile,
  specs: ReadonlyMap<number, PartitionSpec>,
): boolean {
  const spec = specs.get(specId)
  return content === 'equality-deletes' && spec !== undefined && isUnpartitioned(spec)
}

/** The one data file that a position delete file is about, where it says so by reference or by bounds. */
export function onlyTarget(file: ContentFile): string | null {
  if (file.content !== 'position-deletes') return null
  const { referencedDataFile: referenced } = file
  // What the bounds contradict was damaged, in one place or the other: the file itself has the paths.
  if (referenced !== null) return isWithinBounds(file, referenced) ? referenced : null
  const bounds = [file.lowerBounds, file.upperBounds].map((of) =>
    decodeBound({ kind: 'string' }, of?.get(DELETE_FILE_PATH_ID)),
  )
  // A bound that was cut short differs from its counterpart, so equal ones are the whole path.
  const [lower, upper] = bounds
  return typeof lower === 'string' && lower === upper ? lower : null
}

/** Whether a position delete file may hold positions of a data file, by the bounds of its paths. */
export function mayName(file: ContentFile, location: string): boolean {
  const target = onlyTarget(file)
  if (target !== null) return target === location
  return file.referencedDataFile !== null || isWithinBounds(file, location)
}

function isWithinBounds(file: ContentFile, location: string): boolean {
  const type = { kind: 'string' } as const
  const lower = decodeBound(type, file.lowerBounds?.get(DELETE_FILE_PATH_ID))
  const upper = decodeBound(type, file.upperBounds?.get(DELETE_FILE_PATH_ID))
  if (typeof lower === 'string' && compareDatum(type, location, lower) < 0) return false
  return typeof upper !== 'string' || compareDatum(type, location, upper) <= 0
}

function appliesInTime(deletes: ManifestEntry, data: ManifestEntry): boolean {
  const deleteSequence = deletes.sequenceNumber ?? 0
  const dataSequence = data.sequenceNumber ?? 0
  return deletes.file.content === 'equality-deletes'
    ? deleteSequence > dataSequence
    : deleteSequence >= dataSequence
}

function append(map: Map<string, ManifestEntry[]>, key: string, entry: ManifestEntry): void {
  const entries = map.get(key)
  if (entries === undefined) map.set(key, [entry])
  else entries.push(entry)
}
