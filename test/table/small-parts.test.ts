import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import { mapConcurrently } from '../../src/table/concurrency.ts'
import { toIdentifier, toNamespace } from '../../src/table/identifier.ts'
import { LruCache } from '../../src/table/lru-cache.ts'
import { partitionKey } from '../../src/table/partition-key.ts'
import { parseSnapshotId, parseTime } from '../../src/table/time-travel.ts'

describe('identifiers', () => {
  test('a string is split at its dots, an object never is', () => {
    expect(toIdentifier('a.b.t')).toEqual({ namespace: ['a', 'b'], name: 't' })
    expect(toIdentifier({ namespace: ['a.b'], name: 't.u' })).toEqual({ namespace: ['a.b'], name: 't.u' })
    expect(toNamespace('a.b')).toEqual(['a.b'])
  })

  test.each(['', 't', '.t', 'a.', 'a..t'])('%j is refused', (text) => {
    expect(() => toIdentifier(text)).toThrow(InvalidArgumentError)
  })

  test('a namespace needs a level', () => {
    expect(() => toNamespace([])).toThrow(InvalidArgumentError)
    expect(() => toNamespace('')).toThrow(InvalidArgumentError)
  })
})

describe('partition keys tell apart', () => {
  const keys = [
    [null],
    [0],
    [-0],
    [0n],
    [''],
    ['n'],
    [false],
    [true],
    ['0'],
    [new Uint8Array([0])],
    [new Uint8Array()],
    [Number.NaN],
    ['a|s"b"', null],
    ['a', 'b'],
    ['a|b'],
  ] as const

  test('every value from every other', () => {
    expect(new Set(keys.map((partition) => partitionKey(0, partition))).size).toBe(keys.length)
  })

  test('specs', () => {
    expect(partitionKey(0, [1])).not.toBe(partitionKey(1, [1]))
  })
})

describe('times', () => {
  test.each([
    ['2001-02-03', Date.UTC(2001, 1, 3)],
    ['2001-02-03T04:05:06', Date.UTC(2001, 1, 3, 4, 5, 6)],
    ['2001-02-03 04:05', Date.UTC(2001, 1, 3, 4, 5)],
    ['2001-02-03T04:05:06.789Z', Date.UTC(2001, 1, 3, 4, 5, 6, 789)],
    ['2001-02-03T04:05:06+01:00', Date.UTC(2001, 1, 3, 3, 5, 6)],
    ['1969-12-31T23:59:59Z', -1000],
  ])('%s is the same everywhere', (text, expected) => {
    expect(parseTime(text)).toBe(expected)
  })

  test.each(['', 'yesterday', '2001-13-40', '12:00', '1067', '2001-02-03T04:05:06 Europe/Berlin'])(
    '%j is refused',
    (text) => {
      expect(() => parseTime(text)).toThrow(InvalidArgumentError)
    },
  )

  test('snapshot ids keep all 64 bits', () => {
    expect(parseSnapshotId('3051729675574597004')).toBe(3051729675574597004n)
    expect(() => parseSnapshotId('3.0')).toThrow(InvalidArgumentError)
    expect(() => parseSnapshotId('')).toThrow(InvalidArgumentError)
  })
})

describe('a cache that forgets what was used longest ago', () => {
  test('keeps what was read', () => {
    const cache = new LruCache<string, number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    expect(cache.get('a')).toBe(1)
    cache.set('c', 3)
    expect(cache.get('b')).toBeUndefined()
    expect(cache.get('a')).toBe(1)
    expect(cache.get('c')).toBe(3)
  })
})

describe('bounded parallelism', () => {
  test('keeps order and the limit', async () => {
    let running = 0
    let most = 0
    const results = await mapConcurrently(
      [5, 1, 4, 2, 3],
      async (n) => {
        running += 1
        most = Math.max(most, running)
        await Promise.resolve()
        running -= 1
        return n * 2
      },
      2,
    )
    expect(results).toEqual([10, 2, 8, 4, 6])
    expect(most).toBe(2)
  })

  test('starts nothing after a failure', async () => {
    const started: number[] = []
    const run = mapConcurrently(
      [1, 2, 3, 4],
      async (n) => {
        started.push(n)
        if (n === 1) throw new Error('first')
        await Promise.resolve()
      },
      2,
    )
    await expect(run).rejects.toThrow('first')
    expect(started).toEqual([1, 2])
  })

  test('rejects when what was under way has ended', async () => {
    let resolve: () => void = () => {}
    const promise = new Promise<void>((fulfil) => {
      resolve = fulfil
    })
    const ended: number[] = []
    const run = mapConcurrently([1, 2], async (n) => {
      if (n === 1) throw new Error('first')
      await promise
      ended.push(n)
    })
    const seen = run.catch((error: unknown) => ({ error, ended: [...ended] }))
    resolve()
    expect(await seen).toEqual({ error: new Error('first'), ended: [2] })
  })
})
