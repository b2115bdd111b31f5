/** Operations for tables that are broken, or have to move. */
import { CompactionOperations } from './compaction-operations.ts'

export abstract class RecoveryOperations extends CompactionOperations {}
