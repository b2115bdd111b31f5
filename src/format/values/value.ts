/** Column values as users see them; conversion to and from `Datum` lives here. */

/**
 * A column value handed out:
 *
 * | type | value |
 * | --- | --- |
 * | boolean | boolean |
 * | int, float, double | number |
 * | long | bigint |
 * | decimal | string, exact, with the scale's digits |
 * | string; uuid (lower-case, dashed) | string |
 * | fixed, binary | Uint8Array |
 * | date | `YYYY-MM-DD` |
 * | time | `HH:MM:SS.ffffff` |
 * | timestamp, timestamp_ns | ISO 8601 without zone, `2026-01-31T12:00:00.000000` |
 * | timestamptz, timestamptz_ns | ISO 8601 in UTC, `2026-01-31T12:00:00.000000Z` |
 * | struct | object | 
 * | list | array |
 * | map | Map; an array of [key, value] when keys are not primitive |
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | readonly Value[]
  | ReadonlyMap<Value, Value>
  | { readonly [field: string]: Value }

/** A row by column name. A missing key is null. */
export type Row = { readonly [column: string]: Value }
