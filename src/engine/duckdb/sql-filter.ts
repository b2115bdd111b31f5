/**
 * A condition as the engine's optimizer has left it, as a filter of ours. The engine checks its
 * condition again on every row that is read, so a filter may hold for more rows; never for fewer.
 */
import { bindExpression } from '../../format/expressions/bind.ts'
import {
  allOf,
  alwaysTrue,
  anyOf,
  eq,
  gt,
  gte,
  isIn,
  isNaN,
  isNull,
  lt,
  lte,
  notEq,
  notIn,
  notNull,
  or,
  startsWith,
  type Expression,
  type LiteralValue,
} from '../../format/expressions/expression.ts'
import type { Schema } from '../../format/schema.ts'
import { formatDecimal } from '../../format/values/decimal.ts'
import { InvalidExpressionError } from '../../errors.ts'
import type { NestedField, PrimitiveType } from '../../format/types.ts'
import { isPrimitive } from '../../format/types.ts'
import { child, children, type Ast } from './sql-ast.ts'

/** The field that a column of the condition stands for; null for others. */
export type FieldOf = (column: string) => NestedField | null

/** What the filter can say of the condition; true where that is nothing. */
export function filterOf(condition: Ast, fieldOf: FieldOf, schema: Schema): Expression {
  if (condition['type'] === 'CONJUNCTION_AND') {
    return allOf(children(condition).map((each) => filterOf(each, fieldOf, schema)))
  }
  const filter = exactly(condition, fieldOf)
  return filter !== null && isBindable(filter, schema) ? filter : alwaysTrue()
}

/** A literal that does not go with its column in our eyes says nothing. */
function isBindable(filter: Expression, schema: Schema): boolean {
  try {
    bindExpression(schema, filter)
    return true
  } catch (error) {
    if (error instanceof InvalidExpressionError) return false
    throw error
  }
}

/** A filter that is true just where the condition is; null when there is none. */
function exactly(condition: Ast, fieldOf: FieldOf): Expression | null {
  switch (condition['type']) {
    case 'CONJUNCTION_AND':
    case 'CONJUNCTION_OR': {
      const sides = children(condition).map((each) => exactly(each, fieldOf))
      const known = sides.filter((side) => side !== null)
      if (known.length < sides.length) return null
      return condition['type'] === 'CONJUNCTION_AND' ? allOf(known) : anyOf(known)
    }
    case 'COMPARE_BETWEEN': {
      const lower = compared(
        'COMPARE_GREATERTHANOREQUALTO',
        child(condition, 'input'),
        child(condition, 'lower'),
        fieldOf,
      )
      const upper = compared(
        'COMPARE_LESSTHANOREQUALTO',
        child(condition, 'input'),
        child(condition, 'upper'),
        fieldOf,
      )
      return lower === null || upper === null ? null : allOf([lower, upper])
    }
    case 'OPERATOR_IS_NULL':
    case 'OPERATOR_IS_NOT_NULL': {
      const field = column(children(condition)[0], fieldOf)
      if (field === null || !isPrimitive(field.type)) return null
      return condition['type'] === 'OPERATOR_IS_NULL' ? isNull(field.name) : notNull(field.name)
    }
    case 'COMPARE_IN':
    case 'COMPARE_NOT_IN':
      return membership(condition, fieldOf)
    case 'FUNCTION':
      return prefix(condition, fieldOf)
    case 'COLUMN_REF': {
      const field = column(condition, fieldOf)
      return field?.type.kind === 'boolean' ? eq(field.name, true) : null
    }
    default:
      return (
        compared(condition['type'], child(condition, 'left'), child(condition, 'right'), fieldOf) ??
        compared(
          MIRRORED.get(condition['type']),
          child(condition, 'right'),
          child(condition, 'left'),
          fieldOf,
        )
      )
  }
}

const MIRRORED: ReadonlyMap<unknown, string> = new Map([
  ['COMPARE_EQUAL', 'COMPARE_EQUAL'],
  ['COMPARE_NOTEQUAL', 'COMPARE_NOTEQUAL'],
  ['COMPARE_LESSTHAN', 'COMPARE_GREATERTHAN'],
  ['COMPARE_GREATERTHAN', 'COMPARE_LESSTHAN'],
  ['COMPARE_LESSTHANOREQUALTO', 'COMPARE_GREATERTHANOREQUALTO'],
  ['COMPARE_GREATERTHANOREQUALTO', 'COMPARE_LESSTHANOREQUALTO'],
])

function compared(operator: unknown, left: Ast, right: Ast, fieldOf: FieldOf): Expression | null {
  const field = column(left, fieldOf)
  const value = field === null ? null : literal(field, right)
  if (field === null || value === null) return null
  const { name } = field
  switch (operator) {
    case 'COMPARE_EQUAL':
      return eq(name, value)
    case 'COMPARE_NOTEQUAL':
      return notEq(name, value)
    case 'COMPARE_LESSTHAN':
      return lt(name, value)
    case 'COMPARE_LESSTHANOREQUALTO':
      return lte(name, value)
    case 'COMPARE_GREATERTHAN':
      return orNaN(field, gt(name, value))
    case 'COMPARE_GREATERTHANOREQUALTO':
      return orNaN(field, gte(name, value))
    default:
      return null
  }
}

