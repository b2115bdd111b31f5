/**
 * Opens one metadata.json in a process of its own and commits onto it; answers what it took as JSON.
 *
 *     node bench/open-metadata-child.ts floeberg|JSON.parse FILE
 */
import { readFileSync } from 'node:fs'
import { parseTableMetadata } from '../src/format/metadata/parse.ts'
import { serializeTableMetadata } from '../src/format/metadata/serialize.ts'
import { applyUpdates } from '../src/format/metadata/updates.ts'
import type { OpenedMetadata } from './items/open-metadata.ts'

const [, , way = '', file = ''] = process.argv
measure(way, file)

function measure(way: string, file: string): void {
  const idle = process.memoryUsage().rss
  const start = performance.now()
  const bytes = readFileSync(file)
  const metadata = way === 'floeberg' ? parseTableMetadata(bytes, file) : JSON.parse(bytes.toString())
  const openMs = performance.now() - start
  const peakBytes = process.resourceUsage().maxRSS * 1024 - idle
  const commitMs = way === 'floeberg' ? commits(parseTableMetadata(bytes, file)) : []
  const result: OpenedMetadata & { readonly last: unknown } = {
    openMs,
    peakBytes,
    commitMs,
    // Used, so that nothing of it is optimised away.
    last: String(metadata['current-snapshot-id']),
  }
  console.log(JSON.stringify(result))
}

function commits(base: ReturnType<typeof parseTableMetadata>): readonly number[] {
  let metadata = base
  return Array.from({ length: 6 }, (_, run) => {
    const start = performance.now()
    const id = BigInt(run + 1)
    metadata = applyUpdates(
      metadata,
      [
        {
          action: 'add-snapshot',
          snapshot: {
            'snapshot-id': id,
            'sequence-number': metadata['last-sequence-number'] + 1,
            'timestamp-ms': metadata['last-updated-ms'],
            'manifest-list': `s3://warehouse/db/t/metadata/snap-${id}.avro`,
            summary: { operation: 'append' },
          },
        },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id },
      ],
      { nowMs: metadata['last-updated-ms'] },
    )
    serializeTableMetadata(metadata)
    return performance.now() - start
  })
}
