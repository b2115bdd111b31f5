/** Commits: all or nothing, exactly once, and nothing lost, as every catalog must do it. */
import {
  CommitConflictError,
  CommitRejectedError,
  OperationAbortedError,
  TableAlreadyExistsError,
} from '../errors.ts'
import type { TableCommit } from '../catalog/catalog.ts'
import type { TableRequirement } from '../format/metadata/requirements.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { collect, expectEqual, expectError, expectThat } from './case.ts'
import {
  append,
  NAMESPACE,
  REQUEST,
  setProperty,
  snapshot,
  TABLE,
  withTable,
  type CatalogCheck,
  type CatalogUnderTest,
} from './catalog-fixtures.ts'

const FIRST = 3051729675574597004n
const SECOND = 9223372036854775807n

/** A table with two snapshots on main; its metadata. */
async function withSnapshots(fixture: CatalogUnderTest): Promise<TableMetadata> {
  const { metadata } = await withTable(fixture)
  const first = snapshot(FIRST, 1, null, metadata.location)
  await fixture.catalog.commitTable(TABLE, { requirements: [], updates: append(first) })
  const second = snapshot(SECOND, 2, FIRST, metadata.location)
  const after = await fixture.catalog.commitTable(TABLE, { requirements: [], updates: append(second) })
  return after.metadata
}

const only = (requirement: TableRequirement, update: TableUpdate): TableCommit => ({
  requirements: [requirement],
  updates: [update],
})

/** Of a table without snapshots. */
const UNMOVED: TableRequirement = { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }

/** null where they are out of reach. */
async function metadataFilesOf(
  store: ObjectStore | null,
  { location }: TableMetadata,
): Promise<readonly string[] | null> {
  if (store === null) return null
  const objects = await collect(store.list(`${location}/metadata/`))
  return objects.map((object) => object.location)
}

