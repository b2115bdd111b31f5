/**
 * What every ObjectStore must do, as cases for any test framework:
 *
 * ```ts
 * for (const { name, run } of objectStoreCases(setUp)) test(name, run)
 * ```
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  InvalidLocationError,
  ObjectChangedError,
  ObjectExistsError,
  ObjectNotFoundError,
  OperationAbortedError,
} from '../errors.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { collect, expectEqual, expectError, expectThat, type ConformanceCase } from './case.ts'

/** A store, fresh for one case, and a root below which the suite may write. */
export interface ObjectStoreUnderTest {
  readonly store: ObjectStore
  /** An empty place of the store, without a trailing slash; each case gets its own. */
  readonly root: string
  tearDown?(): Promise<void>
}

type Check = (store: ObjectStore, root: string) => Promise<void>

/** `setUp` is called once for each case. */
export function objectStoreCases(setUp: () => Promise<ObjectStoreUnderTest>): readonly ConformanceCase[] {
  return Object.entries(CHECKS).map(([name, check]) => ({
    name,
    run: async () => {
      const { store, root, tearDown } = await setUp()
      try {
        await check(store, root)
      } finally {
        await tearDown?.()
      }
    },
  }))
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const CHECKS: Readonly<Record<string, Check>> = {
  'what was put is read back, and head tells its size and age': async (store, root) => {
    const location = `${root}/a/b/c.bin`
    const put = await store.put(location, bytes('hello'))
    const head = await store.head(location)
    expectEqual(await store.get(location), bytes('hello'), 'bytes')
    expectEqual([put.location, put.size, put.etag], [location, 5, head.etag], 'answer of put')
    expectEqual([head.location, head.size], [location, 5], 'answer of head')
    expectThat(Math.abs(Date.now() - head.lastModified.getTime()) < 3_600_000, 'lastModified is about now')
  },

  'an empty object is an object': async (store, root) => {
    await store.put(`${root}/empty`, new Uint8Array())
    expectEqual((await store.get(`${root}/empty`)).length, 0, 'length')
    expectEqual((await store.head(`${root}/empty`)).size, 0, 'size')
  },

  'a missing object is ObjectNotFoundError in head and get': async (store, root) => {
    await expectError(store.head(`${root}/none`), ObjectNotFoundError, 'head')
    await expectError(store.get(`${root}/none`), ObjectNotFoundError, 'get')
    await expectError(
      store.get(`${root}/none`, { range: { start: 0, end: 1 } }),
      ObjectNotFoundError,
      'get of a range',
    )
  },

  'what lies between slashes is no object': async (store, root) => {
    await store.put(`${root}/folder/object`, bytes('x'))
    await expectError(store.head(`${root}/folder`), ObjectNotFoundError, 'head of a folder')
    await expectError(store.get(`${root}/folder`), ObjectNotFoundError, 'get of a folder')
    await expectError(store.put(`${root}/folder/`, bytes('x')), InvalidLocationError, 'put to a folder')
  },

  'ranges are half open, may pass the end, and count from the end when negative': async (store, root) => {
    const location = `${root}/digits`
    await store.put(location, bytes('0123456789'))
    const read = async (start: number, end?: number): Promise<string> => {
      const range = end === undefined ? { start } : { start, end }
      return new TextDecoder().decode(await store.get(location, { range }))
    }
    expectEqual(await read(2, 5), '234', '[2, 5)')
    expectEqual(await read(7), '789', '[7, end)')
    expectEqual(await read(8, 100), '89', '[8, 100)')
    expectEqual(await read(-3), '789', 'the last three')
    expectEqual(await read(-100), '0123456789', 'more than there is, from the end')
    expectEqual(await read(4, 4), '', 'an empty range')
    expectEqual(await read(10), '', 'a range at the end')
  },

  'a put replaces the whole object and changes its etag': async (store, root) => {
    const location = `${root}/replaced`
    const first = await store.put(location, bytes('a long first version'))
    const second = await store.put(location, bytes('short'))
    expectThat(first.etag !== second.etag, 'another etag')
    expectEqual(await store.get(location), bytes('short'), 'bytes')
    expectEqual(await store.get(location, { ifMatch: second.etag }), bytes('short'), 'bytes by etag')
    await expectError(store.get(location, { ifMatch: first.etag }), ObjectChangedError, 'the old etag')
  },

  'a create-only put never replaces': async (store, root) => {
    const location = `${root}/once`
    await store.put(location, bytes('first'), { ifAbsent: true })
    await expectError(
      store.put(location, bytes('second'), { ifAbsent: true }),
      ObjectExistsError,
      'the second',
    )
    await expectError(
      store.put(location, bytes('first'), { ifAbsent: true }),
      ObjectExistsError,
      'equal bytes',
    )
    expectEqual(await store.get(location), bytes('first'), 'bytes')
  },

  'of many create-only puts at once exactly one wins': async (store, root) => {
    const location = `${root}/race`
    const puts = Array.from({ length: 12 }, (_, i) => store.put(location, bytes(`${i}`), { ifAbsent: true }))
    const results = await Promise.allSettled(puts)
    const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []))
    const losers = results.filter((result) => result.status === 'rejected')
    expectEqual(winners.length, 1, 'winners')
    for (const { reason } of losers)
      expectThat(reason instanceof ObjectExistsError, 'losers: ObjectExistsError')
    expectEqual(await store.get(location), bytes(String(winners[0])), "the winner's bytes")
  },

  'a put repeated with its owner token finds its own object': async (store, root) => {
    const location = `${root}/owned`
    const first = await store.put(location, bytes('mine'), { ifAbsent: true, owner: 'token-1' })
    const again = await store.put(location, bytes('mine'), { ifAbsent: true, owner: 'token-1' })
    expectEqual(again.etag, first.etag, 'etag')
    const other = store.put(location, bytes('mine'), { ifAbsent: true, owner: 'token-2' })
    await expectError(other, ObjectExistsError, 'another token with equal bytes')
  },

  'an owner token proves nothing once somebody replaced the object': async (store, root) => {
    const location = `${root}/taken`
    await store.put(location, bytes('mine'), { ifAbsent: true, owner: 'token-1' })
    await store.put(location, bytes('theirs'), { owner: 'token-2' })
    const again = store.put(location, bytes('mine'), { ifAbsent: true, owner: 'token-1' })
    await expectError(again, ObjectExistsError, 'the first owner')
    expectEqual(await store.get(location), bytes('theirs'), 'bytes')
  },

  'an object put after something is found only then': async (store, root) => {
    if (store.heedsAfter !== true) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const put = store.put(`${root}/late`, bytes('x'), { ifAbsent: true, after: promise })
    // As long as putting another object takes.
    await store.put(`${root}/early`, bytes('y'))
    const listed = await collect(store.list(`${root}/`))
    expectEqual(
      listed.map(({ location }) => location),
      [`${root}/early`],
      'objects before',
    )
    await expectError(store.head(`${root}/late`), ObjectNotFoundError, 'head before')
    resolve()
    expectEqual((await put).size, 1, 'size')
    expectEqual(await store.get(`${root}/late`), bytes('x'), 'bytes')
  },

  'an object is not put when what it comes after fails': async (store, root) => {
    if (store.heedsAfter !== true) return
    await store.put(`${root}/other`, bytes('x'))
    for (const ifAbsent of [true, false]) {
      const reason = new ObjectChangedError('what it comes after has failed')
      const after = Promise.reject<void>(reason)
      // A put that comes to it late does not make it one that nobody handles.
      after.catch(() => undefined)
      const put = store.put(`${root}/late`, bytes('x'), { ifAbsent, after })
      expectThat((await expectError(put, ObjectChangedError, 'put')) === reason, 'the reason itself')
      await expectError(store.head(`${root}/late`), ObjectNotFoundError, 'head')
      const left = await collect(store.listTemporary?.(`${root}/`) ?? store.list(`${root}/none/`))
      expectEqual(left, [], 'what is left of it')
    }
  },

  'a local file is put, and stays when the put is refused': async (store, root) => {
    const folder = await mkdtemp(join(tmpdir(), 'floeberg-conformance-'))
    try {
      const localPath = join(folder, 'source')
      await writeFile(localPath, 'from a file')
      const info = await store.put(`${root}/file`, { localPath }, { ifAbsent: true })
      expectEqual(info.size, 11, 'size')
      expectEqual(await store.get(`${root}/file`), bytes('from a file'), 'bytes')
      await writeFile(localPath, 'another')
      await expectError(
        store.put(`${root}/file`, { localPath }, { ifAbsent: true }),
        ObjectExistsError,
        'exists',
      )
      expectEqual(await readFile(localPath, 'utf8'), 'another', 'the refused file')
      await store.put(`${root}/file`, { localPath })
      expectEqual(await store.get(`${root}/file`), bytes('another'), 'replaced bytes')
    } finally {
      await rm(folder, { recursive: true })
    }
  },

  'bytes given and bytes got are not shared with the store': async (store, root) => {
    const given = bytes('abc')
    await store.put(`${root}/copy`, given)
    given.fill(0)
    const got = await store.get(`${root}/copy`)
    expectEqual(got, bytes('abc'), 'bytes')
    got.fill(0)
    expectEqual(await store.get(`${root}/copy`), bytes('abc'), 'bytes again')
  },

  'a listing is recursive, exact at the slash, and complete': async (store, root) => {
    const names = ['t1/a', 't1/b/c', 't1/b/d/e', 't10/a', 't1x']
    for (const name of names) await store.put(`${root}/${name}`, bytes(name))
    const list = async (prefix: string): Promise<string[]> => {
      const infos = await collect(store.list(`${root}/${prefix}`))
      for (const info of infos)
        expectEqual(info.etag, (await store.head(info.location)).etag, 'etag in a list')
      return infos.map(({ location }) => location.slice(root.length + 1)).sort()
    }
    expectEqual(await list('t1/'), ['t1/a', 't1/b/c', 't1/b/d/e'], 't1/')
    expectEqual(await list('t1/b/'), ['t1/b/c', 't1/b/d/e'], 't1/b/')
    expectEqual(await list('nothing/'), [], 'a missing prefix')
    expectEqual(await list(''), [...names].sort(), 'everything')
  },

  'a prefix to list must end in a slash': async (store, root) => {
    await store.put(`${root}/t1/a`, bytes('x'))
    await expectError(collect(store.list(`${root}/t1`)), InvalidLocationError, 'list')
  },

  'a long listing is complete': async (store, root) => {
    const names = Array.from({ length: 150 }, (_, i) => `${root}/many/${i % 7}/${i}`)
    await Promise.all(names.map((name) => store.put(name, bytes('x'))))
    const listed = (await collect(store.list(`${root}/many/`))).map(({ location }) => location)
    expectEqual(listed.sort(), [...names].sort(), 'locations')
  },

  'a listing may be left early': async (store, root) => {
    for (let i = 0; i < 5; i += 1) await store.put(`${root}/few/${i}`, bytes('x'))
    for await (const info of store.list(`${root}/few/`)) {
      expectEqual(info.size, 1, 'size')
      break
    }
  },

  'deleting reports each location, and what is not there counts as deleted': async (store, root) => {
    await store.put(`${root}/d/1`, bytes('x'))
    await store.put(`${root}/d/2`, bytes('x'))
    const report = await store.delete([`${root}/d/1`, `${root}/d/none`])
    expectEqual([...report.deleted].sort(), [`${root}/d/1`, `${root}/d/none`], 'deleted')
    expectEqual(report.failed, [], 'failed')
    await expectError(store.head(`${root}/d/1`), ObjectNotFoundError, 'the deleted one')
    expectEqual((await store.head(`${root}/d/2`)).size, 1, 'the other one')
    expectEqual(await store.delete([]), { deleted: [], failed: [] }, 'nothing to delete')
  },

  'a delete never takes a folder, and goes on with the rest': async (store, root) => {
    await store.put(`${root}/keep/object`, bytes('x'))
    await store.put(`${root}/gone`, bytes('x'))
    await store.delete([`${root}/keep`, `${root}/gone`])
    expectEqual(await store.get(`${root}/keep/object`), bytes('x'), 'the object in the folder')
    await expectError(store.head(`${root}/gone`), ObjectNotFoundError, 'the other one')
  },

  'many objects are deleted in one call': async (store, root) => {
    const names = Array.from({ length: 120 }, (_, i) => `${root}/bulk/${i}`)
    await Promise.all(names.map((name) => store.put(name, bytes('x'))))
    const report = await store.delete(names)
    expectEqual([report.deleted.length, report.failed.length], [120, 0], 'report')
    expectEqual(await collect(store.list(`${root}/bulk/`)), [], 'what is left')
  },

  'names are verbatim: spaces, percent signs, Unicode, dots': async (store, root) => {
    const names = ['a b', '%20', 'a%2Fb', 'é', '雪', '..x', 'a+b', "quote'", 'x=1/y=2']
    for (const name of names) await store.put(`${root}/n/${name}`, bytes(name))
    for (const name of names) expectEqual(await store.get(`${root}/n/${name}`), bytes(name), name)
    const listed = (await collect(store.list(`${root}/n/`))).map(({ location }) => location)
    expectEqual(listed.sort(), names.map((name) => `${root}/n/${name}`).sort(), 'listed')
    await store.delete(names.map((name) => `${root}/n/${name}`))
    expectEqual(await collect(store.list(`${root}/n/`)), [], 'what is left')
  },

  'an aborted call does nothing': async (store, root) => {
    const signal = AbortSignal.abort()
    await store.put(`${root}/there`, bytes('x'))
    const calls = {
      head: store.head(`${root}/there`, { signal }),
      get: store.get(`${root}/there`, { signal }),
      put: store.put(`${root}/new`, bytes('x'), { signal }),
      list: collect(store.list(`${root}/`, { signal })),
      delete: store.delete([`${root}/there`], { signal }),
    }
    for (const [name, call] of Object.entries(calls)) await expectError(call, OperationAbortedError, name)
    expectEqual((await collect(store.list(`${root}/`))).length, 1, 'objects')
  },

  'no scheme but its own is answered for': async (store) => {
    const elsewhere = 'nowhere-at-all://bucket/key'
    await expectError(store.head(elsewhere), InvalidLocationError, 'head')
    await expectError(store.put(elsewhere, bytes('x')), InvalidLocationError, 'put')
    const report = await store.delete([elsewhere])
    expectThat(report.failed[0]?.error instanceof InvalidLocationError, 'delete reports it')
  },
}
