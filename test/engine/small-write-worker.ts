/** Writes a row and then reads: tells whether the engine's native library was loaded before and after. */
import { join } from 'node:path'
import { openDuckDbPlane } from '../../src/engine/duckdb/duckdb-plane.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { createFileAccess } from '../../src/storage/staging.ts'
import { defaults, schemaOf } from './requests.ts'

const folder = join(process.argv[2] ?? '', 'child')
const scratchDir = join(folder, 'scratch')
const plane = await openDuckDbPlane({ scratchDir, threads: 1 })
const schema = schemaOf({ n: { kind: 'int' } })
const { rows } = await plane.write({
  ...defaults(folder, schema),
  files: createFileAccess(new LocalObjectStore(), { scratchDir }),
  schema,
  source: { kind: 'rows', rows: [{ n: 1 }] },
})
const before = isLoaded()
await plane.inferSchema({ kind: 'rows', rows: [{ n: 1 }] })
await plane.close()
process.stdout.write(JSON.stringify({ before, rows, after: isLoaded() }))

function isLoaded(): boolean {
  const report = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] }
  return report.sharedObjects.some((path) => path.includes('duckdb'))
}
