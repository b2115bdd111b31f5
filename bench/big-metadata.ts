/** A metadata file with a long history, as text. */

/** A table's file after so many appends, as PyIceberg writes it. */
export function bigDocument(count: number): string {
  const snapshots: string[] = []
  const log: string[] = []
  let id = 42n
  let parent = ''
  for (let i = 1; i <= count; i++) {
    id = (id * 6364136223846793005n + 1442695040888963407n) & ((1n << 63n) - 1n)
    const time = 1_700_000_000_000 + i * 1000
    const uuid = `${id.toString(16).padStart(16, '0')}-${(id ^ 0x5555n).toString(16).padStart(16, '0')}`
    snapshots.push(
      `{"snapshot-id":${id},${parent}"sequence-number":${i},"timestamp-ms":${time},` +
        `"manifest-list":"s3://warehouse/db/t-9c12d441/metadata/snap-${id}-0-${uuid}.avro",` +
        `"summary":{"operation":"append","added-files-size":"${100_000 + (i % 977)}","added-data-files":"1",` +
        `"added-records":"${1000 + (i % 97)}","changed-partition-count":"1","total-data-files":"${i}",` +
        `"total-delete-files":"0","total-records":"${i * 1000}","total-files-size":"${i * 100_500}",` +
        `"total-position-deletes":"0","total-equality-deletes":"0"},"schema-id":0}`,
    )
    log.push(`{"snapshot-id":${id},"timestamp-ms":${time}}`)
    parent = `"parent-snapshot-id":${id},`
  }
  return (
    `{"location":"s3://warehouse/db/t-9c12d441","table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1",` +
    `"last-updated-ms":${1_700_000_000_000 + count * 1000},"last-column-id":1,"schemas":[{"type":"struct",` +
    `"fields":[{"id":1,"name":"id","type":"long","required":true}],"schema-id":0}],"current-schema-id":0,` +
    `"partition-specs":[{"spec-id":0,"fields":[]}],"default-spec-id":0,"last-partition-id":999,"properties":{},` +
    `"current-snapshot-id":${id},"snapshots":[${snapshots.join(',')}],"snapshot-log":[${log.join(',')}],` +
    `"metadata-log":[],"sort-orders":[{"order-id":0,"fields":[]}],"default-sort-order-id":0,` +
    `"refs":{"main":{"snapshot-id":${id},"type":"branch"}},"format-version":2,"last-sequence-number":${count}}`
  )
}
