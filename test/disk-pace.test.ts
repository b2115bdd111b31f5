import { expect, test } from 'vitest'
import { DiskPace } from '../src/disk-pace.ts'

async function inPlace(pace: DiskPace, count: number): Promise<number> {
  let found = 0
  for (let i = 0; i < count; i += 1) if (await pace.isInPlace()) found += 1
  return found
}

test('files at hand are opened in place', async () => {
  const pace = new DiskPace()
  pace.took(0.01)
  expect(await inPlace(pace, 1000)).toBe(1000)
})

test('after one that had to wait the next go through the pool, and then one is tried again', async () => {
  const pace = new DiskPace()
  expect(await pace.isInPlace()).toBe(true)
  pace.took(20)
  expect(await inPlace(pace, 64)).toBe(0)
  expect(await pace.isInPlace()).toBe(true)
  pace.took(20)
  expect(await inPlace(pace, 64)).toBe(0)
  expect(await pace.isInPlace()).toBe(true)
  pace.took(0.01)
  expect(await inPlace(pace, 64)).toBe(64)
})

test('everybody else has a turn between opens in place, however many ask at once', async () => {
  const pace = new DiskPace()
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await Promise.all(Array.from({ length: 8 }, () => inPlace(pace, 100)))
  isOver = true
  expect(turns).toBeGreaterThanOrEqual(10)
})
