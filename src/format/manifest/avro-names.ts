/**
 * Field names in Avro. Avro allows ASCII letters, digits and underscores only; other characters
 * are escaped the way every Iceberg writer does it, and the real name is kept beside.
 */

/** The name itself where Avro allows it, else with every other character escaped as `_xHEX`. */
export function avroName(name: string): string {
  let safe = ''
  // By UTF-16 units, as the first writers of the format did: `😀` becomes `_xD83D_xDE00`.
  for (let index = 0; index < name.length; index += 1) {
    const unit = name.charAt(index)
    if (/^[A-Za-z_]$/.test(unit)) safe += unit
    else if (/^[0-9]$/.test(unit)) safe += index === 0 ? `_${unit}` : unit
    else safe += `_x${unit.charCodeAt(0).toString(16).toUpperCase()}`
  }
  return safe === '' ? '_' : safe
}

/** A field of an Avro record, as JSON. */
export function avroField(id: number, name: string, type: unknown): Readonly<Record<string, unknown>> {
  const safe = avroName(name)
  const original = safe === name ? {} : { 'iceberg-field-name': name }
  return { name: safe, type, 'field-id': id, ...original }
}

/** As avroField, for a value that may be missing. */
export function optionalAvroField(
  id: number,
  name: string,
  type: unknown,
): Readonly<Record<string, unknown>> {
  return { ...avroField(id, name, type === 'null' ? 'null' : ['null', type]), default: null }
}
