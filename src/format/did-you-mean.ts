/** Finds what somebody may have meant by a name that does not exist. */

/** The candidate that is most like `name`, or null when none is like it. */
export function closestName(name: string, candidates: readonly string[]): string | null {
  // A third of the letters wrong is still a slip; more is another word.
  let limit = Math.floor(Math.max(name.length, 3) / 3) + 1
  let closest: string | null = null
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < limit) {
      limit = distance
      closest = candidate
    }
  }
  return closest
}

/** A hint for an error, `Did you mean …?`, or undefined. */
export function didYouMean(name: string, candidates: readonly string[]): string | undefined {
  const closest = closestName(name, candidates)
  return closest === null ? undefined : `Did you mean ${closest}?`
}

/** Letters to insert, delete or replace to make one word of the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j += 1) {
      const replaced = (row[j] ?? 0) + (to[j] === letter ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
