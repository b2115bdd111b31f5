/** Few rows by the partitions that they belong to, in the table's order. */
import { findField, type Schema } from '../../format/schema.ts'
import { transformFunction } from '../../format/transforms/apply.ts'
import { canTransform, transformResultType, type Transform } from '../../format/transforms/transform.ts'
import { isPrimitive, type Datum, type PrimitiveType } from '../../format/types.ts'
import { bytesToHex } from '../../format/values/bytes.ts'
import { compareDatum } from '../../format/values/literal.ts'
import type { WriteRequest } from '../data-plane.ts'
import { checkHolds } from './partition-values.ts'
import type { Block } from './column-data.ts'
import type { SmallColumn, SmallLayout, SmallNode } from './small-layout.ts'
import { datumOf } from './small-metrics.ts'
import { smallValues, type LeafValues } from './small-values.ts'
import { takeRows } from './take-rows.ts'

/** Rows of one partition, in the order in which they are to be stored. */
export interface SmallPart {
  readonly partition: readonly (Datum | null)[]
  readonly block: Block
}

/** A transformed column. */
interface Key {
  readonly column: SmallColumn
  readonly fieldId: number
  readonly source: PrimitiveType
  readonly transform: Transform
}

/** How rows are told apart and put in order. */
export interface SmallParting {
  /** By field of the spec; null for one that is null in every row. */
  readonly partition: readonly (Key | null)[]
  readonly order: readonly Key[]
}

/** null where only the engine can. */
export function smallParting(request: WriteRequest, layout: SmallLayout): SmallParting | null {
  const { schema, spec, sortOrder, zOrder = [] } = request
  if (zOrder.length > 0) return null
  const partition = spec.fields.map((field) =>
    field.transform.kind === 'void' ? null : keyOf(schema, layout, field),
  )
  const order = sortOrder.fields.map((field) => keyOf(schema, layout, field))
  // Of zeros of both signs, which are one value, the engine decides which is a partition's.
  if (partition.some((key) => key === undefined || isFloating(key?.source))) return null
  const keys = order.filter((key) => key !== undefined)
  if (keys.length < order.length) return null
  return { partition: partition.map((key) => key ?? null), order: keys }
}

function isFloating(type: PrimitiveType | undefined): boolean {
  return type?.kind === 'float' || type?.kind === 'double'
}

function keyOf(
  schema: Schema,
  { columns }: SmallLayout,
  { sourceId, transform }: { readonly sourceId: number; readonly transform: Transform },
): Key | undefined {
  const source = findField(schema, sourceId)?.type
  if (source === undefined || !isPrimitive(source) || transform.kind === 'unknown') return undefined
  if (source.kind === 'unknown' || !canTransform(transform, source)) return undefined
  const column = columns.find(({ node }) => hasLeaf(node, sourceId))
  return column === undefined ? undefined : { column, fieldId: sourceId, source, transform }
}

/** Not one of many inside a list or map. */
function hasLeaf(node: SmallNode, id: number): boolean {
  if (node.kind === 'leaf') return node.id === id
  return node.kind === 'struct' && node.members.some((member) => hasLeaf(member.node, id))
}

/** The rows of a block by partition; null for so many partitions that they are the engine's. */
export function smallParts(
  request: WriteRequest,
  { partition, order }: SmallParting,
  block: Block,
  atMost: number,
): readonly SmallPart[] | null {
  if (partition.length === 0 && order.length === 0) return [{ partition: [], block }]
  const tuples = partition.map((key) => (key === null ? null : keyValues(key, block)))
  const parts = new Map<string, number[]>()
  for (const row of inOrder(request, order, block)) {
    const name = tuples.map((values) => textOf(values?.[row] ?? null)).join(',')
    const rows = parts.get(name)
    if (rows !== undefined) rows.push(row)
    else if (parts.size === atMost) return null
    else parts.set(name, [row])
  }
  return [...parts.values()].map((rows) => {
    const tuple = tuples.map((values) => values?.[rows[0] ?? 0] ?? null)
    for (const [at, value] of tuple.entries()) {
      const field = request.spec.fields[at]
      if (value !== null && field !== undefined) checkHolds(request.schema, field, value)
    }
    return { partition: tuple, block: takeRows(block, rows) }
  })
}

function keyValues({ column, fieldId, source, transform }: Key, block: Block): readonly (Datum | null)[] {
  const leaves: LeafValues[] = []
  const data = block.columns[column.at]
  if (data !== undefined) smallValues(column.node, data, block.rows, leaves)
  const apply = transformFunction(transform, source)
  const values = leaves.find(({ leaf }) => leaf.id === fieldId)?.values ?? []
  return values.map((value) => (value === null ? null : apply(datumOf(source, value))))
}

/** Equal for equal values alone. */
function textOf(value: Datum | null): string {
  if (value === null) return ''
  return value instanceof Uint8Array ? `x${bytesToHex(value)}` : JSON.stringify(String(value))
}

/** The numbers of a block's rows in the table's order; those that are equal stay as they came. */
function inOrder(request: WriteRequest, order: readonly Key[], block: Block): readonly number[] {
  const rows = Array.from({ length: block.rows }, (_, row) => row)
  if (order.length === 0) return rows
  const terms = order.map((key, at) => {
    const { direction, nullOrder } = request.sortOrder.fields[at] ?? {}
    const type = transformResultType(key.transform, key.source)
    const values = keyValues(key, block)
    const sign = direction === 'desc' ? -1 : 1
    const nullsAre = nullOrder === 'nulls-first' ? -1 : 1
    return (a: number, b: number): number => {
      const [left, right] = [values[a] ?? null, values[b] ?? null]
      if (left === null || right === null) {
        return left === right ? 0 : left === null ? nullsAre : -nullsAre
      }
      return sign * compareDatum(type, left, right)
    }
  })
  return rows.sort((a, b) => {
    for (const term of terms) {
      const found = term(a, b)
      if (found !== 0) return found
    }
    return 0
  })
}
