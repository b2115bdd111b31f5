/** Rows of a table as one file. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { tableFromIPC } from 'apache-arrow'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { InvalidArgumentError, type Table } from '../../src/index.ts'
import { createTable, evolutionWorlds, type EvolutionWorld } from './evolution-world.ts'

const open = evolutionWorlds()

const ROWS = [
  { id: 1n, at: '2026-01-31T12:00:00.000001', price: '0.10', text: 'plain' },
  { id: 2n, at: '1969-12-31T23:59:59.999999', price: '-12345.67', text: 'a, "b"\nc' },
  { id: 9007199254740993n, at: null, price: null, text: '' },
]

async function exported(): Promise<{ world: EvolutionWorld; tbl: Table; to: (name: string) => string }> {
  const world = await open()
  const tbl = await createTable(world, 'id: long, at: timestamp, price: decimal(9,2), text: string')
  await world.manager.writeData(tbl, ROWS)
  return { world, tbl, to: (name) => join(world.scratchDir, name) }
}

describe('formats', () => {
  test('parquet, read by another reader', async () => {
    const { world, tbl, to } = await exported()
    const path = to('rows.parquet')
    const snapshotId = tbl.currentSnapshot?.['snapshot-id']
    expect(await world.manager.exportTable(tbl, path)).toEqual({
      path,
      format: 'parquet',
      rows: 3,
      snapshotId,
    })
    const rows = await parquetReadObjects({
      file: await asyncBufferFromFile(path),
      columns: ['id', 'text'],
      compressors: { ZSTD: (bytes) => new Uint8Array(zstdDecompressSync(bytes)) },
    })
    expect(rows).toEqual(ROWS.map(({ id, text }) => ({ id, text })))
  })

  test('csv and json, with a choice of rows and columns', async () => {
    const { world, tbl, to } = await exported()
    const options = { filter: 'id < 3', select: ['text', 'id'] }
    await world.manager.exportTable(tbl, to('rows.csv'), options)
    expect(await readFile(to('rows.csv'), 'utf8')).toBe('text,id\nplain,1\n"a, ""b""\nc",2\n')
    await world.manager.exportTable(tbl, to('rows.json'), { ...options, limit: 1 })
    expect(await readFile(to('rows.json'), 'utf8')).toBe('{"text":"plain","id":1}\n')
  })

  test('arrow, read by apache-arrow', async () => {
    const { world, tbl, to } = await exported()
    await world.manager.exportTable(tbl, to('rows.arrow'))
    const bytes = await readFile(to('rows.arrow'))
    // An IPC file, not a stream: it can be read from its end.
    expect(bytes.subarray(0, 6).toString()).toBe('ARROW1')
    expect(bytes.subarray(-6).toString()).toBe('ARROW1')
    const table = tableFromIPC(bytes)
    expect(table.schema.fields.map(({ name, metadata }) => [name, metadata.get('PARQUET:field_id')])).toEqual(
      [
        ['id', '1'],
        ['at', '2'],
        ['price', '3'],
        ['text', '4'],
      ],
    )
    expect(table.toArray().map((row) => [row.id, row.text])).toEqual(ROWS.map(({ id, text }) => [id, text]))
  })

  test('arrow of more than one batch', async () => {
    const { world, tbl, to } = await exported()
    const many = Array.from({ length: 300_000 }, (_, id) => ({ id: BigInt(id), text: `row ${id}` }))
    await world.manager.writeData(tbl, many, { mode: 'overwrite' })
    expect((await world.manager.exportTable(tbl, to('many.arrow'))).rows).toBe(300_000)
    const table = tableFromIPC(await readFile(to('many.arrow')))
    expect(table.batches.length).toBeGreaterThan(2)
    const ids = table.getChild('id')?.toArray() as BigInt64Array
    expect(ids.reduce((sum, id) => sum + id, 0n)).toBe((299_999n * 300_000n) / 2n)
  })

  test.each(['parquet', 'csv', 'json', 'arrow'])('%s of an empty table', async (format) => {
    const world = await open()
    const tbl = await createTable(world, 'id: long, text: string')
    const path = join(world.scratchDir, `empty.${format}`)
    expect(await world.manager.exportTable(tbl, path)).toEqual({ path, format, rows: 0, snapshotId: null })
    const bytes = await readFile(path)
    if (format === 'csv') expect(bytes.toString()).toBe('id,text\n')
    if (format === 'arrow') expect(tableFromIPC(bytes).schema.names).toEqual(['id', 'text'])
  })
})

describe('the file', () => {
  test.each(['csv', 'arrow'])('%s: is not replaced unless that is asked for', async (format) => {
    const { world, tbl, to } = await exported()
    const path = to(`there.${format}`)
    await writeFile(path, 'mine')
    await expect(world.manager.exportTable(tbl, path)).rejects.toThrow(InvalidArgumentError)
    expect(await readFile(path, 'utf8')).toBe('mine')
    await world.manager.exportTable(tbl, path, { replace: true })
    expect(await readFile(path, 'utf8')).not.toBe('mine')
    expect(await readdir(world.scratchDir)).toEqual([`there.${format}`])
  })

  test.each(['csv', 'parquet', 'arrow'])('%s: appears whole or not at all', async (format) => {
    const { world, tbl, to } = await exported()
    const files = await tbl.scan().plan()
    await world.store().delete(files.tasks.map(({ entry }) => entry.file.location))
    await expect(world.manager.exportTable(tbl, to(`gone.${format}`))).rejects.toMatchObject({
      code: 'FLOEBERG_MISSING_FILE',
    })
    expect(await readdir(world.scratchDir)).toEqual([])
  })

  test('does not take the place of a folder', async () => {
    const { world, tbl, to } = await exported()
    await mkdir(to('folder.csv'))
    for (const replace of [false, true]) {
      await expect(world.manager.exportTable(tbl, to('folder.csv'), { replace })).rejects.toThrow(
        InvalidArgumentError,
      )
    }
    expect(await readdir(to('folder.csv'))).toEqual([])
  })

  test('needs a folder and a name that tells its format', async () => {
    const { world, tbl, to } = await exported()
    await expect(world.manager.exportTable(tbl, to('no/rows.csv'))).rejects.toThrow(InvalidArgumentError)
    await expect(world.manager.exportTable(tbl, to('rows.txt'))).rejects.toThrow(InvalidArgumentError)
    await world.manager.exportTable(tbl, to('rows.txt'), { format: 'csv' })
    expect(await readdir(world.scratchDir)).toEqual(['rows.txt'])
  })
})
