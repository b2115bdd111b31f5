/**
 * Turns a set of manifests into a snapshot: manifest list, summary, and the updates and
 * requirements that commit it (Iceberg spec, "Snapshots").
 *
 * Files of an attempt are told from files that every attempt shares, so that a conflict removes
 * only the former.
 */
import { UnsupportedFeatureError } from '../errors.ts'
import type { ContentFile, ManifestEntry } from '../format/manifest/entry.ts'
import { extendManifestList, writeManifestList, type ManifestFile } from '../format/manifest/list.ts'
import { writeManifest } from '../format/manifest/manifest.ts'
import { currentSchema, nextSequenceNumber, specById } from '../format/metadata/views.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import type { TableUpdate } from '../format/metadata/updates.ts'
import { refOf, refUnchanged, retentionOf } from '../format/refs/refs.ts'
import { partitionPath } from '../format/partition-path.ts'
import { schemaFromJson } from '../format/schema.ts'
import { buildSummary, type SummaryChange } from '../format/snapshot-summary.ts'
import type { Snapshot, SnapshotOperation } from '../format/snapshot.ts'
import { joinLocation } from '../storage/location.ts'
import type { AheadAttempt, CommitAttempt } from './commit.ts'
import { allDone } from './concurrency.ts'
import { AllowedRoots, metadataLocation } from './table-locations.ts'
import { inheritedManifests, type ManifestContext, type ManifestListFile } from './manifest-reader.ts'
import type { Runtime, TableStorage } from './runtime.ts'
import type { TransactionContext } from './transaction-context.ts'
import { writableHead } from './write-branch.ts'
import { checkWrittenSpecs, specGuard } from './written-specs.ts'
import { ENGINE_NAME, ENGINE_VERSION } from '../version.ts'

export interface SnapshotTarget {
  readonly runtime: Runtime
  readonly storage: TableStorage
  /** The branch that the snapshot goes to. */
  readonly branch: string
  /** Caller's own entries of the summary. */
  readonly snapshotProperties: Readonly<Record<string, string>>
  /** Entries of the summary that only what the operation came to decides. */
  readonly outcomeProperties?: (() => Readonly<Record<string, string>>) | undefined
  /** The transaction that the snapshot is a step of. */
  readonly transaction?: TransactionContext | undefined
  /** Only adds the snapshot, a child of the branch's head: no ref names it. */
  readonly isStaged?: boolean | undefined
}

/** The manifests of a new snapshot and what they changed. */
export interface SnapshotContent {
  readonly operation: SnapshotOperation
  /** Newest first, as Java and PyIceberg list them. */
  readonly manifests: readonly ManifestFile[]
  /** A list whose manifests follow, all of them, copied without being decoded. */
  readonly inherited?: ManifestListFile | null
  readonly change: SummaryChange
  /** Entries for the summary that belong to the operation. */
  readonly summary?: Readonly<Record<string, string>> | undefined
}

/** One operation's snapshot: the same id in every attempt. */
export class SnapshotProducer {
  readonly snapshotId: bigint
  /** Part of every file name that the operation writes. */
  readonly operationId: string
  readonly #target: SnapshotTarget
  readonly #sharedFiles: string[] = []
  readonly #keptFiles: string[] = []
  #attemptFiles: string[] = []
  #manifestCount = 0
  /** Manifests that every attempt shares, and what else every attempt waits for. */
  #shared: Promise<unknown>[] = []
  /** What only the last attempt waits for. */
  #own: Promise<unknown> = Promise.resolve()
  /** Manifests of the last attempt's list. */
  #listed: ReadonlySet<string> = new Set()

  constructor(target: SnapshotTarget) {
    this.#target = target
    this.snapshotId = target.runtime.random.snapshotId()
    this.operationId = target.runtime.random.uuid()
  }

  /** The transaction that the snapshot is a step of; undefined where it is a commit of its own. */
  get transaction(): TransactionContext | undefined {
    return this.#target.transaction
  }

