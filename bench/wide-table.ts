/** A table of 21 columns, and rows for it: a typical events table. */
import { table, t, type RowIn } from '../src/index.ts'

export const wide = table({
  id: t.long().required(),
  customer: t.long(),
  session: t.long(),
  amount: t.double(),
  tax: t.double(),
  discount: t.double(),
  latitude: t.double(),
  longitude: t.double(),
  score: t.float(),
  quantity: t.int(),
  status_code: t.int(),
  country: t.string(),
  city: t.string(),
  product: t.string(),
  channel: t.string(),
  note: t.string(),
  paid: t.boolean(),
  day: t.date(),
  ordered_at: t.timestamp(),
  received_at: t.timestamptz(),
  price: t.decimal(9, 2),
})

export function wideRow(i: number): RowIn<typeof wide> {
  const seconds = (s: number): string => String(s % 60).padStart(2, '0')
  return {
    id: BigInt(i),
    customer: BigInt(i * 7),
    session: BigInt(i * 13),
    amount: i / 3,
    tax: i / 7,
    discount: i / 11,
    latitude: i / 13,
    longitude: i / 17,
    score: i % 100,
    quantity: i % 1000,
    status_code: 200,
    country: `country ${i % 200}`,
    city: `city ${i}`,
    product: `product ${i}`,
    channel: `channel ${i % 5}`,
    note: `value ${i}`,
    paid: i % 2 === 0,
    day: '2024-01-01',
    ordered_at: `2024-01-01T00:00:${seconds(i)}`,
    received_at: `2024-01-01T00:00:${seconds(i)}Z`,
    price: '12.25',
  }
}
