/** Columns of rows as arrays of values, which is what the encoder of small files takes. */
import type { PrimitiveType } from '../../format/types.ts'
import { hasValue, type BytesColumn, type ColumnData, type FixedColumn } from './column-data.ts'
import { EngineError } from '../../errors.ts'
import type { SmallLeaf, SmallMember, SmallNode } from './small-layout.ts'

/** A value as it is stored: texts and UUIDs as bytes, times and decimals as whole numbers. */
export type StoredValue = boolean | number | bigint | Uint8Array

/** What the elements of a column are; structs as objects, maps as arrays of entries. */
export type SmallValue =
  StoredValue | null | readonly SmallValue[] | { readonly [member: string]: SmallValue }

/** The values of a leaf column: for one inside lists, of all their elements. */
export interface LeafValues {
  readonly leaf: SmallLeaf
  readonly values: readonly (StoredValue | null)[]
}

/** The first `count` elements of a column; what its leaves hold is added to `leaves`, in the file's order. */
export function smallValues(
  node: SmallNode,
  column: ColumnData,
  count: number,
  leaves: LeafValues[],
): readonly SmallValue[] {
  switch (node.kind) {
    case 'leaf': {
      const values = leafValues(node.type, column, count)
      leaves.push({ leaf: node, values })
      return values
    }
    case 'struct':
      return structValues(node.members, column, count, leaves)
    case 'list':
      return listValues(column, count, (child, length) => smallValues(node.element, child, length, leaves))
    case 'map': {
      const entry: readonly SmallMember[] = [
        { name: 'key', node: node.key },
        { name: 'value', node: node.value },
      ]
      return listValues(column, count, (child, length) => structValues(entry, child, length, leaves))
    }
  }
}

function structValues(
  members: readonly SmallMember[],
  column: ColumnData,
  count: number,
  leaves: LeafValues[],
): readonly SmallValue[] {
  if (column.kind !== 'struct') throw misfit()
  const columns = members.map(({ node }, at) => {
    const child = column.children[at]
    if (child === undefined) throw misfit()
    return smallValues(node, child, count, leaves)
  })
  return Array.from({ length: count }, (_, index) => {
    if (!hasValue(column, index)) return null
    // Without a prototype any name is only a name.
    const struct: { [member: string]: SmallValue } = Object.create(null)
    for (const [at, { name }] of members.entries()) struct[name] = columns[at]?.[index] ?? null
    return struct
  })
}

function listValues(
  column: ColumnData,
  count: number,
  elementsOf: (child: ColumnData, length: number) => readonly SmallValue[],
): readonly SmallValue[] {
  if (column.kind !== 'list') throw misfit()
  const { offsets } = column
  const elements = elementsOf(column.child, offsets[count] ?? 0)
  return Array.from({ length: count }, (_, index) =>
    hasValue(column, index) ? elements.slice(offsets[index], offsets[index + 1]) : null,
  )
}

function leafValues(type: PrimitiveType, column: ColumnData, count: number): readonly (StoredValue | null)[] {
  if (type.kind === 'unknown') return Array.from({ length: count }, () => null)
  if (column.kind !== 'fixed' && column.kind !== 'bytes') throw misfit()
  const valueAt = column.kind === 'fixed' ? fixedReader(type, column) : bytesReader(column)
  const values: (StoredValue | null)[] = []
  for (let i = 0; i < count; i++) values.push(hasValue(column, i) ? valueAt(i) : null)
  return values
}

function bytesReader({ bytes, offsets }: BytesColumn): (index: number) => StoredValue {
  return (index) => bytes.subarray(offsets[index], offsets[index + 1])
}

/** Values as the builders of columns have laid them out. */
function fixedReader(type: PrimitiveType, { bytes, width }: FixedColumn): (index: number) => StoredValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (type.kind) {
    case 'boolean':
      return (index) => view.getUint8(index) === 1
    case 'int':
    case 'date':
      return (index) => view.getInt32(index * 4, true)
    case 'float':
      return (index) => view.getFloat32(index * 4, true)
    case 'double':
      return (index) => view.getFloat64(index * 8, true)
    case 'uuid':
      return (index) => uuidBytes(view, index * 16)
    case 'decimal':
      return wholeReader(view, width)
    default:
      return (index) => view.getBigInt64(index * 8, true)
  }
}

/** Unscaled decimals, in the narrowest of four widths. */
function wholeReader(view: DataView, width: number): (index: number) => bigint {
  switch (width) {
    case 2:
      return (index) => BigInt(view.getInt16(index * 2, true))
    case 4:
      return (index) => BigInt(view.getInt32(index * 4, true))
    case 8:
      return (index) => view.getBigInt64(index * 8, true)
    default:
      return (index) => (view.getBigInt64(index * 16 + 8, true) << 64n) | view.getBigUint64(index * 16, true)
  }
}

/** DuckDB keeps a UUID as a number, its first bit flipped. */
function uuidBytes(view: DataView, offset: number): Uint8Array {
  const bytes = new Uint8Array(16)
  const target = new DataView(bytes.buffer)
  target.setBigUint64(0, view.getBigUint64(offset + 8, true) ^ (1n << 63n))
  target.setBigUint64(8, view.getBigUint64(offset, true))
  return bytes
}

function misfit(): EngineError {
  return new EngineError('a column of rows has not the layout of its type')
}
