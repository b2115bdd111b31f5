/** FileAdoption by DuckDB: files that others wrote, looked at by their footers. */
import { lstat } from 'node:fs/promises'
import { throwIfAborted } from '../../abort.ts'
import { InvalidLocationError } from '../../errors.ts'
import { maskedPath } from '../../format/partition-path.ts'
import type { AdoptedFile, AdoptRequest } from '../adoption.ts'
import type { InputFile } from '../file-access.ts'
import { matchColumns } from './adopted-columns.ts'
import type { Adopting, OpenedFile } from './adopted-file.ts'
import { adoptedMetrics } from './adopted-metrics.ts'
import { refuseMissingValues } from './adopted-nulls.ts'
import { partitionOf } from './adopted-partition.ts'
import { footerFacts, type FooterFacts } from './footer-facts.ts'
import { corrupt, parseOutline, readFooterBytes, type SizedFile } from './open-parquet.ts'
import { inParallel } from './in-parallel.ts'
import type { Reader } from './open-tasks.ts'
import { FooterError } from './parquet-footer.ts'
import type { FileColumns } from './projection.ts'
import type { Session } from './session.ts'

const FILES_AT_ONCE = 16

/** Looks at every file. Errors as `FileAdoption.adopt`. */
export async function adopt(reader: Reader, request: AdoptRequest): Promise<readonly AdoptedFile[]> {
  const { candidates, files, signal, onProgress } = request
  const inputs: InputFile[] = []
  let session: Session | null = null
  try {
    const opened = await inParallel(candidates, FILES_AT_ONCE, async ({ location, size }) => {
      throwIfAborted(signal)
      const input = await files.input({ location, size }, { signal })
      inputs.push(input)
      const file = { name: maskedPath(location), localPath: input.localPath, sizeInBytes: size, location }
      const footer = await readFooterBytes(file)
      await refuseLink(file)
      return { file, footer }
    })
    session = await reader.engine.session({ paths: inputs.map((input) => input.localPath) })
    const adopted: AdoptedFile[] = []
    for (const { file, footer } of opened) {
      throwIfAborted(signal)
      adopted.push(await adoptOne({ reader, request, session }, file, footer))
      onProgress?.({ rows: adopted.reduce((rows, each) => rows + each.file.recordCount, 0), totalRows: null })
    }
    return adopted
  } finally {
    session?.release()
    await Promise.all(inputs.map((input) => input.release()))
  }
}

/** The engine opens nothing outside of the folders that files are in, and a link may lead anywhere. */
async function refuseLink({ localPath, name }: SizedFile): Promise<void> {
  if (!(await lstat(localPath)).isSymbolicLink()) return
  throw new InvalidLocationError('A file to add is a symbolic link', {
    file: name,
    hint: 'Move the file that it leads to to its place, or allow the folder of that file with the extraRoots setting and name it there.',
  })
}

async function adoptOne(
  adopting: Adopting,
  file: SizedFile & { readonly location: string },
  footer: Uint8Array,
): Promise<AdoptedFile> {
  const { reader, request, session } = adopting
  const { schemaBytes } = parseOutline(file, footer)
  const facts = factsOf(file, footer)
  const physical = await reader.layouts.of(session, file, schemaBytes, request.signal)
  const columns: FileColumns = {
    name: file.name,
    physical,
    nameMapping: request.nameMapping,
    constants: new Map(),
    columns: physical.columns.map((_, at) => `p${at}`),
  }
  const struct = { kind: 'struct', fields: request.schema.fields } as const
  const { leaves, byName } = matchColumns(struct, columns, facts.leaves, request.fieldNames)
  const opened: OpenedFile = { adopting, file, columns, leaves, facts }
  await refuseMissingValues(opened)
  return {
    usesNameMapping: byName,
    file: {
      content: 'data',
      location: file.location,
      format: 'parquet',
      specId: request.spec.specId,
      partition: await partitionOf(opened),
      recordCount: facts.rowCount,
      fileSizeInBytes: file.sizeInBytes,
      ...adoptedMetrics(leaves, request.metrics),
      keyMetadata: null,
      splitOffsets: facts.splitOffsets,
      equalityIds: null,
      // Nobody promised an order.
      sortOrderId: null,
      firstRowId: null,
      referencedDataFile: null,
      contentOffset: null,
      contentSizeInBytes: null,
    },
  }
}

function factsOf(file: SizedFile, footer: Uint8Array): FooterFacts {
  try {
    return footerFacts(footer)
  } catch (error) {
    if (error instanceof FooterError) throw corrupt(file, `its footer has ${error.message}`)
    throw error
  }
}
