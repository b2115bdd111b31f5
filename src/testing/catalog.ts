/**
 * What every Catalog must do, as cases for any test framework:
 *
 * ```ts
 * for (const { name, run } of catalogCases(traits, setUp)) test(name, run)
 * ```
 */
import { expectEqual, type ConformanceCase } from './case.ts'
import { COMMIT_CHECKS } from './catalog-commits.ts'
import type { CatalogTraits, CatalogUnderTest } from './catalog-fixtures.ts'
import { NAMESPACE_CHECKS } from './catalog-namespaces.ts'
import { POINTER_CHECKS } from './catalog-pointers.ts'
import { TABLE_CHECKS } from './catalog-tables.ts'

export type { CatalogTraits, CatalogUnderTest } from './catalog-fixtures.ts'

/** The cases that make sense for a catalog of these traits. `setUp`, once for each, gives an empty catalog. */
export function catalogCases(
  traits: CatalogTraits,
  setUp: () => Promise<CatalogUnderTest>,
): readonly ConformanceCase[] {
  const checks = [...NAMESPACE_CHECKS, ...TABLE_CHECKS, ...COMMIT_CHECKS, ...POINTER_CHECKS]
  return checks
    .filter(({ needs }) => needs === undefined || needs(traits))
    .map(({ name, run }) => ({
      name,
      run: async () => {
        const fixture = await setUp()
        try {
          const { metadataFiles: _, ...capabilities } = traits
          expectEqual(fixture.catalog.capabilities, capabilities, 'capabilities')
          await run(fixture)
        } finally {
          await fixture.tearDown?.()
        }
      },
    }))
}
