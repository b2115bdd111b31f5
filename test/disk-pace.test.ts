import { expect, test } from 'vitest'
import { DiskPace } from '../src/disk-pace.ts'

/** Calls of which each takes so many milliseconds in place. */
class Calls {
  milliseconds = 0.01
  #now = 0
  readonly pace = new DiskPace(() => this.#now)

  /** Whether it was made in place. */
  one(): Promise<boolean> {
    return this.pace.call(
      () => {
        this.#now += this.milliseconds
        return true
      },
      () => Promise.resolve(false),
    )
  }

  /** One that throws in place. */
  fails(): Promise<void> {
    return this.pace.call(
      () => {
        this.#now += this.milliseconds
        throw new Error('not there')
      },
      () => Promise.resolve(),
    )
  }

  /** How many of so many, one after the other, were made in place. */
  async inPlace(count: number): Promise<number> {
    let found = 0
    for (let i = 0; i < count; i += 1) if (await this.one()) found += 1
    return found
  }
}

test('files at hand are opened in place', async () => {
  expect(await new Calls().inPlace(1000)).toBe(1000)
})

test('after one that had to wait the next go through the pool, and then one is tried again', async () => {
  const calls = new Calls()
  calls.milliseconds = 20
  expect(await calls.one()).toBe(true)
  expect(await calls.inPlace(64)).toBe(0)
  expect(await calls.one()).toBe(true)
  expect(await calls.inPlace(63)).toBe(0)
  calls.milliseconds = 0.01
  expect(await calls.one()).toBe(false)
  expect(await calls.inPlace(64)).toBe(64)
})

test('one that waited for a file that is not there is as slow', async () => {
  const calls = new Calls()
  calls.milliseconds = 20
  await expect(calls.fails()).rejects.toThrow('not there')
  expect(await calls.inPlace(64)).toBe(0)
})

test('of many that ask at once only the first waits in place', async () => {
  const calls = new Calls()
  calls.milliseconds = 20
  const made = await Promise.all(Array.from({ length: 40 }, () => calls.one()))
  expect(made.filter(Boolean)).toHaveLength(1)
})

test('so do those that waited for their turn', async () => {
  const calls = new Calls()
  await calls.inPlace(64)
  calls.milliseconds = 20
  const made = await Promise.all(Array.from({ length: 40 }, () => calls.one()))
  expect(made.filter(Boolean)).toHaveLength(1)
})

test('everybody else has a turn between opens in place, however many ask at once', async () => {
  const calls = new Calls()
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await Promise.all(Array.from({ length: 8 }, () => calls.inPlace(100)))
  isOver = true
  expect(turns).toBeGreaterThanOrEqual(10)
})
