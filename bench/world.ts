/** What the measurements share: a folder, catalogs, PyIceberg, and how much is to be measured. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { JsonLinesPeer, python } from '../test/interop/support/json-lines.ts'
import { IcebergTableManager } from '../src/index.ts'

export interface Settings {
  /** Small amounts, to see that everything works. */
  readonly quick: boolean
  /** How many rounds; undefined: each item's own number. */
  readonly runs: number | undefined
}

/** One catalog that both sides open. */
export interface CatalogPlace {
  readonly uri: string
  /** A `file:///…` URI. */
  readonly warehouse: string
}

export class World {
  readonly settings: Settings
  readonly folder: string
  #pyiceberg: JsonLinesPeer | null = null
  #catalogs = 0

  constructor(settings: Settings) {
    this.settings = settings
    // On the disk that holds the project: a temporary folder may be in memory.
    const cache = fileURLToPath(new URL('../.cache/', import.meta.url))
    mkdirSync(cache, { recursive: true })
    this.folder = mkdtempSync(join(cache, 'bench-'))
  }

  /** How much: the whole, or little with `--quick`. */
  amount(whole: number, quick: number): number {
    return this.settings.quick ? quick : whole
  }

  rounds(usual: number): number {
    return this.settings.runs ?? (this.settings.quick ? 1 : usual)
  }

  /** A new catalog, with nothing in it. */
  catalog(): CatalogPlace {
    this.#catalogs += 1
    const folder = join(this.folder, `catalog-${this.#catalogs}`)
    mkdirSync(folder)
    return {
      uri: `sqlite:///${join(folder, 'catalog.db')}`,
      warehouse: `file://${join(folder, 'warehouse')}`,
    }
  }

  open(place: CatalogPlace): Promise<IcebergTableManager> {
    return IcebergTableManager.open({ catalog: { name: 'bench', ...place } })
  }

  /** null where it is not installed: then ours is measured alone. */
  get pyiceberg(): JsonLinesPeer | null {
    if (this.#pyiceberg === null && existsSync(python)) {
      this.#pyiceberg = new JsonLinesPeer(new URL('python/pyiceberg_bench.py', import.meta.url), [])
    }
    return this.#pyiceberg
  }

  /** A call of PyIceberg's side, whose answers are ours and fixed: what an op returns is said by the caller. */
  async ask<Result>(op: string, args: Readonly<Record<string, unknown>>): Promise<Result> {
    if (this.pyiceberg === null) throw new Error('PyIceberg is not installed')
    return (await this.pyiceberg.call(op, args)) as Result
  }

  async close(): Promise<void> {
    await this.#pyiceberg?.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
