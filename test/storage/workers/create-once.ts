/** A create-only put of the worker's name; prints whether it won. */
import { ObjectExistsError } from '../../../src/errors.ts'
import { LocalObjectStore } from '../../../src/storage/local.ts'
import { argumentsOf, start } from '../../support/worker.ts'

const [location = '', name = ''] = argumentsOf('location', 'name')
const store = new LocalObjectStore()
await start()
try {
  await store.put(location, new TextEncoder().encode(name.repeat(100_000)), { ifAbsent: true })
  console.log(name)
} catch (error) {
  if (!(error instanceof ObjectExistsError)) throw error
  console.log('exists')
}
