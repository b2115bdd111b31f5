/** Operations on snapshots and on the refs that name them. */
import { EvolutionOperations } from './evolution-operations.ts'

export abstract class SnapshotOperations extends EvolutionOperations {}
