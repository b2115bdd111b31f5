/** Reading a metadata file by its location, past any catalog. */
import { CorruptFileError, MissingFileError, ObjectNotFoundError } from '../errors.ts'
import { parseTableMetadata } from '../format/metadata/parse.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { CallOptions, ObjectStore } from '../storage/object-store.ts'
import type { Runtime } from './runtime.ts'

/** No table comes near it; a file that claims more is damaged or hostile. */
const MAX_METADATA_BYTES = 1024 * 1024 * 1024

/** MissingFileError, CorruptFileError, UnsupportedFeatureError for a newer format version. */
export async function readTableMetadata(
  { codecs }: Pick<Runtime, 'codecs'>,
  store: ObjectStore,
  location: string,
  { signal }: CallOptions = {},
): Promise<TableMetadata> {
  const stored = await readBounded(store, location, signal)
  const isGzip = stored[0] === 0x1f && stored[1] === 0x8b
  const bytes = isGzip ? codecs.gunzip(stored, { maxBytes: MAX_METADATA_BYTES, file: location }) : stored
  return parseTableMetadata(bytes, location)
}

async function readBounded(
  store: ObjectStore,
  location: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  try {
    const range = { start: 0, end: MAX_METADATA_BYTES + 1 }
    const bytes = await store.get(location, { range, signal })
    if (bytes.length <= MAX_METADATA_BYTES) return bytes
  } catch (cause) {
    if (!(cause instanceof ObjectNotFoundError)) throw cause
    throw new MissingFileError("The table's metadata file is not there", { file: location, cause })
  }
  throw new CorruptFileError('The metadata file is larger than any table’s', { file: location })
}
