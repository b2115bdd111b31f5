/** Operations that let go of what a table no longer needs. */
import { SnapshotOperations } from './snapshot-operations.ts'

export abstract class RetentionOperations extends SnapshotOperations {}
