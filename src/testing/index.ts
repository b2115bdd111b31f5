/** Conformance suites for those who write a store or a catalog; they need no test framework. */
export type { ConformanceCase } from './case.ts'
export { objectStoreCases } from './object-store.ts'
export type { ObjectStoreUnderTest } from './object-store.ts'
export { catalogCases } from './catalog.ts'
export type { CatalogTraits, CatalogUnderTest } from './catalog.ts'
