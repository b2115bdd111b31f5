/**
 * Runs of property tests are new on every machine, and the same in CI: a change is judged by what it
 * changed, not by the luck of its draw. `PROPERTY_SEED=<number>` repeats a run, or draws another one.
 */
const seed = process.env['PROPERTY_SEED'] ?? (process.env['CI'] === 'true' ? '20261130' : undefined)

if (seed !== undefined) {
  const { configureGlobal } = await import('fast-check')
  configureGlobal({ seed: Number(seed) })
}
