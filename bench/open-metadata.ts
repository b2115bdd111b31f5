/**
 * What it costs to open a big metadata.json and to commit onto it: seconds, and peak memory as a
 * multiple of the file's size, beside a bare JSON.parse (which rounds the ids).
 *
 * node bench/open-metadata.ts [snapshots, default 200000]
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseTableMetadata } from '../src/format/metadata/parse.ts'
import { serializeTableMetadata } from '../src/format/metadata/serialize.ts'
import { applyUpdates } from '../src/format/metadata/updates.ts'

const RUNS = 5

interface Measured {
  readonly openMs: number
  /** Peak resident memory above that of the process before it read the file, in bytes. */
  readonly peakBytes: number
  /** Milliseconds of commits: changing and serialising, the first (nothing encoded yet) and later ones. */
  readonly commitMs: readonly number[]
}

const [, , ...args] = process.argv
if (args[0] === '--measure') measure(args[1] ?? '', args[2] ?? '')
else main(Number(args[0] ?? 200_000))

function main(snapshots: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'floeberg-bench-'))
  try {
    const file = join(folder, 'big.metadata.json')
    writeFileSync(file, bigDocument(snapshots))
    const { size } = statSync(file)
    console.log(
      `${snapshots} snapshots, ${(size / 1e6).toFixed(1)} MB; medians of ${RUNS} runs, each its own process`,
    )
    for (const way of ['JSON.parse', 'floeberg']) {
      const runs = Array.from({ length: RUNS }, () => inChild(way, file))
      const seconds = median(runs.map((run) => run.openMs)) / 1000
      const ratio = median(runs.map((run) => run.peakBytes)) / size
      console.log(`open, ${way}: ${seconds.toFixed(2)} s, peak memory ${ratio.toFixed(2)} × the file`)
      if (way === 'JSON.parse') continue
      const [first = 0, ...later] = runs[0]?.commitMs ?? []
      console.log(`commit onto it: first ${first.toFixed(0)} ms, then ${median(later).toFixed(0)} ms`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function inChild(way: string, file: string): Measured {
  const out = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--measure', way, file])
  const measured: Measured = JSON.parse(out.toString())
  return measured
}

function measure(way: string, file: string): void {
  const idle = process.memoryUsage().rss
  const start = performance.now()
  const bytes = readFileSync(file)
  const metadata = way === 'floeberg' ? parseTableMetadata(bytes, file) : JSON.parse(bytes.toString())
  const openMs = performance.now() - start
  const peakBytes = process.resourceUsage().maxRSS * 1024 - idle
  const commitMs = way === 'floeberg' ? commits(parseTableMetadata(bytes, file)) : []
  const result: Measured & { readonly last: unknown } = {
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

/** A table's file after so many appends, as PyIceberg writes it. */
function bigDocument(count: number): string {
  const snapshots: string[] = []
  const log: string[] = []
  let id = 42n
  let parent = ''
  for (let i = 1; i <= count; i++) {
    id = (id * 6364136223846793005n + 1442695040888963407n) & ((1n << 63n) - 1n)
    const time = 1_700_000_000_000 + i * 1000
    const uuid = `${id.toString(16).padStart(16, '0')}-${(id ^ 0x5555n).toString(16).padStart(16, '0')}`
    snapshots.push(
      `{"snapshot-id":${id},${parent}"sequence-number":${i},"timestamp-ms":${time},` +
        `"manifest-list":"s3://warehouse/db/t-9c12d441/metadata/snap-${id}-0-${uuid}.avro",` +
        `"summary":{"operation":"append","added-files-size":"${100_000 + (i % 977)}","added-data-files":"1",` +
        `"added-records":"${1000 + (i % 97)}","changed-partition-count":"1","total-data-files":"${i}",` +
        `"total-delete-files":"0","total-records":"${i * 1000}","total-files-size":"${i * 100_500}",` +
        `"total-position-deletes":"0","total-equality-deletes":"0"},"schema-id":0}`,
    )
    log.push(`{"snapshot-id":${id},"timestamp-ms":${time}}`)
    parent = `"parent-snapshot-id":${id},`
  }
  return (
    `{"location":"s3://warehouse/db/t-9c12d441","table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1",` +
    `"last-updated-ms":${1_700_000_000_000 + count * 1000},"last-column-id":1,"schemas":[{"type":"struct",` +
    `"fields":[{"id":1,"name":"id","type":"long","required":true}],"schema-id":0}],"current-schema-id":0,` +
    `"partition-specs":[{"spec-id":0,"fields":[]}],"default-spec-id":0,"last-partition-id":999,"properties":{},` +
    `"current-snapshot-id":${id},"snapshots":[${snapshots.join(',')}],"snapshot-log":[${log.join(',')}],` +
    `"metadata-log":[],"sort-orders":[{"order-id":0,"fields":[]}],"default-sort-order-id":0,` +
    `"refs":{"main":{"snapshot-id":${id},"type":"branch"}},"format-version":2,"last-sequence-number":${count}}`
  )
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
