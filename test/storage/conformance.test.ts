import { describe, expect, test } from 'vitest'
import { LocalObjectStore } from '../../src/storage/local.ts'
import { toFileUri } from '../../src/storage/location.ts'
import { MemoryObjectStore } from '../../src/storage/memory.ts'
import { withRetry } from '../../src/storage/retry.ts'
import { objectStoreCases, type ObjectStoreUnderTest } from '../../src/testing/object-store.ts'
import { temporaryFolder } from '../support/folders.ts'

async function local(): Promise<ObjectStoreUnderTest> {
  return { store: new LocalObjectStore(), root: toFileUri(await temporaryFolder()) }
}

async function memory(): Promise<ObjectStoreUnderTest> {
  return { store: new MemoryObjectStore(), root: 'memory://bucket/root' }
}

async function retried(): Promise<ObjectStoreUnderTest> {
  const { store, root } = await local()
  return { store: withRetry(store), root }
}

for (const [store, setUp] of Object.entries({ local, memory, retried })) {
  describe(`the ${store} store`, () => {
    test.each([...objectStoreCases(setUp)])('$name', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined()
    })
  })
}
