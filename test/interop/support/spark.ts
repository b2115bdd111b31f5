/** Spark SQL on a shared catalog: see test/interop/python/spark_server.py. */
import { JsonLinesPeer } from './json-lines.ts'
import type { ExactRow } from './pyiceberg.ts'
import type { SharedWarehouse } from './warehouse.ts'

export class Spark {
  readonly #peer: JsonLinesPeer

  constructor(shared: SharedWarehouse) {
    this.#peer = new JsonLinesPeer('spark_server.py', [shared.catalogFile, shared.warehouse])
  }

  /** Rows as exact JSON. PeerError when Spark refuses. */
  async sql(sql: string): Promise<readonly ExactRow[]> {
    const answer = (await this.#peer.call('sql', { sql })) as { readonly rows: readonly ExactRow[] }
    return answer.rows
  }

  /** Rows that were appended after one snapshot, up to and with another. */
  async appended(table: string, start: bigint, end: bigint): Promise<readonly ExactRow[]> {
    const args = { table, start: String(start), end: String(end) }
    const answer = (await this.#peer.call('appended', args)) as { readonly rows: readonly ExactRow[] }
    return answer.rows
  }

  close(): Promise<void> {
    return this.#peer.close()
  }
}
