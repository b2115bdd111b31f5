import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/property-seed.ts'],
    // Those need Python and Java: `npm run test:interop`.
    exclude: [...configDefaults.exclude, 'test/interop/**'],
    // Files wait for disks and child processes more than they compute: all cores, not all but one.
    maxWorkers: '100%',
    // Hundreds of tests start the command or a worker: each loads the same code.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('.cache/compile', import.meta.url)) },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['src/**'] },
  },
})
