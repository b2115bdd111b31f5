/** Files that are there already become data files of a table, as they are. */
import { CommitConflictError, InvalidArgumentError } from '../../errors.ts'
import { evolveNameMapping } from '../../format/evolution/evolve-name-mapping.ts'
import type { ContentFile } from '../../format/manifest/entry.ts'
import type { TableMetadata } from '../../format/metadata/table-metadata.ts'
import type { TableUpdate } from '../../format/metadata/updates.ts'
import { currentSchema } from '../../format/metadata/views.ts'
import {
  NAME_MAPPING_KEY,
  nameMappingToJson,
  parseNameMapping,
  type NameMapping,
} from '../../format/name-mapping.ts'
import { maskedPath } from '../../format/partition-path.ts'
import type { Schema } from '../../format/schema.ts'
import { canonicalLocation } from '../../storage/location.ts'
import type { ChangedFiles, CommitAttempt, CommitChange } from '../commit.ts'
import { mapConcurrently } from '../concurrency.ts'
import {
  entriesOf,
  hasLiveFiles,
  manifestsOf,
  visitFilesOf,
  type ManifestContext,
} from '../manifest-reader.ts'
import type { SnapshotTarget } from '../snapshot-producer.ts'
import { AllowedRoots } from '../table-locations.ts'
import { writableHead } from '../write-branch.ts'
import { AppendChange, type CommitStrategy } from './append.ts'

export interface AddFilesChangeOptions {
  readonly strategy: CommitStrategy
  /** What the files were checked against. */
  readonly schema: Schema
  readonly onDuplicate: 'error' | 'skip'
  /** False: nobody looks whether a file is in the table already. */
  readonly checkDuplicates: boolean
  /** What the files' columns without ids were found by; null when all have ids. */
  readonly mapping: {
    readonly text: string
    /** The property as the table had it; null when the mapping is to be set with the files. */
    readonly before: string | null
  } | null
}

/** Adds files that nobody of us wrote: whatever fails, they stay. */
export class AddFilesChange implements CommitChange {
  readonly operation = 'add files'
  readonly snapshotId: bigint
  readonly #target: SnapshotTarget
  readonly #all: readonly ContentFile[]
  readonly #options: AddFilesChangeOptions
  readonly #append: AppendChange
  #added: readonly ContentFile[]
  #readded: readonly string[] = []
  /** Manifests that hold none of the files: they never change. */
  readonly #clean = new Set<string>()

  constructor(target: SnapshotTarget, files: readonly ContentFile[], options: AddFilesChangeOptions) {
    this.#target = target
    this.#all = files
    this.#added = files
    this.#options = options
    const { strategy, schema } = options
    this.#append = new AppendChange(target, files, { strategy, schema, discardData: async () => {} })
    this.snapshotId = this.#append.snapshotId
  }

  /** Files that join the table. */
  get added(): readonly ContentFile[] {
    return this.#added
  }

  /** Those of them that were in the table before, and were removed from it. */
  get readded(): readonly string[] {
    return this.#readded
  }

  files(): ChangedFiles | null {
    return this.#added.length === 0 ? null : this.#append.files()
  }

  async apply(base: TableMetadata, attempt: number, mayDiscard: boolean): Promise<CommitAttempt | null> {
    const added = this.#options.checkDuplicates ? await this.#withoutDuplicates(base) : this.#all
    // As many may be others: one of them was removed meanwhile, and another one added.
    if (added.length !== this.#added.length || added.some((file, at) => file !== this.#added[at])) {
      await this.#append.replaceFiles(added, this.#options.schema, mayDiscard ? 'removed' : 'kept')
      this.#added = added
    }
    if (added.length === 0) return null
    const mapping = this.#mappingUpdates(base)
    const { updates, requirements } = await this.#append.apply(base, attempt)
    // The mapping comes first: no state of the table has the files and not their columns' names.
    return { updates: [...mapping, ...updates], requirements }
  }

  tidy(): Promise<void> {
    return this.#append.tidy()
  }

  discardAttempt(): Promise<void> {
    return this.#append.discardAttempt()
  }

  discardAll(): Promise<void> {
    return this.#append.discardAll()
  }

