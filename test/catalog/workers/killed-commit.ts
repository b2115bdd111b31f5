/** Commits a property, and is killed at the store's n-th call. */
import { LocalObjectStore } from '../../../src/storage/local.ts'
import { setProperty, TABLE } from '../../../src/testing/catalog-fixtures.ts'
import { faultStore } from '../../support/fault-store.ts'
import { FaultController } from '../../support/faults.ts'
import { argumentsOf } from '../../support/worker.ts'
import { openClient } from './client.ts'

const [folder = '', mode = '', at = ''] = argumentsOf('folder', 'mode', 'at')
if (mode !== 'kill-before' && mode !== 'kill-after') throw new Error(`No such mode: ${mode}`)
const controller = new FaultController()
const catalog = await openClient(folder, faultStore(new LocalObjectStore(), controller))
controller.reset({ mode, at: Number(at) })
await catalog.commitTable(TABLE, { requirements: [], updates: [setProperty('killed', 'no')] })
await catalog.close()
