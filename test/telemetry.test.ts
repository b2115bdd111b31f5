import { expect, test } from 'vitest'
import { createTelemetry, type OperationFields } from '../src/telemetry.ts'

test('a log line has the allowed fields and no other, whatever it is given', async () => {
  const lines: object[] = []
  const logger = { info: (line: object) => lines.push(line), warn: () => {}, error: () => {} }
  const told = { rows: 3, snapshotId: 5n, fileChanges: [{ file: 'region=secret' }] } as OperationFields
  await createTelemetry(logger).operation('writeData', { table: 'demo.t' }, async (scope) =>
    scope.record(told),
  )
  expect(lines).toEqual([
    {
      operation: 'writeData',
      table: 'demo.t',
      rows: 3,
      snapshotId: '5',
      outcome: 'ok',
      durationMs: expect.any(Number),
    },
  ])
})