  /** For reading the manifests of a state of the table. */
  manifestContext(base: TableMetadata): ManifestContext {
    const { runtime, storage } = this.#target
    return {
      runtime,
      store: storage.store,
      metadata: base,
      roots: new AllowedRoots(base, runtime.extraRoots),
    }
  }

  /** Head of the branch that the snapshot goes to; null for a branch that is empty. As `writableHead`. */
  parent(base: TableMetadata): Snapshot | null {
    return writableHead(base, this.#target.branch)
  }

  /**
   * Manifests of files that this operation adds, one for each partition spec and kind of content; every
   * attempt uses them again. They are still being written when this answers, together with the list
   * that names them: `finish` waits for both, and whoever reads them before asks `written` first.
   *
   * Files that hold rows which were there before keep a data sequence number of their own, where
   * `sequenceNumberOf` gives one: what deletes rows from then on applies to them.
   */
  writeAddedManifests(
    base: TableMetadata,
    files: readonly ContentFile[],
    sequenceNumberOf: (file: ContentFile) => number | null = () => null,
  ): readonly ManifestFile[] {
    const groups = Map.groupBy(
      files,
      (file) => `${file.content === 'data' ? 'data' : 'deletes'}|${file.specId}`,
    )
    return [...groups.values()].map((group) => this.#writeAddedManifest(base, group, sequenceNumberOf))
  }

  #writeAddedManifest(
    base: TableMetadata,
    files: readonly ContentFile[],
    sequenceNumberOf: (file: ContentFile) => number | null,
  ): ManifestFile {
    const entries = files.map((file): ManifestEntry => ({
      status: 'added',
      snapshotId: this.snapshotId,
      sequenceNumber: sequenceNumberOf(file),
      fileSequenceNumber: null,
      file,
    }))
    const { manifest, bytes } = this.#encodeManifest(base, entries)
    this.waitFor(this.#putManifest(manifest.location, bytes, this.#sharedFiles))
    return manifest
  }

  /** Something that has to be there before a snapshot is: `written` waits for it as well. */
  waitFor(writing: Promise<void>): void {
    // `written` tells of a failure; until it is asked, nobody may have to listen.
    writing.catch(() => undefined)
    this.#shared.push(writing)
  }

  /** What a snapshot lists that leaves all of its parent as it is: its own manifests, then the parent's. */
  async onTopOf(
    context: ManifestContext,
    parent: Snapshot | null,
    own: readonly ManifestFile[],
  ): Promise<Pick<SnapshotContent, 'manifests' | 'inherited'>> {
    if (parent === null) return { manifests: own }
    const inherited = await inheritedManifests(context, parent)
    return 'file' in inherited ? { manifests: own, inherited } : { manifests: [...own, ...inherited] }
  }

  /** Waits for the manifests of added files, and for what `waitFor` was given. */
  written(): Promise<void> {
    return allDone(this.#shared)
  }

  /** A manifest that other attempts may use again; what the committed list does not name, `tidy` removes. */
  async writeSharedManifest(base: TableMetadata, entries: readonly ManifestEntry[]): Promise<ManifestFile> {
    const { manifest, bytes } = this.#encodeManifest(base, entries)
    await this.#putManifest(manifest.location, bytes, this.#sharedFiles)
    return manifest
  }

  /** A manifest that depends on the base, and is removed when the attempt conflicts. */
  async writeAttemptManifest(base: TableMetadata, entries: readonly ManifestEntry[]): Promise<ManifestFile> {
    const { manifest, bytes } = this.#encodeManifest(base, entries)
    await this.#putManifest(manifest.location, bytes, this.#attemptFiles)
    return manifest
  }

  /**
   * Writes the manifest list and answers what to commit. UnsupportedFeatureError on v3 tables;
   * CommitConflictError when a file's partition spec is gone.
   */
  async finish(base: TableMetadata, content: SnapshotContent, attempt: number): Promise<CommitAttempt> {
    const { updates, requirements, durable } = this.finishAhead(base, content, attempt)
    await durable
    return { updates, requirements }
  }

  /** As `finish`, while the list and what it names are still being written. */
  finishAhead(base: TableMetadata, content: SnapshotContent, attempt: number): AheadAttempt {
    const { branch, isStaged } = this.#target
    checkWrittenSpecs(base, content.change.added)
    const { snapshot, durable } = this.#stageAhead(base, content, attempt)
    const guard = specGuard(base, content.change)
    const setRef: TableUpdate = { action: 'set-snapshot-ref', 'ref-name': branch, ...this.#refUpdate(base) }
    return {
      updates: [
        ...guard.updates,
        { action: 'add-snapshot', snapshot },
        ...(isStaged === true ? [] : [setRef]),
      ],
      requirements: [refUnchanged(base.refs, branch), ...guard.requirements],
      durable,
    }
  }

  /** Writes the manifest list and answers the snapshot, a child of the branch's head. As `finish`. */
  async stage(base: TableMetadata, content: SnapshotContent, attempt: number): Promise<Snapshot> {
    const { snapshot, durable } = this.#stageAhead(base, content, attempt)
    await durable
    return snapshot
  }

  #stageAhead(
    base: TableMetadata,
    content: SnapshotContent,
    attempt: number,
  ): { readonly snapshot: Snapshot; readonly durable: Promise<void> } {
    refuseUnwritable(base)
    this.#listed = new Set(content.manifests.map((manifest) => manifest.location))
    const parent = this.parent(base)
    const sequenceNumber = base['format-version'] === 1 ? 0 : nextSequenceNumber(base)
    const list = this.#encodeManifestList(base, content, parent, sequenceNumber, attempt)
    const snapshot = {
      'snapshot-id': this.snapshotId,
      ...(parent === null ? {} : { 'parent-snapshot-id': parent['snapshot-id'] }),
      ...(base['format-version'] === 1 ? {} : { 'sequence-number': sequenceNumber }),
      'timestamp-ms': Math.max(this.#target.runtime.clock.now(), base['last-updated-ms']),
      'manifest-list': list.location,
      summary: this.#summary(base, content, parent),
      'schema-id': base['current-schema-id'],
    }
    this.#own = this.#putManifestList(list.location, list.bytes)
    // The list and what it names exist before anything leads to them.
    const durable = allDone([this.#own, this.written()])
    // Who waits for it is told of a failure; where nobody does any more, there is nobody to tell.
    durable.catch(() => undefined)
    return { snapshot, durable }
  }

  /** Everything written so far. */
  writtenFiles(): readonly string[] {
    return [...this.#keptFiles, ...this.#sharedFiles, ...this.#attemptFiles]
  }

  /** Forgets what was written, which stays: a send that used it may have taken effect. */
  keepFiles(): void {
    this.#keptFiles.push(...this.#sharedFiles, ...this.#attemptFiles)
    this.#sharedFiles.length = 0
    this.#attemptFiles = []
  }

  /** Removes manifests that the committed snapshot does not list, because they were merged into others. */
  async tidy(): Promise<void> {
    const files = this.#sharedFiles.filter((file) => !this.#listed.has(file))
    if (files.length > 0) await this.#target.storage.store.delete(files)
  }

  /** Removes what only the last attempt wrote. */
  async discardAttempt(): Promise<void> {
    // A file that is still on its way would come to stay. What it came to is told elsewhere.
    await this.#own.catch(() => undefined)
    this.#attemptFiles = await this.#remove(this.#attemptFiles)
  }

  async discardAll(): Promise<void> {
    await allDone([this.#own, ...this.#shared]).catch(() => undefined)
    this.#shared = []
    const left = await this.#remove([...this.#sharedFiles, ...this.#attemptFiles])
    this.#sharedFiles.length = 0
    this.#attemptFiles = left
  }

  /** Removes files; answers those that are still there, to be tried again with the next. */
  async #remove(files: readonly string[]): Promise<string[]> {
    if (files.length === 0) return []
    const { failed } = await this.#target.storage.store.delete(files)
    return failed.map(({ location }) => location)
  }

  #refUpdate(base: TableMetadata): { type: 'branch'; 'snapshot-id': bigint } {
    // Retention settings of an existing branch stay as they are.
    const { branch } = this.#target
    const before = refOf(base.refs, branch)
    const retention = before === undefined ? {} : retentionOf(before)
    return { ...retention, type: 'branch', 'snapshot-id': this.snapshotId }
  }

  #summary(base: TableMetadata, content: SnapshotContent, parent: Snapshot | null) {
    return buildSummary({
      operation: content.operation,
      change: content.change,
      // A parent without a summary leaves the totals unknown; no parent means that they begin at 0.
      previous: parent === null ? null : (parent.summary ?? { operation: '' }),
      properties: base.properties,
      partitionPath: (file) =>
        partitionPath(specById(base, file.specId), currentSchema(base), file.partition),
      extra: {
        'engine-name': ENGINE_NAME,
        'engine-version': ENGINE_VERSION,
        ...this.#target.snapshotProperties,
        ...this.#target.outcomeProperties?.(),
        ...content.summary,
      },
    })
  }

  #encodeManifest(
    base: TableMetadata,
    entries: readonly ManifestEntry[],
  ): { readonly manifest: ManifestFile; readonly bytes: Uint8Array } {
    refuseUnwritable(base)
    const first = entries[0]?.file
    const specId = first?.specId ?? base['default-spec-id']
    const location = this.#metadataFile(base, `${this.operationId}-m${this.#manifestCount}.avro`)
    this.#manifestCount += 1
    const { bytes, ...summary } = writeManifest({
      formatVersion: base['format-version'],
      schema: currentSchema(base),
      earlierSchemas: base.schemas.map(schemaFromJson),
      spec: specById(base, specId),
      content: first === undefined || first.content === 'data' ? 'data' : 'deletes',
      snapshotId: this.snapshotId,
      entries,
      codecs: this.#target.runtime.codecs,
      properties: base.properties,
    })
    return { manifest: { location, length: bytes.length, ...summary }, bytes }
  }

  async #putManifest(location: string, bytes: Uint8Array, files: string[]): Promise<void> {
    // Noted first: a put whose answer is lost may have left the file.
    files.push(location)
    await this.#target.storage.store.put(location, bytes, { ifAbsent: true })
  }

  #encodeManifestList(
    base: TableMetadata,
    content: SnapshotContent,
    parent: Snapshot | null,
    sequenceNumber: number,
    attempt: number,
  ): { readonly location: string; readonly bytes: Uint8Array } {
    const location = this.#metadataFile(base, `snap-${this.snapshotId}-${attempt}-${this.operationId}.avro`)
    const request = {
      formatVersion: base['format-version'],
      snapshotId: this.snapshotId,
      parentSnapshotId: parent?.['snapshot-id'] ?? null,
      sequenceNumber,
      manifests: content.manifests,
      codecs: this.#target.runtime.codecs,
      properties: base.properties,
    }
    const inherited = content.inherited ?? null
    const bytes =
      inherited === null ? writeManifestList(request) : extendManifestList({ ...request, parent: inherited })
    return { location, bytes }
  }

  async #putManifestList(location: string, bytes: Uint8Array): Promise<void> {
    this.#attemptFiles.push(location)
    await this.#target.storage.store.put(location, bytes, { ifAbsent: true })
    // The next commit on this snapshot starts from it.
    this.#target.runtime.manifestLists.set(location, bytes)
  }

  #metadataFile(base: TableMetadata, name: string): string {
    return joinLocation(metadataLocation(base.location, base.properties), name)
  }
}

/**
 * Row lineage and encryption are not built: a snapshot without them would break the table.
 * UnsupportedFeatureError.
 */
export function refuseUnwritable(base: TableMetadata): void {
  if (base['format-version'] === 3) {
    throw new UnsupportedFeatureError(
      'Writing rows to tables of format version 3 (row lineage) is not supported yet',
      {
        hint: 'Reading works; so do changes of properties, schema and references.',
      },
    )
  }
  if (base.properties['encryption.key-id'] !== undefined) {
    throw new UnsupportedFeatureError('Writing to encrypted tables is not supported')
  }
}
