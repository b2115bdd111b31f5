/** Many tasks, some of them at a time. */

/** Runs a task per item, so many at a time, in order of the items; the first failure ends it. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  run: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const entries = items.entries()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const [at, item] of entries) {
      if (failed) return
      try {
        results[at] = await run(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const workers = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  // All have ended: what they opened can be closed.
  for (const ended of workers) if (ended.status === 'rejected') throw ended.reason
  return results
}
