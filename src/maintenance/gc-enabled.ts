/** Whether a table allows that its files are deleted. */
import { InvalidArgumentError } from '../errors.ts'
import type { TableMetadata } from '../format/metadata/table-metadata.ts'
import { boolProperty } from '../format/properties.ts'

/** InvalidArgumentError when `gc.enabled` is false; `hint` says what can be done instead. */
export function checkGcEnabled({ properties }: TableMetadata, hint: string): void {
  if (boolProperty(properties, 'gc.enabled')) return
  throw new InvalidArgumentError(
    'gc.enabled is false on this table: its files may be shared and are not deleted',
    { hint },
  )
}
