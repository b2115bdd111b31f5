/** Writes few rows, and many, where the engine's native library is not installed. */
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { FloebergError } from '../../src/errors.ts'
import { openDuckDbPlane } from '../../src/engine/duckdb/duckdb-plane.ts'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { createFileAccess } from '../../src/storage/staging.ts'
import { defaults, schemaOf } from './requests.ts'

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('@duckdb/')) throw new Error('not installed')
    return next(specifier, context)
  },
})

const folder = join(process.argv[2] ?? '', 'without')
const scratchDir = join(folder, 'scratch')
const plane = await openDuckDbPlane({ scratchDir, threads: 1 })
const schema = schemaOf({ n: { kind: 'int' } })
const files = createFileAccess(new LocalObjectStore(), { scratchDir })

async function write(count: number): Promise<unknown> {
  const rows = Array.from({ length: count }, (_, n) => ({ n }))
  try {
    return (await plane.write({ ...defaults(folder, schema), files, schema, source: { kind: 'rows', rows } }))
      .rows
  } catch (error) {
    return error instanceof FloebergError ? error.code : String(error)
  }
}

const ends = [await write(1), await write(5000), await write(2)]
await plane.close()
process.stdout.write(JSON.stringify(ends))