export const COMMIT_CHECKS: readonly CatalogCheck[] = [
  {
    name: 'a commit answers with the metadata that others then load',
    run: async (fixture) => {
      const before = await withTable(fixture)
      const updates = [setProperty('a', '1'), setProperty('b', '2')]
      const after = await fixture.catalog.commitTable(TABLE, { requirements: [], updates })
      expectEqual(after.metadata.properties, { owner: 'me', a: '1', b: '2' }, 'properties')
      expectThat(after.metadataLocation !== before.metadataLocation, 'another metadata file')
      const loaded = await fixture.other.loadTable(TABLE)
      expectEqual(loaded.metadata, after.metadata, 'metadata as another client loads it')
      expectEqual(loaded.metadataLocation, after.metadataLocation, 'metadata location')
    },
  },
  {
    name: '64-bit snapshot ids survive',
    run: async (fixture) => {
      await withSnapshots(fixture)
      const { metadata } = await fixture.other.loadTable(TABLE)
      expectEqual(metadata['current-snapshot-id'], SECOND, 'current snapshot')
      expectEqual(
        metadata.snapshots.map((each) => each['snapshot-id']),
        [FIRST, SECOND],
        'snapshots',
      )
      expectEqual(metadata.refs['main']?.['snapshot-id'], SECOND, 'main')
      const requirement = { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': SECOND - 1n } as const
      const off = fixture.other.commitTable(TABLE, only(requirement, setProperty('a', 'b')))
      await expectError(off, CommitConflictError, 'an id that is one less')
    },
  },
  {
    name: 'each requirement that does not hold is a conflict, and nothing is changed',
    run: async (fixture) => {
      const metadata = await withSnapshots(fixture)
      const failing: readonly TableRequirement[] = [
        { type: 'assert-table-uuid', uuid: '00000000-0000-4000-8000-000000000000' },
        { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': FIRST },
        { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null },
        { type: 'assert-ref-snapshot-id', ref: 'none', 'snapshot-id': FIRST },
        { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 99 },
        { type: 'assert-current-schema-id', 'current-schema-id': 99 },
        { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': 99 },
        { type: 'assert-default-spec-id', 'default-spec-id': 99 },
        { type: 'assert-default-sort-order-id', 'default-sort-order-id': 99 },
      ]
      for (const requirement of failing) {
        const commit = fixture.other.commitTable(TABLE, only(requirement, setProperty('a', 'b')))
        await expectError(commit, CommitConflictError, requirement.type)
      }
      expectEqual((await fixture.other.loadTable(TABLE)).metadata, metadata, 'metadata')
    },
  },
  {
    name: 'requirements that hold let the commit through',
    run: async (fixture) => {
      const metadata = await withSnapshots(fixture)
      const requirements: readonly TableRequirement[] = [
        { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
        { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': SECOND },
        { type: 'assert-ref-snapshot-id', ref: 'none', 'snapshot-id': null },
        { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': metadata['last-column-id'] },
        { type: 'assert-current-schema-id', 'current-schema-id': metadata['current-schema-id'] },
        { type: 'assert-default-spec-id', 'default-spec-id': metadata['default-spec-id'] },
      ]
      await fixture.other.commitTable(TABLE, { requirements, updates: [setProperty('a', 'b')] })
    },
  },
  {
    name: 'a commit on an outdated state is a conflict; of several at once exactly one wins',
    run: async (fixture) => {
      const { catalog, other } = fixture
      const { metadata } = await withTable(fixture)
      const requirement = { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null } as const
      const commits = [catalog, other, catalog, other].map((client, i) =>
        client.commitTable(TABLE, {
          requirements: [requirement],
          updates: append(snapshot(BigInt(i + 1), 1, null, metadata.location)),
        }),
      )
      const results = await Promise.allSettled(commits)
      const winners = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      const errors = results.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
      expectEqual([winners.length, errors.length], [1, 3], 'winners, losers')
      for (const error of errors) expectThat(error instanceof CommitConflictError, 'losers: a conflict')
      const now = await other.loadTable(TABLE)
      expectEqual(now.metadata, winners[0]?.metadata, "the winner's metadata")
    },
  },
  {
    name: "a sequence number that another branch's commit has taken is a conflict, not a refusal for good",
    run: async (fixture) => {
      const { catalog, other } = fixture
      const { metadata } = await withTable(fixture)
      const { location } = metadata
      const audit = { action: 'set-snapshot-ref', 'ref-name': 'audit', type: 'branch' } as const
      await catalog.commitTable(TABLE, {
        requirements: [],
        updates: [...append(snapshot(1n, 1, null, location)), { ...audit, 'snapshot-id': 1n }],
      })
      await other.commitTable(TABLE, {
        requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 1n }],
        updates: append(snapshot(2n, 2, 1n, location)),
      })
      const onAudit = (sequence: number) =>
        catalog.commitTable(TABLE, {
          requirements: [{ type: 'assert-ref-snapshot-id', ref: 'audit', 'snapshot-id': 1n }],
          updates: [
            { action: 'add-snapshot', snapshot: snapshot(3n, sequence, 1n, location) },
            { ...audit, 'snapshot-id': 3n },
          ],
        })
      await expectError(onAudit(2), CommitConflictError, 'the number of the commit to main')
      const { metadata: after } = await onAudit(3)
      expectEqual(after['last-sequence-number'], 3, 'last-sequence-number')
    },
  },
  {
    name: 'a conflict leaves no metadata file behind',
    needs: (traits) => traits.metadataFiles,
    run: async (fixture) => {
      const { catalog, other, store } = fixture
      const { metadata } = await withTable(fixture)
      const commits = [catalog, other, catalog, other].map((client, i) =>
        client.commitTable(TABLE, { requirements: [], updates: [setProperty(`k${i}`, 'v')] }),
      )
      const results = await Promise.allSettled(commits)
      const won = results.filter(({ status }) => status === 'fulfilled').length
      const files = store === null ? [] : await collect(store.list(`${metadata.location}/`))
      expectEqual(files.length, 1 + won, 'one file for the creation and for each commit that won')
      const now = await other.loadTable(TABLE)
      expectEqual(Object.keys(now.metadata.properties).length, 1 + won, 'properties')
      expectEqual(now.metadata['metadata-log'].length, won, 'entries of the metadata log')
    },
  },
  {
    name: 'a commit that nothing can ever come of is rejected, all of it',
    run: async (fixture) => {
      const { metadata } = await withTable(fixture)
      const hopeless: readonly TableUpdate[] = [
        { action: 'set-current-schema', 'schema-id': 99 },
        { action: 'set-default-spec', 'spec-id': 99 },
        { action: 'upgrade-format-version', 'format-version': 1 },
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 99n },
      ]
      for (const update of hopeless) {
        const updates = [setProperty('half', 'done'), update]
        const commit = fixture.other.commitTable(TABLE, { requirements: [], updates })
        await expectError(commit, CommitRejectedError, update.action)
      }
      expectEqual((await fixture.other.loadTable(TABLE)).metadata, metadata, 'metadata')
    },
  },
  {
    name: 'ids are never given twice: an old id, a reserved id, a lowered last-column-id',
    run: async (fixture) => {
      const { metadata } = await withTable(fixture)
      const [schema] = metadata.schemas
      const fields = schema?.fields.filter(({ name }) => name !== 'point') ?? []
      const added = (id: number, schemaId: number, last?: number): TableUpdate[] => [
        {
          action: 'add-schema',
          schema: {
            type: 'struct',
            'schema-id': schemaId,
            fields: [...fields, { id, name: 'fresh', required: false, type: 'int' }],
          },
          ...(last === undefined ? {} : { 'last-column-id': last }),
        },
        { action: 'set-current-schema', 'schema-id': -1 },
      ]
      const commit = (updates: readonly TableUpdate[]) =>
        fixture.catalog.commitTable(TABLE, { requirements: [], updates })
      const withoutPoint: TableUpdate[] = [
        { action: 'add-schema', schema: { type: 'struct', 'schema-id': 1, fields } },
        { action: 'set-current-schema', 'schema-id': -1 },
      ]
      const dropped = await commit(withoutPoint)
      expectEqual(dropped.metadata['last-column-id'], 4, 'last column id after dropping the highest')
      await expectError(commit(added(3, 2)), CommitRejectedError, 'the id of a dropped column')
      await expectError(commit(added(2147483448, 2)), CommitRejectedError, 'a reserved id')
      await expectError(commit(added(5, 2, 4)), CommitRejectedError, 'a last-column-id below the ids')
      expectEqual((await commit(added(5, 2))).metadata['last-column-id'], 5, 'last column id')
    },
  },
  {
    name: 'a snapshot that a ref names is removed only together with the ref',
    run: async (fixture) => {
      await withSnapshots(fixture)
      const { catalog, other } = fixture
      const commit = (...updates: TableUpdate[]) => catalog.commitTable(TABLE, { requirements: [], updates })
      const remove: TableUpdate = { action: 'remove-snapshots', 'snapshot-ids': [FIRST] }
      await commit({ action: 'set-snapshot-ref', 'ref-name': 'q1', type: 'tag', 'snapshot-id': FIRST })
      await expectError(commit(remove), CommitRejectedError, 'with the tag')
      expectEqual((await other.loadTable(TABLE)).metadata.snapshots.length, 2, 'snapshots')
      await commit(remove, { action: 'remove-snapshot-ref', 'ref-name': 'q1' })
      const { metadata } = await other.loadTable(TABLE)
      expectEqual(
        metadata.snapshots.map((each) => each['snapshot-id']),
        [SECOND],
        'snapshots',
      )
      expectEqual(Object.keys(metadata.refs), ['main'], 'refs')
    },
  },
  {
    name: 'a commit without updates changes nothing',
    run: async (fixture) => {
      const before = await withTable(fixture)
      const after = await fixture.catalog.commitTable(TABLE, { requirements: [], updates: [] })
      expectEqual(after.metadataLocation, before.metadataLocation, 'metadata location')
    },
  },
  {
    name: 'an aborted commit changes nothing',
    run: async (fixture) => {
      const { metadata } = await withTable(fixture)
      const signal = AbortSignal.abort()
      const commit = { requirements: [], updates: [setProperty('a', 'b')] }
      await expectError(
        fixture.catalog.commitTable(TABLE, commit, { signal }),
        OperationAbortedError,
        'commit',
      )
      expectEqual((await fixture.other.loadTable(TABLE)).metadata, metadata, 'metadata')
    },
  },
  {
    name: 'a commit after something shows only then',
    run: async (fixture) => {
      const { catalog, other, store } = fixture
      if (catalog.heedsAfter !== true) return
      const { metadata, metadataLocation } = await withTable(fixture)
      const { promise: after, resolve } = Promise.withResolvers<void>()
      const commit = catalog.commitTable(TABLE, only(UNMOVED, setProperty('a', 'b')), { after })
      // A catalog that refuses it at once is heard below.
      commit.catch(() => undefined)
      // As long as a commit takes that waits for nothing.
      const first = await other.commitTable(TABLE, only(UNMOVED, setProperty('c', 'd')))
      expectEqual(first.metadata.properties, { owner: 'me', c: 'd' }, 'properties before')
      const files = await metadataFilesOf(store, metadata)
      expectEqual(files?.length ?? 2, 2, 'metadata files before')
      resolve()
      // Prepared on what the table was, it may be refused now; it may not undo what came first.
      const made = await commit.then(
        () => true,
        (error: unknown) => {
          if (error instanceof CommitConflictError) return false
          throw error
        },
      )
      const { properties } = (await other.loadTable(TABLE)).metadata
      expectEqual(properties, { owner: 'me', c: 'd', ...(made ? { a: 'b' } : {}) }, 'properties')
      expectThat(metadataLocation !== first.metadataLocation, 'another metadata file')
    },
  },
  {
    name: 'a commit is not made when what it comes after fails',
    run: async (fixture) => {
      const { catalog, other, store } = fixture
      if (catalog.heedsAfter !== true) return
      const { metadata } = await withTable(fixture)
      const reason = new OperationAbortedError('what it comes after has failed')
      const after = Promise.reject<void>(reason)
      // A commit that comes to it late does not make it one that nobody handles.
      after.catch(() => undefined)
      for (const update of [setProperty('a', 'b'), setProperty('owner', 'me')]) {
        const commit = catalog.commitTable(TABLE, only(UNMOVED, update), { after })
        expectThat(
          (await expectError(commit, OperationAbortedError, 'commit')) === reason,
          'the reason itself',
        )
      }
      expectEqual((await other.loadTable(TABLE)).metadata, metadata, 'metadata')
      expectEqual((await metadataFilesOf(store, metadata))?.length ?? 1, 1, 'metadata files')
    },
  },
  {
    name: 'a staged table exists once its commit has',
    needs: (traits) => traits.stageCreate,
    run: async ({ catalog, other }) => {
      await catalog.createNamespace(NAMESPACE)
      const staged = await catalog.stageCreateTable(TABLE, REQUEST)
      expectEqual(staged.metadataLocation, null, 'metadata location of a staged table')
      expectEqual(await other.tableExists(TABLE), false, 'exists before')
      const commit = creation(staged.metadata)
      const created = await catalog.commitTable(TABLE, commit)
      const { metadata } = await other.loadTable(TABLE)
      expectEqual(metadata, created.metadata, 'metadata')
      const names = [
        'table-uuid',
        'location',
        'properties',
        'schemas',
        'partition-specs',
        'sort-orders',
      ] as const
      for (const name of names) expectEqual(metadata[name], staged.metadata[name], name)
      expectEqual(metadata['current-snapshot-id'], FIRST, 'the snapshot of the same commit')
      await expectError(other.commitTable(TABLE, commit), TableAlreadyExistsError, 'again')
    },
  },
  {
    name: 'staging what exists is refused',
    needs: (traits) => traits.stageCreate,
    run: async (fixture) => {
      await withTable(fixture)
      const again = fixture.other.stageCreateTable(TABLE, REQUEST)
      await expectError(again, TableAlreadyExistsError, 'stage')
    },
  },
]

/** What a client sends to bring a staged table to life, with its first snapshot. */
function creation(metadata: TableMetadata): TableCommit {
  const [schema] = metadata.schemas
  const [spec] = metadata['partition-specs']
  const [order] = metadata['sort-orders']
  if (schema === undefined || spec === undefined || order === undefined)
    throw new Error('a staged table is whole')
  return {
    requirements: [{ type: 'assert-create' }],
    updates: [
      { action: 'assign-uuid', uuid: metadata['table-uuid'] },
      { action: 'upgrade-format-version', 'format-version': metadata['format-version'] },
      { action: 'add-schema', schema },
      { action: 'set-current-schema', 'schema-id': -1 },
      { action: 'add-spec', spec },
      { action: 'set-default-spec', 'spec-id': -1 },
      { action: 'add-sort-order', 'sort-order': order },
      { action: 'set-default-sort-order', 'sort-order-id': -1 },
      { action: 'set-location', location: metadata.location },
      { action: 'set-properties', updates: metadata.properties },
      ...append(snapshot(FIRST, 1, null, metadata.location)),
    ],
  }
}
