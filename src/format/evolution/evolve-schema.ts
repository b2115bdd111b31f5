/** All changes of one call applied to a schema, in order; nothing is committed here. */
import { IncompatibleChangeError } from '../../errors.ts'
import { findField } from '../schema-lookup.ts'
import { identifierProblem, schemaProblems } from '../schema-validation.ts'
import type { Schema } from '../schema.ts'
import { addColumn, moveColumn } from './add-column.ts'
import {
  makeOptional,
  makeRequired,
  renameColumn,
  setDefault,
  setIdentifierFields,
  updateDoc,
  widenType,
} from './change-column.ts'
import { deleteColumn } from './delete-column.ts'
import { checkPartitionNames } from './partition-names.ts'
import type { SchemaEdit } from './schema-edit.ts'
import {
  fullName,
  refuse,
  startStaging,
  type EvolutionBase,
  type EvolutionOptions,
  type Staging,
} from './staging.ts'
import { unionByName } from './union-by-name.ts'

/** What a call's changes make of a schema. */
export interface SchemaEvolution {
  /** With the base's schema id, which the table replaces. */
  readonly schema: Schema
  readonly lastColumnId: number
  /** Fields of the base that become required: no row may have a null there. */
  readonly madeRequired: readonly number[]
  /** Equal on two bases exactly where the changes mean the same on both. */
  readonly witness: readonly string[]
}

/**
 * Applies changes in order; each finds columns by the names that those before it left behind.
 *
 * IncompatibleChangeError names the change, the column and the rule. Ids that were given out before
 * are never given out again.
 */
export function evolveSchema(
  base: EvolutionBase,
  edits: readonly SchemaEdit[],
  options: EvolutionOptions = {},
): SchemaEvolution {
  const staging = edits.reduce(
    (staged, edit, position) => inChange(edit, position, edits.length, () => applyEdit(staged, edit)),
    startStaging(base, options),
  )
  checkResult(staging)
  return {
    schema: staging.schema,
    lastColumnId: staging.lastColumnId,
    madeRequired: [...staging.madeRequired],
    witness: staging.witness,
  }
}

function applyEdit(staging: Staging, edit: SchemaEdit): Staging {
  switch (edit.type) {
    case 'add_column':
      return addColumn(staging, edit)
    case 'rename_column':
      return renameColumn(staging, edit)
    case 'widen_type':
      return widenType(staging, edit)
    case 'make_optional':
      return makeOptional(staging, edit)
    case 'make_required':
      return makeRequired(staging, edit)
    case 'delete_column':
      return deleteColumn(staging, edit)
    case 'update_doc':
      return updateDoc(staging, edit)
    case 'set_default':
      return setDefault(staging, edit)
    case 'move_column':
      return moveColumn(staging, edit)
    case 'set_identifier_fields':
      return setIdentifierFields(staging, edit)
    case 'union_by_name':
      return unionByName(staging, edit)
  }
}

/** Says which change of several was refused. */
function inChange<T>(edit: SchemaEdit, position: number, count: number, apply: () => T): T {
  try {
    return apply()
  } catch (error) {
    if (!(error instanceof IncompatibleChangeError)) throw error
    const which = count === 1 ? edit.type : `change ${position + 1} (${edit.type})`
    const { column, hint } = error
    throw new IncompatibleChangeError(`${which}: ${error.message}`, { column, hint, cause: error.cause })
  }
}

/** Rules that the changes must keep together: one may mend what another would break. */
function checkResult(staging: Staging): void {
  checkIdentifiers(staging)
  const [problem] = schemaProblems(staging.schema)
  if (problem !== undefined) throw refuse(problem.column, `it ${problem.reason}`)
  checkPartitionNames(staging)
}

function checkIdentifiers({ schema, ...staging }: Staging): void {
  for (const id of schema.identifierFieldIds) {
    const name = fullName({ schema, ...staging }, id)
    const hint = 'Change the identifier columns in the same call: set_identifier_fields.'
    if (findField(schema, id) === undefined) {
      throw refuse(name, 'it is an identifier column, and cannot be deleted, alone or with its struct', hint)
    }
    const reason = identifierProblem(schema, id)
    if (reason !== null) throw refuse(name, `it ${reason}`, hint)
  }
}
