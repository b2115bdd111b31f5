import { defineConfig } from 'vitest/config'

/** Against the reference engines: PyIceberg and Spark, set up by scripts/setup-interop.sh. */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Spark alone takes a gigabyte and both cores: one file at a time.
    fileParallelism: false,
  },
})
