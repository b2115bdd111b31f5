import { describe, expect, test } from 'vitest'
import {
  ObjectExistsError,
  ObjectNotFoundError,
  OperationAbortedError,
  StorageUnavailableError,
} from '../../src/errors.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { withRetry } from '../../src/storage/retry.ts'
import { collect } from '../../src/testing/case.ts'
import { faultStore } from '../support/fault-store.ts'
import { FaultController, type FaultMode } from '../support/faults.ts'

const LOCATION = 'memory://b/object'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function setUp(retries = 4) {
  const memory = new MemoryObjectStore()
  const controller = new FaultController()
  const waits: number[] = []
  const store = withRetry(faultStore(memory, controller), {
    retries,
    minDelayMs: 100,
    maxDelayMs: 1000,
    random: () => 1,
    sleep: async (milliseconds) => void waits.push(milliseconds),
  })
  return { memory, controller, store, waits }
}

describe.each(['error-before', 'error-after'] satisfies FaultMode[])('%s', (mode) => {
  test('a create-only put whose answer was lost finds its own object', async () => {
    const { memory, controller, store } = setUp()
    controller.reset({ mode, at: 1 })
    await store.put(LOCATION, bytes('mine'), { ifAbsent: true })
    expect(controller.calls).toHaveLength(2)
    expect(await memory.get(LOCATION)).toEqual(bytes('mine'))
  })

  test("another's object is never taken for ours, with equal bytes either", async () => {
    const { memory, controller, store } = setUp()
    await memory.put(LOCATION, bytes('mine'))
    controller.reset({ mode: 'error-before', at: 1 })
    await expect(store.put(LOCATION, bytes('mine'), { ifAbsent: true })).rejects.toThrow(ObjectExistsError)
  })

  test('head, get, list and delete are repeated', async () => {
    const { memory, controller, store } = setUp()
    await memory.put(LOCATION, bytes('mine'))
    controller.reset({ mode, at: 1 })
    expect((await store.head(LOCATION)).size).toBe(4)
    controller.reset({ mode, at: 1 })
    expect(await store.get(LOCATION)).toEqual(bytes('mine'))
    controller.reset({ mode, at: 1 })
    expect(await collect(store.list('memory://b/'))).toHaveLength(1)
    controller.reset({ mode, at: 1 })
    expect(await store.delete([LOCATION])).toEqual({ deleted: [LOCATION], failed: [] })
  })
})

test('the wait doubles up to its limit, and ends', async () => {
  const { controller, store, waits } = setUp(6)
  controller.reset({ mode: 'error-before', at: 1, lasting: true })
  await expect(store.head(LOCATION)).rejects.toThrow(StorageUnavailableError)
  expect(waits).toEqual([100, 200, 400, 800, 1000, 1000])
  expect(controller.calls).toHaveLength(7)
})

test('what is not the store being unavailable is not repeated', async () => {
  const { controller, store } = setUp()
  await expect(store.get(LOCATION)).rejects.toThrow(ObjectNotFoundError)
  expect(controller.calls).toHaveLength(1)
})

test('a listing that fails in the middle is not begun again', async () => {
  const { memory, controller, store } = setUp()
  await memory.put(LOCATION, bytes('x'))
  controller.reset({ mode: 'partial', at: 1 })
  await expect(collect(store.list('memory://b/'))).rejects.toThrow(StorageUnavailableError)
  expect(controller.calls).toHaveLength(1)
})

test('of a delete only what failed is repeated', async () => {
  const { memory, controller, store } = setUp()
  const locations = ['memory://b/1', 'memory://b/2', 'memory://b/3']
  for (const location of locations) await memory.put(location, bytes('x'))
  controller.reset({ mode: 'partial', at: 1 })
  const report = await store.delete(locations)
  expect([[...report.deleted].sort(), report.failed]).toEqual([locations, []])
  expect(controller.calls.map(({ about }) => about)).toEqual([locations, ['memory://b/3']])
  expect(await collect(memory.list('memory://b/'))).toEqual([])
})

test('a delete that keeps failing is reported, not thrown', async () => {
  const { controller, store } = setUp(2)
  controller.reset({ mode: 'partial', at: 1, lasting: true })
  const report = await store.delete(['memory://b/1', 'memory://b/2'])
  expect(report.deleted).toEqual(['memory://b/1', 'memory://b/2'])
})

test('an abort ends the waiting', async () => {
  const controller = new FaultController()
  const abort = new AbortController()
  const store = withRetry(faultStore(new MemoryObjectStore(), controller), {
    minDelayMs: 3_600_000,
    maxDelayMs: 3_600_000,
  })
  controller.reset({ mode: 'error-before', at: 1, lasting: true })
  const pending = store.head(LOCATION, { signal: abort.signal })
  queueMicrotask(() => abort.abort())
  await expect(pending).rejects.toThrow(OperationAbortedError)
})
