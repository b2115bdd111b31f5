/**
 * A checksum of a whole Avro file, in the place of its sync marker.
 *
 * Avro has no checksums and no end mark: a bit that was turned over on a disk may be another bound, path
 * or status, and a file that was cut off between two blocks looks whole. Which sixteen bytes a file takes
 * for its marker is free, so files written here take what the CRC-32 of all their other bytes comes to,
 * and say so in the header. Readers that do not know the key see an ordinary marker.
 */
import type { ByteCodecs } from '../../compression.ts'

/** The header's key; its value is how the marker is made. */
const MARKER_KEY = 'floeberg.sync-marker'
const MARKER_KIND = 'crc-32'

/** What goes into the header of a file whose marker is its checksum. */
export const MARKER_METADATA: Readonly<Record<string, string>> = { [MARKER_KEY]: MARKER_KIND }

/** Whether a header with these entries says that the marker is a checksum. */
export function hasChecksum(metadata: ReadonlyMap<string, string>): boolean {
  return metadata.get(MARKER_KEY) === MARKER_KIND
}

/** The marker of a file of these parts: all of its bytes, in order, but for the markers themselves. */
export function checksumMarker(parts: Iterable<Uint8Array>, codecs: ByteCodecs): Uint8Array {
  let crc = 0
  for (const part of parts) crc = codecs.crc32(part, crc)
  // Four numbers of one: a marker should occur nowhere else by chance, and zeros do.
  const words = Uint32Array.from(MIXERS, (mixer) => Math.imul(crc ^ (crc >>> 16) ^ mixer, mixer))
  const marker = new DataView(new ArrayBuffer(words.byteLength))
  words.forEach((word, index) => marker.setUint32(index * 4, word))
  return new Uint8Array(marker.buffer)
}

/** Odd, so that no two checksums give the same word. */
const MIXERS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f]
