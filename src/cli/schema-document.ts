/**
 * A schema in a file: the Iceberg schema document (as `floeberg schema --output json` prints it), or
 * the same written by hand, without ids, and without `required` where a column is optional.
 */
import { readFile } from 'node:fs/promises'
import { InvalidTableConfigError } from '../errors.ts'
import { parseLossless } from '../format/metadata/lossless-json.ts'
import { schemaFromJson, type Schema } from '../format/schema.ts'
import { UsageError } from './failure.ts'

/** UsageError when the file cannot be read; InvalidTableConfigError for what is no schema. */
export async function readSchemaDocument(path: string): Promise<Schema> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new UsageError(`the schema document ${path} cannot be read`, systemCode(error))
  })
  return schemaFromDocument(parseLossless(bytes, path), path)
}

/** The schema of a parsed document. */
export function schemaFromDocument(document: unknown, file: string): Schema {
  const fields = Array.isArray(document) ? document : isRecord(document) ? document['fields'] : undefined
  if (!Array.isArray(fields)) {
    throw new InvalidTableConfigError('schema: it has no fields', {
      path: 'schema',
      file,
      hint: 'Write { "fields": [{ "name": "id", "type": "long", "required": true }] }.',
    })
  }
  const rest = isRecord(document) ? document : {}
  const filled: unknown = { 'schema-id': 0, ...rest, type: 'struct', fields: new Filler().fields(fields) }
  // schemaFromJson checks every part of the document, whatever its type says.
  return schemaFromJson(filled as Parameters<typeof schemaFromJson>[0])
}

/** Fills in what a hand leaves out. Ids only count within this document: the catalog gives new ones. */
class Filler {
  /** Far above what people write themselves, so that given and missing ids can be mixed. */
  #id = 1_000_000_000

  fields(fields: readonly unknown[]): readonly unknown[] {
    return fields.map((field) =>
      isRecord(field)
        ? { id: this.#next(), required: false, ...field, type: this.type(field['type']) }
        : field,
    )
  }

  type(type: unknown): unknown {
    if (!isRecord(type)) return type
    switch (type['type']) {
      case 'struct':
        return Array.isArray(type['fields']) ? { ...type, fields: this.fields(type['fields']) } : type
      case 'list':
        return {
          'element-id': this.#next(),
          'element-required': false,
          ...type,
          element: this.type(type['element']),
        }
      case 'map':
        return {
          'key-id': this.#next(),
          'value-id': this.#next(),
          'value-required': false,
          ...type,
          key: this.type(type['key']),
          value: this.type(type['value']),
        }
      default:
        return type
    }
  }

  #next(): number {
    this.#id += 1
    return this.#id
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
