/** The Avro schemas of `manifest_file`, v1 and v2, for writing. */
import { avroField, optionalAvroField } from './avro-names.ts'

const SUMMARY = {
  type: 'record',
  name: 'r508',
  fields: [
    avroField(509, 'contains_null', 'boolean'),
    optionalAvroField(518, 'contains_nan', 'boolean'),
    optionalAvroField(510, 'lower_bound', 'bytes'),
    optionalAvroField(511, 'upper_bound', 'bytes'),
  ],
}

const PARTITIONS = optionalAvroField(507, 'partitions', { type: 'array', items: SUMMARY, 'element-id': 508 })

const V1_FIELDS = [
  avroField(500, 'manifest_path', 'string'),
  avroField(501, 'manifest_length', 'long'),
  avroField(502, 'partition_spec_id', 'int'),
  avroField(503, 'added_snapshot_id', 'long'),
  optionalAvroField(504, 'added_files_count', 'int'),
  optionalAvroField(505, 'existing_files_count', 'int'),
  optionalAvroField(506, 'deleted_files_count', 'int'),
  optionalAvroField(512, 'added_rows_count', 'long'),
  optionalAvroField(513, 'existing_rows_count', 'long'),
  optionalAvroField(514, 'deleted_rows_count', 'long'),
  PARTITIONS,
  optionalAvroField(519, 'key_metadata', 'bytes'),
]

const V2_FIELDS = [
  avroField(500, 'manifest_path', 'string'),
  avroField(501, 'manifest_length', 'long'),
  avroField(502, 'partition_spec_id', 'int'),
  avroField(517, 'content', 'int'),
  avroField(515, 'sequence_number', 'long'),
  avroField(516, 'min_sequence_number', 'long'),
  avroField(503, 'added_snapshot_id', 'long'),
  avroField(504, 'added_files_count', 'int'),
  avroField(505, 'existing_files_count', 'int'),
  avroField(506, 'deleted_files_count', 'int'),
  avroField(512, 'added_rows_count', 'long'),
  avroField(513, 'existing_rows_count', 'long'),
  avroField(514, 'deleted_rows_count', 'long'),
  PARTITIONS,
  optionalAvroField(519, 'key_metadata', 'bytes'),
]

const SCHEMA_TEXTS = {
  1: JSON.stringify({ type: 'record', name: 'manifest_file', fields: V1_FIELDS }),
  2: JSON.stringify({ type: 'record', name: 'manifest_file', fields: V2_FIELDS }),
} as const

/** The schema as it stands in the header of every list that we write. */
export function listSchemaText(formatVersion: 1 | 2): string {
  return SCHEMA_TEXTS[formatVersion]
}
