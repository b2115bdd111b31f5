/** Bounded parallelism that keeps the order of its inputs. */

/** How many files are read at a time where nothing else says. */
export const DEFAULT_CONCURRENCY = 8

/** Maps with at most `limit` calls under way; the first failure rejects and starts no more. */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  map: (item: T, index: number) => Promise<R>,
  limit: number = DEFAULT_CONCURRENCY,
): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length })
  const pending = items.entries()
  let failed = false
  const worker = async (): Promise<void> => {
    // The workers share one iterator, so each item is taken once.
    for (const [index, item] of pending) {
      if (failed) return
      try {
        results[index] = await map(item, index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  return results
}
