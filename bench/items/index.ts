/** What can be measured, by name. */
import type { Figure } from '../figures.ts'
import type { World } from '../world.ts'
import { appends } from './appends.ts'
import { bigUpsert } from './big-upsert.ts'
import { bulkRead } from './bulk-read.ts'
import { bulkWrite } from './bulk-write.ts'
import { compaction } from './compaction.ts'
import { evolution } from './evolution.ts'
import { expiry } from './expiry.ts'
import { firstSteps } from './first-steps.ts'
import { history } from './history.ts'
import { openMetadata } from './open-metadata.ts'
import { planning } from './planning.ts'
import { rowChanges } from './row-changes.ts'

export const items: Readonly<Record<string, (world: World) => Promise<readonly Figure[]>>> = {
  appends,
  history,
  evolution,
  planning,
  'bulk-write': bulkWrite,
  'bulk-read': bulkRead,
  'row-changes': rowChanges,
  'big-upsert': bigUpsert,
  compaction,
  expiry,
  'open-metadata': openMetadata,
  'first-steps': firstSteps,
}
