/**
 * Partition values in manifests: the Avro type of each Iceberg type (Iceberg spec, Appendix A,
 * "Avro"), and readers and writers of the values.
 */
import { InvalidArgumentError } from '../../errors.ts'
import type { Datum, PrimitiveType } from '../types.ts'
import type { Cursor } from './avro-cursor.ts'
import type { Read } from './avro-plan.ts'
import { planBigLong, planBoolean, planBytes, planInt, planString } from './avro-plan.ts'
import type { AvroType } from './avro-schema.ts'
import { unexpectedType } from './avro-schema.ts'
import type { Sink } from './avro-sink.ts'
import { decimalBytes, signedBigEndian, uuidBytes, uuidText, writeSignExtended } from './fixed-values.ts'

/** The Avro schema of a partition value; `name` makes named types unique within a file. */
export function partitionAvroType(type: PrimitiveType, name: string): unknown {
  switch (type.kind) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
      return type.kind
    case 'binary':
      return 'bytes'
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'time':
      return { type: 'long', logicalType: 'time-micros' }
    case 'timestamp':
    case 'timestamptz':
      return timestamp('timestamp-micros', type.kind === 'timestamptz')
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return timestamp('timestamp-nanos', type.kind === 'timestamptz_ns')
    case 'uuid':
      return { type: 'fixed', name, size: 16, logicalType: 'uuid' }
    case 'fixed':
      return { type: 'fixed', name, size: type.length }
    case 'decimal': {
      const { precision, scale } = type
      return { type: 'fixed', name, size: decimalBytes(precision), logicalType: 'decimal', precision, scale }
    }
    case 'unknown':
      return 'null'
    case 'geometry':
    case 'geography':
      throw notAPartitionType(type)
  }
}

function timestamp(logicalType: string, utc: boolean): unknown {
  return { type: 'long', logicalType, 'adjust-to-utc': utc }
}

/** The name that Java gives the type, when it is one that has a name. */
export function namedTypeName(type: PrimitiveType): string | null {
  switch (type.kind) {
    case 'uuid':
      return 'uuid_fixed'
    case 'fixed':
      return `fixed_${type.length}`
    case 'decimal':
      return `decimal_${type.precision}_${type.scale}`
    default:
      return null
  }
}

/** Writes a value that is not null. */
export function writePartitionValue(sink: Sink, type: PrimitiveType, value: Datum): void {
  switch (type.kind) {
    case 'boolean':
      if (typeof value === 'boolean') return sink.boolean(value)
      break
    case 'int':
    case 'date':
      if (typeof value === 'number') return sink.long(value)
      break
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      if (typeof value === 'bigint') return sink.bigLong(value)
      break
    case 'float':
      if (typeof value === 'number') return sink.float(value)
      break
    case 'double':
      if (typeof value === 'number') return sink.double(value)
      break
    case 'string':
      if (typeof value === 'string') return sink.string(value)
      break
    case 'binary':
      if (value instanceof Uint8Array) return sink.bytes(value)
      break
    case 'fixed':
      if (value instanceof Uint8Array && value.length === type.length) return sink.raw(value)
      break
    case 'uuid':
      if (typeof value === 'string') return sink.raw(uuidBytes(value))
      break
    case 'decimal':
      if (typeof value === 'bigint') return writeSignExtended(sink, value, decimalBytes(type.precision))
      break
    case 'unknown':
    case 'geometry':
    case 'geography':
      throw notAPartitionType(type)
  }
  throw new InvalidArgumentError(`a partition value is not a ${type.kind}`)
}

function notAPartitionType(type: PrimitiveType): InvalidArgumentError {
  return new InvalidArgumentError(`a partition value cannot be of type ${type.kind}`)
}

/**
 * A reader of partition values written as `type` for a partition field that is `expected` today.
 * The field may have been promoted since, and writers differ in how they store some types.
 */
