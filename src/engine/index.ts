/** The contracts of data planes: what reads and writes the rows of data files. */
export type * from './data-plane.ts'
export type * from './file-access.ts'
export type * from './adoption.ts'
export type * from './scan-views.ts'
export type * from './sql.ts'
export type * from './row-changes.ts'
export { PositionSet } from '../format/position-set.ts'
