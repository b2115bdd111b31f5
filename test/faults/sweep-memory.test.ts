import { expect, test } from 'vitest'
import { memoryManagerWorld } from '../support/manager-world.ts'
import { mutatingMethods, SWEPT_OPERATIONS } from './operations.ts'
import { sweepOperations } from './sweep-cases.ts'

test('every mutating operation of the API is swept', () => {
  expect(mutatingMethods()).toEqual([...new Set(SWEPT_OPERATIONS.map(({ method }) => method))].sort())
})

sweepOperations(memoryManagerWorld, SWEPT_OPERATIONS, [
  'error-before',
  'error-after',
  'lost',
  'late',
  'partial',
  'abort-before',
  'abort-after',
])
