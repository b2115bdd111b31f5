/** Operations that bring files in and data out. */
import { RecoveryOperations } from './recovery-operations.ts'

export abstract class ExchangeOperations extends RecoveryOperations {}