  writtenFiles(): readonly string[] {
    const theirs = new Set(this.#all.map((file) => file.location))
    return this.#append.writtenFiles().filter((file) => !theirs.has(file))
  }

  #mappingUpdates(base: TableMetadata): readonly TableUpdate[] {
    const { mapping, schema } = this.#options
    if (mapping === null) return []
    const now = base.properties[NAME_MAPPING_KEY] ?? null
    if (now === mapping.text) return []
    if (now !== mapping.before) throw mappingChanged('changed the name mapping')
    // Made for the columns of then; those of now have to have their names too.
    const made = parseNameMapping(mapping.text)
    const current = evolveNameMapping(made, schema, currentSchema(base))
    if (movesNames(made, current)) throw mappingChanged('gave another column a name')
    return [{ action: 'set-properties', updates: { [NAME_MAPPING_KEY]: nameMappingToJson(current) } }]
  }

  /** The files that are not live on the branch. InvalidArgumentError, or they are left out. */
  async #withoutDuplicates(base: TableMetadata): Promise<readonly ContentFile[]> {
    const head = writableHead(base, this.#target.branch)
    if (head === null) return this.#all
    const context = this.#context(base)
    const wanted = new Map(this.#all.map((file) => [canonicalLocation(file.location), file.location]))
    const live = new Set<string>()
    const removed = new Set<string>()
    await mapConcurrently(await manifestsOf(context, head), async (manifest) => {
      if (this.#clean.has(manifest.location) || manifest.content !== 'data') return
      let isClean = true
      const note = (into: Set<string>, location: string): void => {
        const place = canonicalOrVerbatim(location)
        if (!wanted.has(place)) return
        into.add(place)
        isClean = false
      }
      if (hasLiveFiles(manifest)) {
        await visitFilesOf(context, manifest, ({ location }) => note(live, location))
      }
      if (manifest.deletedFilesCount !== 0) {
        const entries = await entriesOf(context, manifest, { metrics: new Set() })
        for (const { status, file } of entries) if (status === 'deleted') note(removed, file.location)
      }
      if (isClean) this.#clean.add(manifest.location)
    })
    const duplicate = [...live][0]
    if (duplicate !== undefined && this.#options.onDuplicate === 'error') {
      throw isThere(wanted.get(duplicate) ?? duplicate, live.size)
    }
    this.#readded = [...removed]
      .filter((place) => !live.has(place))
      .map((place) => wanted.get(place) ?? place)
    return this.#all.filter((file) => !live.has(canonicalLocation(file.location)))
  }

  #context(metadata: TableMetadata): ManifestContext {
    const { runtime, storage } = this.#target
    return {
      runtime,
      store: storage.store,
      metadata,
      roots: new AllowedRoots(metadata, runtime.extraRoots),
    }
  }
}

/** Whether a name has come to mean another field. */
function movesNames(before: NameMapping, after: NameMapping): boolean {
  return before.some((entry) => {
    const id = entry['field-id']
    const isElsewhere = after.some(
      (other) => other['field-id'] !== id && other.names.some((name) => entry.names.includes(name)),
    )
    const same = after.find((other) => other['field-id'] === id)
    return isElsewhere || movesNames(entry.fields ?? [], same?.fields ?? [])
  })
}

function mappingChanged(what: string): CommitConflictError {
  return new CommitConflictError(`Another commit ${what} by which the files were read`, {
    hint: 'Nothing was added. Load the table again and repeat it.',
  })
}

/** Manifests are other people's input: what is no location is no file of ours. */
function canonicalOrVerbatim(location: string): string {
  try {
    return canonicalLocation(location)
  } catch {
    // It cannot be parsed, so it equals nothing that was asked for.
    return location
  }
}

function isThere(location: string, count: number): InvalidArgumentError {
  const others = count === 1 ? '' : `, and so are ${count - 1} more`
  return new InvalidArgumentError(`A file is in the table already${others}`, {
    file: maskedPath(location),
    hint: "Adding it again would double its rows. Pass onDuplicate: 'skip' (`--skip-duplicates`) to add only the others.",
  })
}
