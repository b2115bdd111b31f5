/** `write.parquet.*` properties as the data plane takes them. */
import type { Properties } from '../catalog/catalog.ts'
import type { ParquetWriteOptions } from '../engine/data-plane.ts'
import { InvalidArgumentError } from '../errors.ts'
import { intProperty, stringProperty } from '../format/properties.ts'

const CODECS = ['zstd', 'snappy', 'gzip', 'lz4', 'uncompressed', 'brotli'] as const
const BLOOM_PREFIX = 'write.parquet.bloom-filter-enabled.column.'

/** InvalidArgumentError for a codec that nobody knows. */
export function parquetWriteOptions(properties: Properties): ParquetWriteOptions {
  const level = properties['write.parquet.compression-level']
  return {
    compression: codec(stringProperty(properties, 'write.parquet.compression-codec')),
    compressionLevel: level === undefined ? null : intProperty(properties, 'write.parquet.compression-level'),
    rowGroupSizeBytes: intProperty(properties, 'write.parquet.row-group-size-bytes'),
    rowGroupRowLimit: intProperty(properties, 'write.parquet.row-group-limit'),
    dictionarySizeBytes: intProperty(properties, 'write.parquet.dict-size-bytes'),
    bloomFilterColumns: Object.entries(properties)
      .filter(([key, value]) => key.startsWith(BLOOM_PREFIX) && value.toLowerCase() === 'true')
      .map(([key]) => key.slice(BLOOM_PREFIX.length)),
  }
}

function codec(name: string): ParquetWriteOptions['compression'] {
  const lower = name.toLowerCase()
  const known = CODECS.find((candidate) => candidate === lower)
  if (known !== undefined) return known
  throw new InvalidArgumentError(
    `write.parquet.compression-codec: '${name}' is not one of ${CODECS.join(', ')}`,
  )
}
