/** Files made by other engines (see test/fixtures/manifest/make_*.py), and values to build on. */
import { readFileSync } from 'node:fs'
import { nodeCodecs } from '../../../src/compression.ts'
import type { ContentFile, ManifestEntry } from '../../../src/format/manifest/entry.ts'
import type { ManifestFile } from '../../../src/format/manifest/list.ts'
import {
  readManifest,
  writeManifest,
  type ReadManifestOptions,
  type WriteManifestRequest,
} from '../../../src/format/manifest/manifest.ts'
import type { PartitionSpec } from '../../../src/format/partition-spec.ts'
import { createSchema, type NestedField, type Schema } from '../../../src/format/schema.ts'
import type { PrimitiveType } from '../../../src/format/types.ts'
import { contentFile } from '../../support/content-file.ts'

export const SNAPSHOT = 3051729675574597004n
export const codecs = nodeCodecs

export function fixture(name: string): Uint8Array {
  return readFileSync(new URL(`../../fixtures/manifest/${name}.avro`, import.meta.url))
}

/** A schema of optional columns with ids from 1 on. */
export function schemaOf(types: Readonly<Record<string, PrimitiveType>>): Schema {
  const fields = Object.entries(types).map(([name, type], index): NestedField => ({
    id: index + 1,
    name,
    required: false,
    type,
  }))
  return createSchema({ schemaId: 0, fields })
}

/** An identity spec over all columns of a schema, with field ids from 1000 on. */
export function identitySpec(schema: Schema, specId = 0): PartitionSpec {
  const fields = schema.fields.map((field, index) => ({
    sourceId: field.id,
    fieldId: 1000 + index,
    name: field.name,
    transform: { kind: 'identity' } as const,
  }))
  return { specId, fields }
}

export const REGION_SCHEMA = schemaOf({ region: { kind: 'string' } })
export const REGION_SPEC = identitySpec(REGION_SCHEMA)

export function manifestFile(changes: Partial<ManifestFile> = {}): ManifestFile {
  return {
    location: 'file:///t/metadata/m0.avro',
    length: 0,
    specId: 0,
    content: 'data',
    sequenceNumber: 7,
    minSequenceNumber: 2,
    addedSnapshotId: SNAPSHOT,
    addedFilesCount: 1,
    existingFilesCount: 0,
    deletedFilesCount: 0,
    addedRowsCount: 10,
    existingRowsCount: 0,
    deletedRowsCount: 0,
    partitions: [],
    keyMetadata: null,
    firstRowId: null,
    ...changes,
  }
}

export function addedEntry(file: Partial<ContentFile> = {}): ManifestEntry {
  return {
    status: 'added',
    snapshotId: SNAPSHOT,
    sequenceNumber: null,
    fileSequenceNumber: null,
    file: contentFile(file),
  }
}

/** Reads a manifest of the region spec. */
export function readRegions(
  bytes: Uint8Array,
  changes: Partial<ManifestFile> = {},
  options: ReadManifestOptions = {},
): readonly ManifestEntry[] {
  const specs = new Map([[0, REGION_SPEC]])
  return readManifest(
    bytes,
    { manifest: manifestFile(changes), specs, schema: REGION_SCHEMA, codecs },
    options,
  )
}

/** Writes a manifest of the region spec, or of what is changed. */
export function writeRegions(changes: Partial<WriteManifestRequest>) {
  return writeManifest({
    formatVersion: 2,
    schema: REGION_SCHEMA,
    spec: REGION_SPEC,
    content: 'data',
    snapshotId: SNAPSHOT,
    entries: [addedEntry({ partition: ['north'] })],
    codecs,
    ...changes,
  })
}

/** Reads what `writeRegions` wrote, as its manifest list would. */
export function readBack(written: ReturnType<typeof writeRegions>, schema: Schema, spec: PartitionSpec) {
  const { bytes, ...summary } = written
  const manifest = manifestFile({ ...summary, sequenceNumber: 7, length: bytes.length })
  return readManifest(bytes, { manifest, specs: new Map([[spec.specId, spec]]), schema, codecs })
}
