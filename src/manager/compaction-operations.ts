/** Operations that write a table's files anew without changing its rows. */
import { RetentionOperations } from './retention-operations.ts'

export abstract class CompactionOperations extends RetentionOperations {}
