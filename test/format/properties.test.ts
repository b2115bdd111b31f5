import { describe, expect, test } from 'vitest'
import { InvalidConfigError } from '../../src/errors.ts'
import { boolProperty, intProperty, stringProperty, validateProperties } from '../../src/format/properties.ts'

describe('table properties', () => {
  // What PyIceberg 0.12 documents.
  test('have the defaults that other clients have', () => {
    expect(intProperty({}, 'commit.retry.num-retries')).toBe(4)
    expect(intProperty({}, 'commit.retry.min-wait-ms')).toBe(100)
    expect(intProperty({}, 'commit.retry.max-wait-ms')).toBe(60_000)
    expect(intProperty({}, 'commit.retry.total-timeout-ms')).toBe(1_800_000)
    expect(intProperty({}, 'commit.manifest.target-size-bytes')).toBe(8_388_608)
    expect(intProperty({}, 'commit.manifest.min-count-to-merge')).toBe(100)
    expect(boolProperty({}, 'commit.manifest-merge.enabled')).toBe(true)
    expect(intProperty({}, 'write.metadata.previous-versions-max')).toBe(100)
    expect(boolProperty({}, 'write.metadata.delete-after-commit.enabled')).toBe(false)
    expect(intProperty({}, 'write.target-file-size-bytes')).toBe(536_870_912)
    expect(stringProperty({}, 'write.metadata.metrics.default')).toBe('truncate(16)')
    expect(intProperty({}, 'history.expire.max-snapshot-age-ms')).toBe(432_000_000)
    expect(intProperty({}, 'history.expire.min-snapshots-to-keep')).toBe(1)
    expect(stringProperty({}, 'write.parquet.compression-codec')).toBe('zstd')
    expect(boolProperty({}, 'gc.enabled')).toBe(true)
  })

  test('are read as they are set, zero and false included', () => {
    expect(intProperty({ 'commit.retry.num-retries': '0' }, 'commit.retry.num-retries')).toBe(0)
    expect(intProperty({ 'commit.retry.num-retries': ' 7 ' }, 'commit.retry.num-retries')).toBe(7)
    expect(boolProperty({ 'gc.enabled': 'FALSE' }, 'gc.enabled')).toBe(false)
    expect(
      stringProperty({ 'write.parquet.compression-codec': 'SNAPPY' }, 'write.parquet.compression-codec'),
    ).toBe('snappy')
  })

  test('beyond the safe integers mean no limit', () => {
    const key = 'history.expire.max-ref-age-ms'
    expect(intProperty({ [key]: '9223372036854775807' }, key)).toBe(Number.MAX_SAFE_INTEGER)
    expect(intProperty({}, key)).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('are never taken from an object’s prototype', () => {
    const inherited: Record<string, string> = Object.create({ 'gc.enabled': 'false' })
    expect(boolProperty(inherited, 'gc.enabled')).toBe(true)
  })

  test.each([
    ['commit.retry.num-retries', 'many'],
    ['commit.retry.num-retries', '-1'],
    ['commit.retry.num-retries', '1.5'],
    ['commit.retry.num-retries', ''],
    ['commit.manifest.min-count-to-merge', '0'],
    ['commit.manifest-merge.enabled', 'yes'],
    ['write.parquet.compression-codec', 'rar'],
    ['write.parquet.compression-level', '99'],
    ['write.metadata.metrics.default', 'some'],
    ['write.metadata.metrics.column.a', 'truncate(0)'],
    ['write.parquet.bloom-filter-enabled.column.a', '1'],
    ['write.delete.mode', 'delete'],
  ])('refuse %s = %s', (key, value) => {
    expect(validateProperties({ [key]: value, mine: 'x' })).toEqual([{ key, reason: expect.any(String) }])
    expect(validateProperties({ [key]: value })[0]?.reason).not.toContain('undefined')
  })

  test('of the user’s own pass', () => {
    expect(
      validateProperties({
        owner: '',
        'commit.retry.other': 'x',
        'write.metadata.metrics.column.a': 'full',
        'write.parquet.bloom-filter-enabled.column.a': 'true',
        'write.delete.mode': 'merge-on-read',
      }),
    ).toEqual([])
  })

  test('that are wrong in a table name their key when they are needed', () => {
    const read = () => intProperty({ 'commit.retry.num-retries': 'many' }, 'commit.retry.num-retries')
    expect(read).toThrow(InvalidConfigError)
    expect(read).toThrow(/commit\.retry\.num-retries/)
    try {
      read()
    } catch (error) {
      expect(error).toMatchObject({ path: 'commit.retry.num-retries' })
    }
  })
})
