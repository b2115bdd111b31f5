/** Bounded parallelism that keeps the order of its inputs. */

/** How many files are read at a time where nothing else says. */
export const DEFAULT_CONCURRENCY = 8

/**
 * Maps with at most `limit` calls under way. The first failure starts no more and rejects, once the
 * calls under way have come to their ends: whoever cleans up after it must not meet files that are
 * only then being written.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  map: (item: T, index: number) => Promise<R>,
  limit: number = DEFAULT_CONCURRENCY,
): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length })
  const pending = items.entries()
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    // The workers share one iterator, so each item is taken once.
    for (const [index, item] of pending) {
      if (failures.length > 0) return
      try {
        results[index] = await map(item, index)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}

/** Waits for all of them to end, and then throws what the first of the failed threw. */
export async function allDone(calls: readonly Promise<unknown>[]): Promise<void> {
  for (const end of await Promise.allSettled(calls)) if (end.status === 'rejected') throw end.reason
}
