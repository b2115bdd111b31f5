import { localManagerWorld } from '../support/manager-world.ts'
import { sweepEveryOperation } from './sweep-cases.ts'

// The other modes differ from these in nothing that the disk could tell: they are swept in memory.
sweepEveryOperation(localManagerWorld, ['error-before', 'error-after', 'late', 'abort-after'])
