/** Whether a table has what a contract says, column by column and by name. */
import { childFields } from '../nested-fields.ts'
import type { Schema } from '../schema.ts'
import type { NestedField, Type } from '../types.ts'
import { typeToString } from '../types-json.ts'

/** A column, as a comparison of schemas names it. */
export interface ComparedColumn {
  /** Full dotted name. */
  readonly column: string
  readonly type: string
  readonly required: boolean
}

/** A column whose types differ. */
export interface TypeMismatch {
  readonly column: string
  readonly expected: string
  readonly actual: string
}

/** A column that is required on one side and optional on the other. */
export interface OptionalityMismatch {
  readonly column: string
  /** What the contract says; the table has the opposite. */
  readonly expected: 'required' | 'optional'
}

/** How a table's schema stands against a contract. */
export interface SchemaComparison {
  /** True when nothing but `matches` has entries. */
  readonly equal: boolean
  /** Columns, and parts of columns, of the same name, type and requiredness. */
  readonly matches: readonly string[]
  readonly typeMismatches: readonly TypeMismatch[]
  readonly optionalityMismatches: readonly OptionalityMismatch[]
  /** Of the contract only. Of a column that is missing whole, only the column. */
  readonly missing: readonly ComparedColumn[]
  /** Of the table only. */
  readonly extra: readonly ComparedColumn[]
}

interface Findings {
  readonly matches: string[]
  readonly typeMismatches: TypeMismatch[]
  readonly optionalityMismatches: OptionalityMismatch[]
  readonly missing: ComparedColumn[]
  readonly extra: ComparedColumn[]
}

/** Field ids and comments are not compared, nor is the order of columns. */
export function compareSchemas(contract: Schema, actual: Schema): SchemaComparison {
  const findings: Findings = {
    matches: [],
    typeMismatches: [],
    optionalityMismatches: [],
    missing: [],
    extra: [],
  }
  compareFields(contract.fields, actual.fields, '', findings)
  const { typeMismatches, optionalityMismatches, missing, extra } = findings
  const differences = [typeMismatches, optionalityMismatches, missing, extra]
  return { equal: differences.every((list) => list.length === 0), ...findings }
}

function compareFields(
  expected: readonly NestedField[],
  actual: readonly NestedField[],
  prefix: string,
  findings: Findings,
): void {
  const byName = new Map(actual.map((field) => [field.name, field]))
  for (const field of expected) {
    const counterpart = byName.get(field.name)
    if (counterpart === undefined) findings.missing.push(described(field, prefix))
    else compareField(field, counterpart, prefix + field.name, findings)
  }
  const names = new Set(expected.map((field) => field.name))
  for (const field of actual) if (!names.has(field.name)) findings.extra.push(described(field, prefix))
}

function compareField(expected: NestedField, actual: NestedField, column: string, findings: Findings): void {
  const sameRequired = expected.required === actual.required
  if (!sameRequired) {
    findings.optionalityMismatches.push({ column, expected: expected.required ? 'required' : 'optional' })
  }
  if (isSameShape(expected.type, actual.type)) {
    if (sameRequired) findings.matches.push(column)
    compareFields(childFields(expected.type), childFields(actual.type), `${column}.`, findings)
    return
  }
  const types = { expected: typeToString(expected.type), actual: typeToString(actual.type) }
  findings.typeMismatches.push({ column, ...types })
}

/** Nested types agree by their kind; their parts are compared one by one. */
function isSameShape(a: Type, b: Type): boolean {
  const isNested = a.kind === 'struct' || a.kind === 'list' || a.kind === 'map'
  return isNested ? a.kind === b.kind : typeToString(a) === typeToString(b)
}

function described({ name, type, required }: NestedField, prefix: string): ComparedColumn {
  return { column: prefix + name, type: typeToString(type), required }
}
