/** A table by its files alone, read-only. */
import { resolve } from 'node:path'
import type { LoadedTable, TableIdentifier } from '../catalog/catalog.ts'
import { InvalidArgumentError } from '../errors.ts'
import { fileNameOf, toFileUri } from '../storage/location.ts'
import type { CallOptions } from '../storage/object-store.ts'
import { findMetadata, noteOpening } from '../table/find-metadata.ts'
import { OneTableCatalog, readOnlyStorage } from '../table/read-only.ts'
import { readTableMetadata } from '../table/read-metadata.ts'
import type { Runtime } from '../table/runtime.ts'
import { TableHandle } from '../table/table.ts'

/** Finds and opens it. */
export async function openTableFiles(
  runtime: Runtime,
  given: string,
  options: CallOptions,
): Promise<TableHandle> {
  const location = fullLocation(given)
  const id = identifierOf(location)
  const load = async (signal?: AbortSignal): Promise<LoadedTable> => {
    const { store } = await runtime.openStorage({ location, config: {}, credentials: [] })
    const opening = await findMetadata(store, location, { signal })
    const { metadataLocation } = opening
    const metadata = await readTableMetadata(runtime, store, metadataLocation, { signal })
    const loaded = { metadata, metadataLocation, snapshotsComplete: true, config: {} }
    noteOpening(loaded, opening)
    return loaded
  }
  const readOnlyRuntime: Runtime = {
    ...runtime,
    catalog: new OneTableCatalog(id, load),
    openStorage: async (request) => readOnlyStorage(await runtime.openStorage(request), id.name),
  }
  return TableHandle.open(readOnlyRuntime, id, await load(options.signal))
}

/** A full URI; paths are relative to the working folder. */
function fullLocation(given: string): string {
  if (typeof given !== 'string' || given === '') {
    throw new InvalidArgumentError('openTable takes a path or location, not an empty one')
  }
  const location = /^[a-z][a-z0-9+.-]+:/i.test(given) ? given : toFileUri(resolve(given))
  return location.replace(/(?<=[^/:])\/+$/, '')
}

/** A name for messages. No table of a catalog is called so: those have a namespace. */
function identifierOf(location: string): TableIdentifier {
  const folder = location
    .replace(/\/metadata(\/[^/]*\.json(\.gz)?)?$/, '')
    .replace(/\/[^/]*\.json(\.gz)?$/, '')
  return { namespace: [], name: fileNameOf(folder) || 'table' }
}
