/** Whether files that were written by one schema are good rows of a later one. */
import { CommitConflictError } from '../errors.ts'
import type { ContentFile } from '../format/manifest/entry.ts'
import type { TableRequirement } from '../format/metadata/requirements.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { currentSchema } from '../format/metadata/views.ts'
import { allFields, childFields } from '../format/nested-fields.ts'
import { fieldName, findField, type Schema } from '../format/schema.ts'
import { isPrimitive, type NestedField } from '../format/types.ts'

/**
 * What a writer took for granted: a schema that changes unseen could ask for values which its rows do
 * not have. Where it changed, the commit is tried again, and then `checkWrittenSchema` decides.
 */
export function schemaRequirement(base: TableMetadata): TableRequirement {
  return { type: 'assert-current-schema-id', 'current-schema-id': base['current-schema-id'] }
}

/**
 * Renamed, moved, widened, loosened, deleted and optional new columns: rows written before are good
 * rows still. CommitConflictError when a column has become required for which a file may have nulls.
 */
export function checkWrittenSchema(
  base: TableMetadata,
  written: Schema,
  files: readonly ContentFile[],
): void {
  const schema = currentSchema(base)
  const lacking = requiredFields(schema.fields, written).find(
    (field) =>
      findField(written, field.id)?.required !== true &&
      !hasDefault(field) &&
      files.some((file) => mayHaveNull(file, written, field)),
  )
  if (lacking === undefined) return
  const column = fieldName(schema, lacking.id) ?? lacking.name
  throw new CommitConflictError(
    `Another commit made column '${column}' required, and the rows to be written may lack it`,
    { hint: 'Nothing was written. Load the table again and give the column a value in every row.' },
  )
}

/**
 * Whether the rows would be seen: not where others put new columns in the place of those that they have,
 * or of all columns, as whoever replaces a table. Ids above `lastColumnId` are not looked at: the table
 * did not have them yet.
 */
export function keepsColumns(
  base: TableMetadata,
  written: Schema,
  lastColumnId = Number.POSITIVE_INFINITY,
): boolean {
  const schema = currentSchema(base)
  // Nearly always: nobody has changed it, and each of its fields keeps itself.
  if (schema === written) return true
  const isKept = ({ id }: NestedField): boolean => findField(schema, id) !== undefined
  const known = written.fields.filter(({ id }) => id <= lastColumnId)
  if (known.length > 0 && !known.some(isKept)) return false
  const names = new Set(allFields(schema.fields).map(({ id }) => fieldName(schema, id)))
  return allFields(known).every((field) => isKept(field) || !names.has(fieldName(written, field.id)))
}

/** CommitConflictError where `keepsColumns` does not hold. */
export function checkKeptColumns(base: TableMetadata, written: Schema, lastColumnId?: number): void {
  if (keepsColumns(base, written, lastColumnId)) return
  throw new CommitConflictError(
    'Another commit replaced columns that the rows to be written have, so that their values would not be seen',
    { hint: 'Nothing was written. Load the table again, look at its schema and write the rows by it.' },
  )
}

/** Required fields, but for those inside a field that is new whole: where it may be missing, so may they. */
function requiredFields(fields: readonly NestedField[], written: Schema): readonly NestedField[] {
  return fields.flatMap((field) => {
    const inside = findField(written, field.id) === undefined ? [] : childFields(field.type)
    const below = requiredFields(
      inside.filter((child) => !isKey(field, child)),
      written,
    )
    return field.required ? [field, ...below] : below
  })
}

/** Keys of maps are always required, and never change. */
function isKey(parent: NestedField, child: NestedField): boolean {
  return parent.type.kind === 'map' && parent.type.keyId === child.id
}

/** Rows from before a column was added have its initial default. */
function hasDefault({ initialDefault }: NestedField): boolean {
  return initialDefault !== undefined && initialDefault !== null
}

/** Only a count of zero nulls for a column that the file holds proves that there are none. */
function mayHaveNull(file: ContentFile, written: Schema, field: NestedField): boolean {
  if (file.content !== 'data' || file.recordCount === 0) return false
  if (findField(written, field.id) === undefined || !isPrimitive(field.type)) return true
  return file.nullValueCounts?.get(field.id) !== 0
}
