/**
 * A naive walk over a local table's files, by other people's decoders: the judge of what is
 * reachable, what is not, and what the metadata says.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { readAvroFile, type AvroRecord } from './avro.ts'

/** A metadata document as plain JSON, its snapshot ids as text: they do not fit a number. */
export interface PlainMetadata {
  readonly 'format-version': number
  readonly 'current-snapshot-id'?: string | null
  readonly 'last-sequence-number'?: number
  readonly 'metadata-log'?: readonly { readonly 'metadata-file': string }[]
  readonly statistics?: readonly { readonly 'statistics-path': string }[]
  readonly snapshots?: readonly PlainSnapshot[]
}

export interface PlainSnapshot {
  readonly 'snapshot-id': string
  readonly 'parent-snapshot-id'?: string | null
  readonly 'sequence-number'?: number
  readonly 'manifest-list': string
  readonly summary: Readonly<Record<string, string>>
}

/** The path of a local location, in any client's form: escapes in it are part of the file's name. */
export function localPath(location: string): string {
  return location.replace(/^file:(\/\/)?(?=\/)/, '')
}

/** Reads a metadata file by its location. */
export async function plainMetadata(location: string): Promise<PlainMetadata> {
  const text = await readFile(localPath(location), 'utf8')
  return JSON.parse(text.replaceAll(/("[a-z-]*snapshot-id"\s*:\s*)(-?\d+)/g, '$1"$2"'))
}

/** A data file as a manifest has it, with the manifest that has it. */
export interface PlainEntry {
  /** 0 existing, 1 added, 2 deleted. */
  readonly status: number
  readonly manifest: AvroRecord
  readonly file: AvroRecord
}

/** Reads each manifest once, however many snapshots have it. */
export class PlainReader {
  readonly #entries = new Map<string, Promise<readonly PlainEntry[]>>()

  /** Records of a manifest list. */
  async manifests(snapshot: PlainSnapshot): Promise<readonly AvroRecord[]> {
    return (await readAvroFile(localPath(snapshot['manifest-list']))).records
  }

  entries(manifest: AvroRecord): Promise<readonly PlainEntry[]> {
    const location = String(manifest['manifest_path'])
    const known = this.#entries.get(location)
    if (known !== undefined) return known
    const entries = this.#read(location, manifest)
    this.#entries.set(location, entries)
    return entries
  }

  /** Live entries of a snapshot, in the manifests' order. */
  async live(snapshot: PlainSnapshot): Promise<readonly PlainEntry[]> {
    const entries = await Promise.all(
      (await this.manifests(snapshot)).map((manifest) => this.entries(manifest)),
    )
    return entries.flat().filter(({ status }) => status !== 2)
  }

  async #read(location: string, manifest: AvroRecord): Promise<readonly PlainEntry[]> {
    const { records } = await readAvroFile(localPath(location))
    return records.map((record) => ({
      status: Number(record['status']),
      manifest,
      file: record['data_file'] as AvroRecord,
    }))
  }
}

/** Locations of every file that the table's newest metadata file reaches, itself too; sorted. */
export async function reachableFiles(metadataLocation: string): Promise<string[]> {
  const metadata = await plainMetadata(metadataLocation)
  const reader = new PlainReader()
  const log = (metadata['metadata-log'] ?? []).map((entry) => entry['metadata-file'])
  const found = new Set([metadataLocation, ...log])
  for (const file of metadata.statistics ?? []) found.add(file['statistics-path'])
  for (const snapshot of metadata.snapshots ?? []) {
    found.add(snapshot['manifest-list'])
    for (const manifest of await reader.manifests(snapshot)) found.add(String(manifest['manifest_path']))
    for (const { file } of await reader.live(snapshot)) found.add(String(file['file_path']))
  }
  for (const location of found) {
    if (!existsSync(localPath(location)))
      throw new Error(`The table needs a file that is not there: ${location}`)
  }
  return [...found].sort()
}
