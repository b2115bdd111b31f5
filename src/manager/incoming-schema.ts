/** The schema that a source brings, read off it without using it up. */
import type { DataPlane, RowSource, RunOptions } from '../engine/data-plane.ts'
import type { IncomingSchema } from '../format/evolution/merge-edits.ts'

/** A source that still has all of its rows, and the schema that it brings. */
export interface ReadableSource {
  readonly source: RowSource
  readonly schema: IncomingSchema
}

/** Sources other than plain rows say their schema before their first row. */
export async function incomingSchema(
  plane: DataPlane,
  source: Exclude<RowSource, { readonly kind: 'rows' }>,
  options: RunOptions,
): Promise<ReadableSource> {
  const { look, whole } = twice(source)
  const { schema, unsure } = await plane.inferSchema(look, options)
  return {
    source: whole(),
    schema: {
      fields: schema.fields,
      unsure: new Map(unsure.map(({ column, reason }) => [column, reason])),
      isTyped: source.kind !== 'files' || source.format === 'parquet',
    },
  }
}

/** The source for a look, and then again from its beginning. */
function twice(source: Exclude<RowSource, { readonly kind: 'rows' }>): {
  readonly look: RowSource
  readonly whole: () => RowSource
} {
  switch (source.kind) {
    case 'files':
      return { look: source, whole: () => source }
    case 'arrow': {
      const batches = new Replay(source.batches)
      return {
        look: { kind: 'arrow', batches: batches.look() },
        whole: () => ({ kind: 'arrow', batches: batches.whole() }),
      }
    }
    case 'arrow-ipc': {
      const chunks = new Replay(source.chunks)
      return {
        look: { kind: 'arrow-ipc', chunks: chunks.look() },
        whole: () => ({ kind: 'arrow-ipc', chunks: chunks.whole() }),
      }
    }
  }
}

/** An iterable that can be read once, of which the beginning is read twice. */
class Replay<T> {
  readonly #iterator: AsyncIterator<T> | Iterator<T>
  readonly #seen: T[] = []

  constructor(items: Iterable<T> | AsyncIterable<T>) {
    this.#iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  }

  /** Leaving early leaves the rest for the second reading. */
  async *look(): AsyncGenerator<T> {
    for (;;) {
      const next = await this.#iterator.next()
      if (next.done === true) return
      this.#seen.push(next.value)
      yield next.value
    }
  }

  async *whole(): AsyncGenerator<T> {
    try {
      for (let seen = this.#seen.shift(); seen !== undefined; seen = this.#seen.shift()) yield seen
      yield* this.look()
    } finally {
      await this.#iterator.return?.()
    }
  }
}