export function planPartitionValue(
  type: AvroType,
  expected: PrimitiveType,
  field: string,
  file: string,
): Read<Datum> {
  const bad = () => unexpectedType(file, field, type)
  switch (expected.kind) {
    case 'boolean':
      return planBoolean(type, field, file)
    case 'int':
    case 'date':
      return planInt(type, field, file)
    case 'long':
      return planBigLong(type, field, file)
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return planTime(type, expected, field, file)
    case 'float':
      if (type.kind === 'float') return (cursor) => cursor.float()
      throw bad()
    case 'double':
      if (type.kind === 'float') return (cursor) => cursor.float()
      if (type.kind === 'double') return (cursor) => cursor.double()
      throw bad()
    case 'string':
      return planString(type, field, file)
    case 'fixed':
    case 'binary':
      return planBytes(type, field, file)
    case 'uuid':
      return planUuid(type, field, file)
    case 'decimal':
      return planDecimal(type, field, file)
    case 'unknown':
    case 'geometry':
    case 'geography':
      return planAsWritten(type, field, file)
  }
}

const UNITS_PER_SECOND = { millis: 1_000n, micros: 1_000_000n, nanos: 1_000_000_000n } as const
const SECONDS_PER_DAY = 86_400n

/** Avro names the unit in the logical type; a value written as a date was promoted since. */
function planTime(type: AvroType, expected: PrimitiveType, field: string, file: string): Read<Datum> {
  const target = expected.kind.endsWith('_ns') ? UNITS_PER_SECOND.nanos : UNITS_PER_SECOND.micros
  if (type.kind === 'int' && type.logical === 'date') {
    return (cursor) => BigInt(cursor.int()) * SECONDS_PER_DAY * target
  }
  const read = planBigLong(type, field, file)
  const source = unitOf(type) ?? target
  if (source === target) return read
  if (source < target) return (cursor) => read(cursor) * (target / source)
  throw unexpectedType(file, field, type)
}

function unitOf(type: AvroType): bigint | null {
  const logical = 'logical' in type ? type.logical : null
  if (logical === null) return null
  if (logical.endsWith('-millis')) return UNITS_PER_SECOND.millis
  if (logical.endsWith('-micros')) return UNITS_PER_SECOND.micros
  return logical.endsWith('-nanos') ? UNITS_PER_SECOND.nanos : null
}

/** The spec has fixed(16); some writers used the text form, or plain bytes. */
function planUuid(type: AvroType, field: string, file: string): Read<Datum> {
  if (type.kind === 'string') return (cursor) => uuidFromText(cursor)
  const read = planBytes(type, field, file)
  return (cursor) => {
    const bytes = read(cursor)
    if (bytes.length === 16) return uuidText(bytes)
    return cursor.fail(`the partition field ${field} holds a uuid that is not 16 bytes long`)
  }
}

function uuidFromText(cursor: Cursor): string {
  const text = cursor.string().toLowerCase()
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) cursor.fail('a uuid is not valid')
  return text
}

function planDecimal(type: AvroType, field: string, file: string): Read<Datum> {
  if (type.kind === 'fixed') return (cursor) => signedBigEndian(cursor.fixedView(type.size))
  if (type.kind === 'bytes') return (cursor) => signedBigEndian(cursor.bytesView())
  throw unexpectedType(file, field, type)
}

/** For a field whose source column is gone: the file's own type says enough to show the value. */
function planAsWritten(type: AvroType, field: string, file: string): Read<Datum> {
  switch (type.kind) {
    case 'boolean':
      return planBoolean(type, field, file)
    case 'int':
      return planInt(type, field, file)
    case 'long':
      return planBigLong(type, field, file)
    case 'float':
      return (cursor) => cursor.float()
    case 'double':
      return (cursor) => cursor.double()
    case 'string':
      return planString(type, field, file)
    case 'bytes':
    case 'fixed':
      if (type.logical === 'decimal') return planDecimal(type, field, file)
      return type.logical === 'uuid' ? planUuid(type, field, file) : planBytes(type, field, file)
    default:
      throw unexpectedType(file, field, type)
  }
}
