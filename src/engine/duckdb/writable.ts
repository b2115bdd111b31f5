/** Which tables can be written. */
import { UnsupportedFeatureError } from '../../errors.ts'
import { childFields } from '../../format/nested-fields.ts'
import type { Schema } from '../../format/schema.ts'
import { typeToString } from '../../format/types-json.ts'
import type { NestedField } from '../../format/types.ts'

/** UnsupportedFeatureError for a schema with a type that is not built yet. */
export function refuseUnwritable(schema: Schema): void {
  const visit = (field: NestedField, path: string): void => {
    const { type } = field
    switch (type.kind) {
      case 'fixed':
      case 'variant':
      case 'geometry':
      case 'geography':
      case 'timestamptz_ns':
        throw new UnsupportedFeatureError(
          `column ${path} of type ${typeToString(type)} cannot be written yet`,
          { hint: 'Write the table with another engine, or leave the column out of its schema.' },
        )
      default:
        for (const child of childFields(type)) visit(child, `${path}.${child.name}`)
    }
  }
  for (const field of schema.fields) visit(field, field.name)
}
