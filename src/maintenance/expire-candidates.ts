/** What may have to go with snapshots: everything that they reach and other manifests do not list. */
import type { ListedManifest } from '../format/manifest/list.ts'
import type { FileContent } from '../format/manifest/entry.ts'
import type { StatisticsFileJson } from '../format/metadata/table-metadata.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { ManifestContext } from '../table/manifest-reader.ts'
import type { FileTotals } from './expire-plan.ts'
import {
  FILES_AT_A_TIME,
  inSlices,
  newManifests,
  statisticsFiles,
  statisticsOf,
  visitFiles,
} from './reachability.ts'

/** What a file holds, in the words of results. */
export type FileKind = keyof FileTotals

/** A file that goes unless something else needs it. */
export interface Candidate {
  readonly kind: FileKind
  readonly location: string
  /** 0 where no metadata tells. */
  readonly bytes: number
}

const CONTENT_KINDS: Readonly<Record<FileContent, FileKind>> = {
  data: 'dataFiles',
  'position-deletes': 'positionDeleteFiles',
  'equality-deletes': 'equalityDeleteFiles',
}

/**
 * The files of snapshots that leave, some at a time, and some of them more than once. A manifest that
 * a staying snapshot lists is left out with all of its files; every other file may still be listed by
 * another manifest that stays. What is gone from the store already is passed over.
 */
export async function* candidatesOf(
  context: ManifestContext,
  leaving: readonly Snapshot[],
): AsyncGenerator<readonly Candidate[]> {
  const ids = new Set(leaving.map((snapshot) => snapshot['snapshot-id']))
  const staying = context.metadata.snapshots.filter((snapshot) => !ids.has(snapshot['snapshot-id']))
  const seen = new Set<string>()
  // A staying snapshot that is broken lists what nobody can read any more; what it would have kept is
  // asked again, and strictly, before anything is deleted.
  for await (const _known of newManifests(context, staying, seen, { passOverMissing: true }));
  const lists: Candidate[] = []
  const onList = (snapshot: Snapshot, bytes: number): void => {
    const location = snapshot['manifest-list']
    if (location !== undefined) lists.push({ kind: 'manifestLists', location, bytes })
  }
  for await (const manifests of newManifests(context, leaving, seen, { passOverMissing: true, onList }))
    yield* withFiles(context, manifests)
  yield statisticsOf(context.metadata, ids).map((file) => ({
    kind: 'statisticsFiles',
    location: file['statistics-path'],
    bytes: sizeOf(file),
  }))
  yield lists
}

function sizeOf({ 'file-size-in-bytes': size }: StatisticsFileJson): number {
  return typeof size === 'number' ? size : 0
}

async function* withFiles(
  context: ManifestContext,
  manifests: readonly ListedManifest[],
): AsyncGenerator<readonly Candidate[]> {
  for (const some of inSlices(manifests, FILES_AT_A_TIME)) {
    const found = some.map(({ location, length }): Candidate => ({
      kind: 'manifests',
      location,
      bytes: length,
    }))
    await visitFiles(
      context,
      some,
      ({ location, content, fileSizeInBytes }) =>
        found.push({ kind: CONTENT_KINDS[content], location, bytes: fileSizeInBytes }),
      { passOverMissing: true },
    )
    yield found
  }
}

/** What stays, as far as it matters to candidates. */
export interface Staying {
  readonly context: ManifestContext
  readonly snapshots: readonly Snapshot[]
  /** What is needed besides: a manifest may name anything, the table's own metadata too. */
  readonly metadataFiles: readonly string[]
}

/** Which kinds of files are asked about: manifests need not be opened for lists. */
export interface Asked {
  readonly files: boolean
  readonly manifests: boolean
}

/**
 * Shows what stays, file by file, until `reached` answers that nothing is left to be found. Manifests
 * that `seen` has are passed over; it has those that were shown afterwards.
 * MissingFileError and CorruptFileError: what cannot be read may be needed, so nothing may go.
 */
export async function visitStaying(
  staying: readonly Staying[],
  asked: Asked,
  reached: (location: string) => boolean,
  seen: Set<string>,
): Promise<void> {
  for (const { context, snapshots, metadataFiles } of staying) {
    const { metadata } = context
    for (const location of metadataFiles) reached(location)
    for (const location of statisticsFiles(metadata, idsOf(snapshots))) reached(location)
    for (const snapshot of snapshots)
      if (snapshot['manifest-list'] !== undefined) reached(snapshot['manifest-list'])
  }
  if (!asked.files && !asked.manifests) return
  for (const { context, snapshots } of staying) {
    for await (const manifests of newManifests(context, snapshots, seen)) {
      let goesOn = true
      for (const { location } of manifests) goesOn = reached(location)
      for (const some of asked.files ? inSlices(manifests, FILES_AT_A_TIME) : []) {
        await visitFiles(context, some, ({ location }) => {
          goesOn = reached(location)
        })
        if (!goesOn) return
      }
      if (!goesOn && manifests.length > 0) return
    }
  }
}

function idsOf(snapshots: readonly Snapshot[]): ReadonlySet<bigint> {
  return new Set(snapshots.map((snapshot) => snapshot['snapshot-id']))
}
