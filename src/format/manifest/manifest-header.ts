/** The key-value metadata of a manifest (Iceberg spec, "Manifest Metadata"). */
import { CorruptFileError, InvalidArgumentError } from '../../errors.ts'
import { parseLossless, stringifyLossless } from '../metadata/lossless-json.ts'
import { isJsonObject } from '../json-checks.ts'
import type { PartitionField, PartitionSpec } from '../partition-spec.ts'
import { partitionFieldsFromJson, specToJson } from '../partition-spec.ts'
import type { Schema } from '../schema.ts'
import { schemaToJson } from '../schema.ts'
import type { AvroHeader } from './avro.ts'

/** What the header of a new manifest says. */
export function manifestHeader(options: {
  readonly formatVersion: 1 | 2
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly content: 'data' | 'deletes'
}): Readonly<Record<string, string>> {
  const { formatVersion, schema, spec, content } = options
  return {
    schema: schemaText(schema),
    'schema-id': String(schema.schemaId),
    // The list of fields only: readers refuse the whole spec in its place.
    'partition-spec': stringifyLossless(specToJson(spec).fields),
    'partition-spec-id': String(spec.specId),
    'format-version': String(formatVersion),
    ...(formatVersion === 1 ? {} : { content }),
  }
}

const schemaTexts = new WeakMap<Schema, string>()

/** Made once: every manifest of the table has it. */
function schemaText(schema: Schema): string {
  const text = schemaTexts.get(schema) ?? stringifyLossless(schemaToJson(schema))
  schemaTexts.set(schema, text)
  return text
}

/** The spec that the header describes; null when it describes none, or another than `specId`. */
export function headerSpec(header: AvroHeader, specId: number, file: string): PartitionSpec | null {
  const text = header.metadata.get('partition-spec')
  const ownId = header.metadata.get('partition-spec-id')
  if (text === undefined || (ownId !== undefined && ownId !== String(specId))) return null
  const json = parseLossless(text, file)
  // Some writers put the whole spec where its list of fields belongs.
  const fields = isJsonObject(json) ? json['fields'] : json
  return { specId, fields: parseFields(fields, file) }
}

function parseFields(json: unknown, file: string): readonly PartitionField[] {
  try {
    return partitionFieldsFromJson(json)
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause
    throw new CorruptFileError(`the partition spec in the header is not valid: ${cause.message}`, {
      file,
      cause,
    })
  }
}
