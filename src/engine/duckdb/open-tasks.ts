/** Scan tasks whose files are at hand, looked at, and known by their layout. */
import { throwIfAborted } from '../../abort.ts'
import { UnsupportedFeatureError } from '../../errors.ts'
import { contentFileKey, type ContentFile, type ManifestEntry } from '../../format/manifest/entry.ts'
import { maskedPath } from '../../format/partition-path.ts'
import type { FileScanTask, ReadRequest } from '../data-plane.ts'
import type { InputFile } from '../file-access.ts'
import type { DuckDbEngine } from './connection.ts'
import { inParallel } from './in-parallel.ts'
import { readFooter } from './open-parquet.ts'
import type { PhysicalSchema, PhysicalSchemas } from './physical.ts'
import type { Session } from './session.ts'

/** A file on this machine's disk. */
export interface OpenFile {
  readonly file: ContentFile
  /** As errors call it. */
  readonly name: string
  readonly localPath: string
  readonly rowRanges: InputFile['rowRanges']
  /** As the footer's outline has them. */
  readonly textBytes: readonly number[]
  readonly physical: PhysicalSchema
}

export interface OpenTask extends OpenFile {
  readonly task: FileScanTask
  readonly deletes: readonly OpenFile[]
}

/** Open tasks, and a session that may read their files. */
export interface OpenTasks {
  readonly tasks: readonly OpenTask[]
  readonly session: Session
  /** Errors call a file by this. */
  readonly nameOf: (localPath: string) => string
  close(): Promise<void>
}

/** What reading needs of the plane. */
export interface Reader {
  readonly engine: DuckDbEngine
  readonly layouts: PhysicalSchemas
}

/** How many files are opened at a time. */
const FILES_AT_ONCE = 16

/**
 * Opens the files of tasks, data and deletes. Whatever was opened is closed again when one fails.
 * The session may also touch the folders of the paths `alsoReachable`.
 *
 * Throws MissingFileError and CorruptFileError naming the file.
 */
export async function openTasks(
  reader: Reader,
  { files, signal }: Pick<ReadRequest, 'files' | 'signal'>,
  tasks: readonly FileScanTask[],
  alsoReachable: readonly string[] = [],
): Promise<OpenTasks> {
  const inputs: InputFile[] = []
  let session: Session | null = null
  const close = async (): Promise<void> => {
    session?.release()
    await Promise.all(inputs.map((input) => input.release()))
  }
  try {
    const contents = distinctFiles(tasks)
    const held = await inParallel([...contents.values()], FILES_AT_ONCE, async (file) => {
      throwIfAborted(signal)
      const input = await files.input({ location: file.location, size: file.fileSizeInBytes }, { signal })
      inputs.push(input)
      const expected = expectedFile(file, input.localPath)
      return { file, input, expected, outline: await readFooter(expected) }
    })
    session = await reader.engine.session({
      paths: [...inputs.map((input) => input.localPath), ...alsoReachable],
    })
    const opened = new Map<string, OpenFile>()
    for (const { file, input, expected, outline } of held) {
      const physical = await reader.layouts.of(session, expected, outline.schemaBytes, signal)
      const { name, localPath } = expected
      const { rowRanges } = input
      const { textBytes } = outline
      opened.set(contentFileKey(file), { file, name, localPath, rowRanges, textBytes, physical })
    }
    return { ...assemble(tasks, opened), session, close }
  } catch (error) {
    await close()
    throw error
  }
}

function distinctFiles(tasks: readonly FileScanTask[]): ReadonlyMap<string, ContentFile> {
  const files = new Map<string, ContentFile>()
  for (const task of tasks) {
    for (const { file } of [task.entry, ...task.deletes]) files.set(contentFileKey(file), file)
  }
  return files
}

function assemble(
  tasks: readonly FileScanTask[],
  opened: ReadonlyMap<string, OpenFile>,
): { readonly tasks: readonly OpenTask[]; readonly nameOf: (localPath: string) => string } {
  const names = new Map([...opened.values()].map((file) => [file.localPath, file.name]))
  const find = ({ file }: ManifestEntry): OpenFile[] => {
    const found = opened.get(contentFileKey(file))
    return found === undefined ? [] : [found]
  }
  return {
    tasks: tasks.flatMap((task) =>
      find(task.entry).map((open) => ({ ...open, task, deletes: task.deletes.flatMap(find) })),
    ),
    nameOf: (localPath) => names.get(localPath) ?? 'a data file',
  }
}

function expectedFile(file: ContentFile, localPath: string) {
  return {
    name: maskedPath(file.location),
    localPath,
    sizeInBytes: file.fileSizeInBytes,
    recordCount: file.recordCount,
  }
}

/** Refuses, by name, what cannot be read yet, before anything is read. */
export function refuseUnsupported(tasks: readonly FileScanTask[]): void {
  for (const { entry, deletes } of tasks) {
    refuseFile(entry.file, `${entry.file.format} data files`)
    for (const { file } of deletes) {
      if (file.content === 'equality-deletes') throw unsupported(file, 'equality deletes')
      refuseFile(file, file.format === 'puffin' ? 'deletion vectors' : `${file.format} delete files`)
    }
  }
}

function refuseFile(file: ContentFile, feature: string): void {
  if (file.format !== 'parquet') throw unsupported(file, feature)
  if (file.keyMetadata !== null) throw unsupported(file, 'encrypted files')
}

function unsupported(file: ContentFile, feature: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(`${feature} cannot be read yet`, {
    file: maskedPath(file.location),
    hint: 'Rewrite the table with the engine that wrote this file (compaction) and read again.',
  })
}