/** For the engine NaN is above all numbers. */
function orNaN({ name, type }: NestedField, filter: Expression): Expression {
  return type.kind === 'float' || type.kind === 'double' ? or(filter, isNaN(name)) : filter
}

function membership(condition: Ast, fieldOf: FieldOf): Expression | null {
  const [first, ...rest] = children(condition)
  const field = column(first, fieldOf)
  if (field === null) return null
  const values = rest.map((each) => literal(field, each))
  const known = values.filter((value) => value !== null)
  if (known.length < values.length) return null
  return condition['type'] === 'COMPARE_IN' ? isIn(field.name, known) : notIn(field.name, known)
}

function prefix(condition: Ast, fieldOf: FieldOf): Expression | null {
  if (condition['function_name'] !== 'prefix' && condition['function_name'] !== 'starts_with') return null
  const [first, second] = children(condition)
  const field = column(first, fieldOf)
  const value = field?.type.kind === 'string' && second !== undefined ? literal(field, second) : null
  return field === null || value === null ? null : startsWith(field.name, value)
}

function column(node: Ast | undefined, fieldOf: FieldOf): NestedField | null {
  if (node?.['class'] !== 'COLUMN_REF') return null
  const names = node['column_names']
  const field = Array.isArray(names) && names.length === 1 ? fieldOf(String(names[0])) : null
  // In the text of a filter a dot leads into a struct.
  return field === null || field.name.includes('.') ? null : field
}

/** The literal of a column's type; null for null, and for what is not plainly one. */
function literal({ type }: NestedField, node: Ast): LiteralValue | null {
  if (!isPrimitive(type)) return null
  if (node['class'] === 'CAST') {
    const inner = child(node, 'child')
    const given = inner['class'] === 'CONSTANT' ? child(inner, 'value')['value'] : undefined
    return typeof given === 'string' ? fromText(type, given, String(child(node, 'cast_type')['id'])) : null
  }
  if (node['class'] === 'FUNCTION' && node['function_name'] === '-') {
    const [only, ...others] = children(node)
    const value = only === undefined || others.length > 0 ? null : literal({ type } as NestedField, only)
    if (typeof value === 'number' || typeof value === 'bigint') return -value
    return typeof value === 'string' && type.kind === 'decimal' ? `-${value}` : null
  }
  if (node['class'] !== 'CONSTANT') return null
  return fromConstant(type, child(node, 'value'))
}

function fromConstant(type: PrimitiveType, constant: Ast): LiteralValue | null {
  const { value } = constant
  const given = child(constant, 'type')
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'string':
      return given['id'] === 'VARCHAR' && typeof value === 'string' ? value : null
    case 'int':
    case 'long':
      return isInteger(given) ? whole(value) : null
    case 'float':
    case 'double':
    case 'decimal': {
      const unscaled = whole(value)
      const scale = given['id'] === 'DECIMAL' ? Number(child(given, 'type_info')['scale']) : 0
      if (unscaled !== null && (given['id'] === 'DECIMAL' || isInteger(given))) {
        const text = formatDecimal(unscaled, scale)
        return type.kind === 'decimal' ? text : floating(type, Number(text))
      }
      return typeof value === 'number' && type.kind !== 'decimal' ? floating(type, value) : null
    }
    default:
      return null
  }
}

/** The engine compares floats with floats: another number's digits are not the one that it means. */
function floating(type: PrimitiveType, value: number): number {
  return type.kind === 'float' ? Math.fround(value) : value
}

function isInteger(type: Ast): boolean {
  return ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'].includes(String(type['id']))
}

function whole(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : null
}

const DATE = /^\d{4}-\d{2}-\d{2}$/
const TIMESTAMP = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?$/
const INSTANT = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?\+00$/

/** `'2026-01-31'::DATE`, as the engine writes its values. */
function fromText(type: PrimitiveType, text: string, castType: string): LiteralValue | null {
  switch (type.kind) {
    case 'date':
      return castType === 'DATE' && DATE.test(text) ? text : null
    case 'time':
      return castType === 'TIME' ? text : null
    case 'timestamp':
      return castType === 'TIMESTAMP' && TIMESTAMP.test(text) ? text.replace(' ', 'T') : null
    case 'timestamptz':
      return castType === 'TIMESTAMP WITH TIME ZONE' && INSTANT.test(text)
        ? text.replace(' ', 'T').replace(/\+00$/, 'Z')
        : null
    case 'uuid':
      return castType === 'UUID' ? text : null
    case 'boolean':
      return castType === 'BOOLEAN' && (text === 't' || text === 'f') ? text === 't' : null
    case 'float':
    case 'double': {
      const value = castType === 'FLOAT' || castType === 'DOUBLE' ? Number(text) : Number.NaN
      return Number.isFinite(value) ? floating(type, value) : null
    }
    default:
      return null
  }
}
