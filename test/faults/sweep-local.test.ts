import { localManagerWorld } from '../support/manager-world.ts'
import { SWEPT_OPERATIONS } from './operations.ts'
import { sweepOperations } from './sweep-cases.ts'

/** Those that call the store or the database in a way of their own; the others are swept in memory. */
const METHODS = [
  'createTable',
  'renameTable',
  'registerTable',
  'dropTable',
  'updateProperties',
  'deleteRows',
  'createNamespace',
  'updateNamespace',
  'dropNamespace',
  'removeOrphanFiles',
  'repairTable',
]
const WRITES = ['append, fast_append', 'upsert']
const TRANSACTIONS = ['of a column, rows with it, deleted rows and a tag']
const RELOCATIONS = ['as another table']

const operations = SWEPT_OPERATIONS.filter(
  ({ method, variant }) =>
    METHODS.includes(method) ||
    (method === 'writeData' && WRITES.includes(variant)) ||
    (method === 'transaction' && TRANSACTIONS.includes(variant)) ||
    (method === 'relocateTable' && RELOCATIONS.includes(variant)),
)

// The other modes differ from these in nothing that the disk could tell.
sweepOperations(localManagerWorld, operations, ['error-before', 'error-after', 'abort-after'])
