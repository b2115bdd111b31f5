/** What can be refused of the options of a write before any row is read. */
import { InvalidArgumentError, UnsupportedFeatureError } from '../errors.ts'
import { SUMMARY_KEYS } from '../format/snapshot-summary.ts'
import { MAIN_BRANCH } from '../format/snapshot.ts'
import type { TableHandle } from '../table/table.ts'
import { readOnly } from '../table/read-only.ts'
import { writableHead } from '../table/write-branch.ts'
import { checkCommitKey, KEY_ENTRIES } from './commit-once.ts'
import type { WriteOptions } from './row-change-options.ts'
import type { WriteDataOptions, WriteMode } from './write-data.ts'

const OPTIONS_OF_MODE: Readonly<Record<WriteMode, readonly string[]>> = {
  append: [],
  overwrite: ['overwriteFilter', 'overwriteScope', 'validate'],
  upsert: [
    'joinColumns',
    'whenMatchedUpdateAll',
    'whenNotMatchedInsertAll',
    'deleteWhen',
    'whenNotMatchedBySource',
  ],
}

/** Checks what can be checked before any row is read. */
export function checkWriteOptions<In, Out>(table: TableHandle<In, Out>, options: WriteOptions): void {
  const mode: string = options.mode ?? 'append'
  if (!isMode(mode)) {
    throw new InvalidArgumentError("mode is one of 'append', 'overwrite', 'upsert'")
  }
  checkModeOptions(mode, options)
  const schemaMode: unknown = 'schemaMode' in options ? (options.schemaMode ?? 'strict') : 'strict'
  if (schemaMode !== 'strict' && schemaMode !== 'merge') {
    throw new InvalidArgumentError("schemaMode is one of 'strict', 'merge'")
  }
  if (schemaMode === 'merge' && mode !== 'append') {
    throw new UnsupportedFeatureError(`The schema mode 'merge' is not built for '${mode}'`, {
      table: table.name,
      hint: 'Evolve the schema first (evolveSchema, `floeberg evolve`), by adding the columns or by union_by_name.',
    })
  }
  if (schemaMode === 'merge' && options.stageOnly === true) {
    throw new InvalidArgumentError("stageOnly and the schema mode 'merge' exclude each other", {
      hint: 'A schema cannot wait to be published: evolve it first.',
    })
  }
  checkCommitOptions(table, options)
}

/**
 * An option of another mode would be passed over without a word: an overwrite of everything in place
 * of a slice, rows twice in place of an upsert.
 */
function checkModeOptions(mode: WriteMode, options: WriteOptions): void {
  for (const [owner, names] of Object.entries(OPTIONS_OF_MODE)) {
    if (owner === mode) continue
    const found = names.find((name) => name in options && Reflect.get(options, name) !== undefined)
    if (found !== undefined) {
      throw new InvalidArgumentError(`'${found}' is an option of the mode '${owner}', not of '${mode}'`)
    }
  }
  if (options.mode !== 'overwrite') return
  const { overwriteScope: scope, onConflict }: { overwriteScope?: unknown; onConflict?: unknown } = options
  if (scope !== undefined && scope !== 'table' && scope !== 'partitions') {
    throw new InvalidArgumentError("overwriteScope is one of 'table', 'partitions'")
  }
  if (onConflict === 'redo') {
    throw new InvalidArgumentError(
      'An overwrite is never done again by itself: others’ rows would go with it',
      {
        hint: 'Leave onConflict out, and look at the table after a CommitConflictError.',
      },
    )
  }
}

/** Checks what every change of rows has: its branch, and its entries for the summary. */
export function checkCommitOptions<In, Out>(
  table: TableHandle<In, Out>,
  options: Pick<WriteDataOptions, 'branch' | 'snapshotProperties' | 'stageOnly' | 'commitKey'>,
): void {
  // Before any row of the source is read.
  if (table.opening !== null) throw readOnly(table.name)
  checkCommitKey(options.commitKey)
  if (options.stageOnly === true && options.commitKey !== undefined) {
    throw new UnsupportedFeatureError(
      'A commitKey is looked for in a branch, which a staged write is not in',
      {
        table: table.name,
        hint: 'Leave commitKey or stageOnly out.',
      },
    )
  }
  if (options.stageOnly === true && table.state.transaction !== undefined) {
    throw new UnsupportedFeatureError('A step of a transaction cannot be staged only', { table: table.name })
  }
  writableHead(table.metadata, options.branch ?? MAIN_BRANCH)
  checkSummaryEntries(options.snapshotProperties)
}

/** InvalidArgumentError for entries of a summary that are not the caller's to set. */
export function checkSummaryEntries(properties: Readonly<Record<string, string>> = {}): void {
  for (const key of Object.keys(properties)) {
    if (SUMMARY_KEYS.has(key)) {
      throw new InvalidArgumentError(`snapshotProperties: '${key}' is a count of the format's own`)
    }
    if (KEY_ENTRIES.has(key)) {
      throw new InvalidArgumentError(`snapshotProperties: '${key}' comes with a commitKey`, {
        hint: 'Pass the key as commitKey.',
      })
    }
  }
}

function isMode(mode: string): mode is WriteMode {
  return Object.hasOwn(OPTIONS_OF_MODE, mode)
}
