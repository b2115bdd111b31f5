/** Names and compression of metadata files (Iceberg spec, "Metastore Tables"; Java's file naming). */
import { InvalidArgumentError } from '../../errors.ts'

export type MetadataCodec = 'none' | 'gzip'

export const METADATA_CODEC_PROPERTY = 'write.metadata.compression-codec'

/**
 * How a table's metadata files are to be compressed. Codec names ignore case.
 *
 * InvalidArgumentError for codecs that other clients could not read either.
 */
export function metadataCodec(properties: Readonly<Record<string, string>>): MetadataCodec {
  const name = properties[METADATA_CODEC_PROPERTY] ?? 'none'
  const codec = name.toLowerCase()
  if (codec === 'none' || codec === 'gzip') return codec
  throw new InvalidArgumentError(
    `property ${METADATA_CODEC_PROPERTY} names a codec that metadata files cannot have`,
    {
      hint: 'use none or gzip',
    },
  )
}

/** `00007-<uuid>.metadata.json`, or `.gz.metadata.json`, which is where others look for gzip. */
export function metadataFileName(version: number, uuid: string, codec: MetadataCodec): string {
  const suffix = codec === 'gzip' ? '.gz.metadata.json' : '.metadata.json'
  return `${String(version).padStart(5, '0')}-${uuid}${suffix}`
}

/** Names as written by catalogs (`00007-<uuid>…`) and by Hadoop tables (`v7…`), both gzip forms. */
const FILE_NAME = /(?:^|\/)(?:v([0-9]+)|([0-9]+)-[^/]*?)(?:\.gz)?\.metadata\.json(?:\.gz)?$/

/** Version in a metadata file's name; null when it has none, as after a registration. */
export function metadataFileVersion(location: string): number | null {
  const match = FILE_NAME.exec(location)
  const version = Number(match?.[1] ?? match?.[2] ?? Number.NaN)
  return Number.isSafeInteger(version) ? version : null
}

/** Whether a file's content is gzip: what its bytes say counts, never its name. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}
