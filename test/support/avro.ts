/** Avro files as somebody else's library reads them, to judge what the library writes. */
import avro from 'avsc'

export type AvroRecord = Readonly<Record<string, unknown>>

/** Longs as bigints: avsc's own numbers refuse snapshot ids. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => Number(a > b) - Number(a < b),
})

function longAsBigint(schema: unknown): avro.Type | undefined {
  const isLong = typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'long'
  return isLong || schema === 'long' ? LONG : undefined
}

export interface AvroFile {
  /** The header's `schema` entry, parsed. */
  readonly schema: AvroRecord
  readonly records: readonly AvroRecord[]
}

/** A whole Avro file on this disk. Longs are bigints, bytes and fixed are Buffers, maps as they stand. */
export async function readAvroFile(path: string): Promise<AvroFile> {
  let schema: AvroRecord = {}
  const decoder = avro.createFileDecoder(path, {
    parseHook: (found) => {
      schema = found as unknown as AvroRecord
      return avro.Type.forSchema(found, { typeHook: longAsBigint })
    },
  })
  const records: AvroRecord[] = []
  for await (const record of decoder) records.push(record as AvroRecord)
  return { schema, records }
}
