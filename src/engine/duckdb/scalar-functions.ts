/**
 * SQL functions that run our own code: what SQL cannot compute exactly as the table spec says, most
 * of all hashes. They run on the JavaScript thread, a vector at a time.
 */
import {
  BIGINT,
  BLOB,
  DuckDBScalarFunction,
  INTEGER,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBDataChunk,
  type DuckDBType,
  type DuckDBVector,
} from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { writeMinimalBigEndian } from '../../format/values/bytes.ts'
import { floorMod } from '../../format/values/calendar.ts'
import { formatDecimal, parseDecimal } from '../../format/values/decimal.ts'
import { validityOf, wholeVector } from './raw-vector.ts'
import { packBytes } from './string-vector.ts'
import { murmur3, murmur3Long } from '../../format/transforms/murmur3.ts'

/** Once per instance. */
export function registerScalarFunctions(connection: DuckDBConnection): void {
  const register = (
    name: string,
    parameterTypes: readonly DuckDBType[],
    returnType: DuckDBType,
    compute: (input: DuckDBDataChunk, output: DuckDBVector) => void,
  ): void =>
    connection.registerScalarFunction(
      DuckDBScalarFunction.create({
        name,
        parameterTypes,
        returnType,
        mainFunction: (_, input, output) => compute(input, output),
      }),
    )
  register('floeberg_bucket_long', [BIGINT, INTEGER], INTEGER, bucketLongs)
  register('floeberg_bucket_bytes', [BLOB, INTEGER], INTEGER, bucketBytes)
  register('floeberg_bucket_decimal', [VARCHAR, INTEGER], INTEGER, bucketDecimals)
  register('floeberg_truncate_decimal', [VARCHAR, BIGINT], VARCHAR, truncateDecimals)
}

function bucketOf(hash: number, buckets: number): number {
  return (hash & 0x7fffffff) % buckets
}

function bucketLongs(input: DuckDBDataChunk, output: DuckDBVector): void {
  const rows = input.rowCount
  if (rows === 0) return
  const values = duckdb.vector_get_data(duckdb.data_chunk_get_vector(input.chunk, 0), rows * 8)
  const halves = new Int32Array(values.buffer, values.byteOffset, rows * 2)
  const buckets = Number(input.getColumnVector(1).getItem(0))
  const results = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    results[row] = bucketOf(murmur3Long(halves[row * 2] ?? 0, halves[row * 2 + 1] ?? 0), buckets)
  }
  setIntegers(output, results)
}

function bucketBytes(input: DuckDBDataChunk, output: DuckDBVector): void {
  const rows = input.rowCount
  if (rows === 0) return
  const from = wholeVector(duckdb.data_chunk_get_vector(input.chunk, 0), rows)
  const { bytes, offsets } = packBytes(from, validityOf(from))
  const buckets = Number(input.getColumnVector(1).getItem(0))
  const results = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    results[row] = bucketOf(murmur3(bytes.subarray(offsets[row], offsets[row + 1])), buckets)
  }
  setIntegers(output, results)
}

/** Decimals are hashed by the fewest bytes that hold their unscaled value. */
function bucketDecimals(input: DuckDBDataChunk, output: DuckDBVector): void {
  const values = input.getColumnVector(0)
  const buckets = Number(input.getColumnVector(1).getItem(0))
  const bytes = new Uint8Array(17)
  const results = Int32Array.from({ length: input.rowCount }, (_, row) => {
    const unscaled = unscaledOf(values.getItem(row))
    if (unscaled === null) return 0
    return bucketOf(murmur3(bytes, writeMinimalBigEndian(unscaled, bytes)), buckets)
  })
  setIntegers(output, results)
}

function truncateDecimals(input: DuckDBDataChunk, output: DuckDBVector): void {
  const values = input.getColumnVector(0)
  const width = BigInt(Number(input.getColumnVector(1).getItem(0)))
  for (let row = 0; row < input.rowCount; row++) {
    const parsed = parseDecimal(String(values.getItem(row) ?? ''))
    if (parsed === null) output.setItem(row, null)
    else {
      const floor = parsed.unscaled - floorMod(parsed.unscaled, width)
      output.setItem(row, formatDecimal(floor, parsed.scale))
    }
  }
  output.flush()
}

function unscaledOf(text: unknown): bigint | null {
  return typeof text === 'string' ? (parseDecimal(text)?.unscaled ?? null) : null
}

function setIntegers(output: DuckDBVector, results: Int32Array<ArrayBuffer>): void {
  for (let row = 0; row < results.length; row++) output.setItem(row, results[row] ?? 0)
  output.flush()
}
