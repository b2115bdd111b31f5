/** The Avro schema of `manifest_entry`, v1 and v2, with the attributes that other engines require. */
import type { PartitionFieldType } from './partition-fields.ts'
import { avroField, avroName, optionalAvroField } from './avro-names.ts'
import { namedTypeName, partitionAvroType } from './partition-values.ts'

type FieldJson = Readonly<Record<string, unknown>>

/** By the partition types, which a spec and a schema have in common for good. */
const texts = new WeakMap<readonly PartitionFieldType[], Map<1 | 2, string>>()

/** Schema of a manifest's records, for writing, as JSON. Made once: every commit writes it again. */
export function entrySchemaText(formatVersion: 1 | 2, partition: readonly PartitionFieldType[]): string {
  const byVersion = texts.get(partition) ?? new Map<1 | 2, string>()
  texts.set(partition, byVersion)
  const text = byVersion.get(formatVersion) ?? JSON.stringify(entryAvroSchema(formatVersion, partition))
  byVersion.set(formatVersion, text)
  return text
}

function entryAvroSchema(formatVersion: 1 | 2, partition: readonly PartitionFieldType[]): unknown {
  const dataFile = { type: 'record', name: 'r2', fields: dataFileFields(formatVersion, partition) }
  const head =
    formatVersion === 1
      ? [avroField(1, 'snapshot_id', 'long')]
      : [
          optionalAvroField(1, 'snapshot_id', 'long'),
          optionalAvroField(3, 'sequence_number', 'long'),
          optionalAvroField(4, 'file_sequence_number', 'long'),
        ]
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [avroField(0, 'status', 'int'), ...head, avroField(2, 'data_file', dataFile)],
  }
}

function dataFileFields(formatVersion: 1 | 2, partition: readonly PartitionFieldType[]): FieldJson[] {
  const v1 = formatVersion === 1
  return [
    ...(v1 ? [] : [avroField(134, 'content', 'int')]),
    avroField(100, 'file_path', 'string'),
    avroField(101, 'file_format', 'string'),
    avroField(102, 'partition', { type: 'record', name: 'r102', fields: partitionAvroFields(partition) }),
    avroField(103, 'record_count', 'long'),
    avroField(104, 'file_size_in_bytes', 'long'),
    ...(v1 ? [avroField(105, 'block_size_in_bytes', 'long')] : []),
    mapField(108, 'column_sizes', 117, 118, 'long'),
    mapField(109, 'value_counts', 119, 120, 'long'),
    mapField(110, 'null_value_counts', 121, 122, 'long'),
    mapField(137, 'nan_value_counts', 138, 139, 'long'),
    mapField(125, 'lower_bounds', 126, 127, 'bytes'),
    mapField(128, 'upper_bounds', 129, 130, 'bytes'),
    optionalAvroField(131, 'key_metadata', 'bytes'),
    arrayField(132, 'split_offsets', 133, 'long'),
    ...(v1 ? [] : [arrayField(135, 'equality_ids', 136, 'int')]),
    optionalAvroField(140, 'sort_order_id', 'int'),
    ...(v1 ? [] : [optionalAvroField(143, 'referenced_data_file', 'string')]),
  ]
}

/** Maps with int keys are arrays of records: Avro's own maps have string keys only. */
function mapField(id: number, name: string, keyId: number, valueId: number, value: string): FieldJson {
  const items = {
    type: 'record',
    name: `k${keyId}_v${valueId}`,
    fields: [avroField(keyId, 'key', 'int'), avroField(valueId, 'value', value)],
  }
  return optionalAvroField(id, name, { type: 'array', items, logicalType: 'map' })
}

function arrayField(id: number, name: string, elementId: number, items: string): FieldJson {
  return optionalAvroField(id, name, { type: 'array', items, 'element-id': elementId })
}

function partitionAvroFields(partition: readonly PartitionFieldType[]): FieldJson[] {
  const fieldNames = new Set<string>()
  const typeNames = new Set<string>()
  return partition.map(({ fieldId, name, type }) => {
    // A type name may be defined once only, and not every reader follows a reference to it.
    const wanted = namedTypeName(type) ?? ''
    const typeName = typeNames.has(wanted) ? `${wanted}_${fieldId}` : wanted
    typeNames.add(wanted)
    const field = optionalAvroField(fieldId, name, partitionAvroType(type, typeName))
    // Two names may become one when escaped; Avro readers refuse the second.
    const clash = fieldNames.has(avroName(name))
    fieldNames.add(avroName(name))
    return clash ? { ...field, name: `${avroName(name)}_${fieldId}`, 'iceberg-field-name': name } : field
  })
}
