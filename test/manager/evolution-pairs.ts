/** Every kind of change, and which of them can follow which on a table that its caller saw before. */
import type { IcebergTableManager, PartitionChange, SchemaChange, SortField, Table } from '../../src/index.ts'

/** What the pairs are about. Every row has a value everywhere; `b` is partitioned by. */
export const PAIR_COLUMNS = 'id: int required, k: int required, a: int, b: int, s: struct<x: int>'
export const PAIR_SPEC = [{ source: 'b', transform: 'bucket[2]' }]
export const PAIR_ROW = { id: 1, k: 1, a: 1, b: 1, s: { x: 1 } }

type Change = (manager: IcebergTableManager, table: Table) => Promise<unknown>

const schema =
  (...changes: readonly SchemaChange[]): Change =>
  (manager, table) =>
    manager.evolveSchema(table, changes, {
      allowIncompatibleChanges: changes.some(({ type }) => type === 'make_required'),
      retry: PATIENT,
    })
const partition =
  (change: PartitionChange): Change =>
  (manager, table) =>
    manager.evolvePartitionSpec(table, [change], { retry: PATIENT })
const sort =
  (field: SortField): Change =>
  (manager, table) =>
    manager.replaceSortOrder(table, [field], { retry: PATIENT })

/** Others commit, too; that they came first more than once is no clash. */
const PATIENT = { retries: 50, minWaitMs: 1, maxWaitMs: 20 }

export const CHANGES = {
  'add n': schema({ type: 'add_column', name: 'n', fieldType: 'int' }),
  'add n, long': schema({ type: 'add_column', name: 'n', fieldType: 'long' }),
  'add m': schema({ type: 'add_column', name: 'm', fieldType: 'struct<y: int>' }),
  'add s.y': schema({ type: 'add_column', name: 's.y', fieldType: 'int' }),
  'rename a': schema({ type: 'rename_column', name: 'a', newName: 'r' }),
  'rename b to n': schema({ type: 'rename_column', name: 'b', newName: 'n' }),
  'rename s': schema({ type: 'rename_column', name: 's', newName: 't' }),
  'rename a, add a': schema(
    { type: 'rename_column', name: 'a', newName: 'r' },
    { type: 'add_column', name: 'a', fieldType: 'int' },
  ),
  'widen a': schema({ type: 'widen_type', name: 'a', fieldType: 'long' }),
  'delete a': schema({ type: 'delete_column', name: 'a' }),
  'document a': schema({ type: 'update_doc', name: 'a', doc: 'one' }),
  'document a, otherwise': schema({ type: 'update_doc', name: 'a', doc: 'two' }),
  'move a': schema({ type: 'move_column', name: 'a', position: { first: true } }),
  'require a': schema({ type: 'make_required', name: 'a' }),
  'loosen k': schema({ type: 'make_optional', name: 'k' }),
  'identify by id': schema({ type: 'set_identifier_fields', columns: ['id'] }),
  'identify by k': schema({ type: 'set_identifier_fields', columns: ['k'] }),
  'partition by a': partition({ type: 'add_field', source: 'a' }),
  'unpartition b': partition({ type: 'remove_field', field: 'b_bucket' }),
  'sort by a': sort({ source: 'a' }),
  'sort by b': sort({ source: 'b' }),
} as const satisfies Readonly<Record<string, Change>>

export type ChangeName = keyof typeof CHANGES

/** Changes that are about the column `a`, by its name. */
const ABOUT_A = [
  'rename a',
  'rename a, add a',
  'widen a',
  'delete a',
  'document a',
  'document a, otherwise',
  'move a',
  'require a',
  'partition by a',
  'sort by a',
] as const satisfies readonly ChangeName[]

const NEW_N = ['add n', 'add n, long', 'rename b to n'] as const satisfies readonly ChangeName[]

/**
 * By what came first: what cannot follow it on a table that its caller saw before. Everything else
 * can. The reasons are the format's rules, and that nobody's words may come to mean another column,
 * or undo what somebody else has just written.
 */
const CLASHES: Readonly<Record<ChangeName, readonly ChangeName[]>> = {
  'add n': NEW_N,
  'add n, long': NEW_N,
  'add m': ['add m'],
  'add s.y': ['add s.y'],
  'rename a': ABOUT_A,
  'rename b to n': [...NEW_N, 'sort by b'],
  'rename s': ['rename s', 'add s.y'],
  'rename a, add a': ABOUT_A,
  'widen a': [],
  'delete a': ABOUT_A,
  'document a': ['document a, otherwise'],
  'document a, otherwise': ['document a'],
  'move a': [],
  // A required column is not deleted without being asked twice.
  'require a': ['delete a'],
  'loosen k': ['identify by k'],
  'identify by id': ['identify by k'],
  'identify by k': ['identify by id', 'loosen k'],
  // A new column may not have the name of a partition field that stands for another.
  'partition by a': ['partition by a', 'delete a', 'rename a, add a'],
  'unpartition b': ['unpartition b'],
  'sort by a': ['delete a', 'sort by b'],
  'sort by b': ['sort by a'],
}

export const CHANGE_NAMES = Object.keys(CHANGES).filter((name): name is ChangeName => name in CHANGES)

export function clashes(first: ChangeName, second: ChangeName): boolean {
  return CLASHES[first].includes(second)
}
