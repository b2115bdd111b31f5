/** floeberg: Apache Iceberg tables from TypeScript. */
export {
  IcebergTableManager,
  openTable,
  type ConnectManagerOptions,
  type OpenedTable,
  type OpenOptions,
  type OpenTableOptions,
} from './compose.ts'
export { managerConfigSchema } from './manager/config-schema.ts'
export type { ManagerConfig, PropertyInput } from './manager/config-schema.ts'
export type {
  CatalogPlugin,
  ConnectOptions,
  EnginePlugin,
  ObjectStoreRequest,
  StoragePlugin,
} from './manager/plugins.ts'
export type { SchemaInput, SnapshotInfo, TableConfig } from './manager/models.ts'
export { tableConfigSchema } from './manager/models.ts'
export type { TableConfigFromData } from './manager/infer-schema.ts'
export type { CreateTableOptions } from './manager/create-table.ts'
export type { EvolveOptions, EvolveSchemaOptions, SchemaPlan } from './manager/evolve.ts'
export type { PartitionChange, SortField } from './manager/layout-changes.ts'
export { partitionChangeSchema } from './manager/layout-changes.ts'
export type { SchemaChange, TypeInput } from './manager/schema-changes.ts'
export { schemaChangeSchema } from './manager/schema-changes.ts'
export type { WriteDataOptions, WriteDataResult, WriteMode } from './manager/write-data.ts'
export type {
  OverwriteOptions,
  PlannedFile,
  ReplacingWriteOptions,
  RowChangeOptions,
  RowChangePlan,
  RowChangeResult,
  UpsertOptions,
  WriteOptions,
} from './manager/row-change-options.ts'
export type { FileAction, FileDecision } from './table/operations/file-action.ts'
export type { Isolation } from './table/operations/row-change.ts'
export type { ArrowTable, DataInput, Paths } from './manager/sources.ts'
export type { SchemaSource } from './manager/infer-schema.ts'
export type { Plan, PlanResult, PlanResults } from './manager/execute-plan.ts'
export type { ExecuteOptions, MaintenancePlan, MaintenanceProgress } from './maintenance/plan.ts'
export type { ExpireSnapshotsOptions } from './manager/retention-operations.ts'
export type { ExecuteExpireOptions, ExpireResult, SkippedItem } from './maintenance/expire.ts'
export type { ExpiryScope, PlanExpireOptions } from './maintenance/plan-expire.ts'
export type {
  ExpirePlan,
  FileTotal,
  FileTotals,
  PlannedFiles,
  PlannedSnapshot,
} from './maintenance/expire-plan.ts'
export type {
  RetentionLimits,
  RetentionRules,
  RetentionSource,
} from './format/metadata/snapshot-retention.ts'
export type { ExpiryChoice } from './maintenance/expire-rules.ts'
export type { OrphanFilesOptions } from './maintenance/orphan-files.ts'
export type { OrphanFile, OrphanFilesPlan, OrphanSharing, PrefixMismatch } from './maintenance/orphan-plan.ts'
export type { OrphanFilesResult, SkippedOrphan } from './maintenance/execute-orphans.ts'
export type { EqualNames, FormOptions } from './maintenance/location-forms.ts'
export type { RepairOptions, RepairResult } from './maintenance/repair.ts'
export type { RepairPlan, TableVersion } from './maintenance/repair-plan.ts'
export type { RelocateOptions } from './maintenance/relocate.ts'
export type { RelocatePlan, RelocationTotals } from './maintenance/relocate-plan.ts'
export type { RelocateResult } from './maintenance/execute-relocate.ts'
export type { Bounds, RetentionSettings } from './table/runtime.ts'
export type { PurgeResult } from './maintenance/purge.ts'
export type {
  CompactionOptions,
  RewriteManifestsOptions,
  RewritePositionDeletesOptions,
} from './manager/compaction-operations.ts'
export type {
  ManifestsGroup,
  PlannedManifest,
  RewriteManifestsChoices,
  RewriteManifestsPlan,
  RewriteManifestsResult,
} from './maintenance/manifests-plan.ts'
export type {
  PlannedDeleteFile,
  PositionDeletesGroup,
  RewritePositionDeletesChoices,
  RewritePositionDeletesPlan,
} from './maintenance/position-deletes-plan.ts'
export type { RewritePositionDeletesResult } from './maintenance/rewrite-position-deletes.ts'
export type {
  CompactionChoices,
  CompactionStrategy,
  RewriteJobOrder,
} from './maintenance/compaction-options.ts'
export type {
  CompactionFile,
  CompactionGroup,
  CompactionPlan,
  CompactionSettings,
  PlannedSortField,
} from './maintenance/compaction-plan.ts'
export type { CompactionResult, CompactOptions } from './maintenance/compact.ts'
export type { SchemaVersion } from './table/schema-history.ts'
export type { SchemaDifference } from './format/evolution/schema-diff.ts'
export type {
  ComparedColumn,
  OptionalityMismatch,
  SchemaComparison,
  TypeMismatch,
} from './format/evolution/compare-schemas.ts'
export { ManageSnapshots } from './manager/manage-snapshots.ts'
export type {
  BranchOptions,
  ManageSnapshotsCommitOptions,
  ManageSnapshotsResult,
  RefTargetOptions,
  RollbackOptions,
} from './manager/manage-snapshots.ts'
export type { BranchRetention, TagRetention } from './manager/ref-options.ts'
export type { RollbackResult, RollbackToSnapshotOptions } from './manager/rollback.ts'
export type { PickResult, RefChange } from './table/operations/manage-snapshots.ts'
export type { Table, TableCreation } from './table/table.ts'
export type { FileFormat, Scan, ScanOptions, ToFileOptions } from './table/scan.ts'
export type { EngineConnection, ScanView } from './engine/scan-views.ts'
export type { ExportOptions, ExportResult } from './manager/export-table.ts'
export type { TableOpening } from './table/find-metadata.ts'
export type { SqlOptions, SqlResult } from './manager/run-sql.ts'
export type { SqlParameter, SqlParameters } from './engine/sql.ts'
export type { AddFilesOptions, AddFilesResult } from './manager/add-files.ts'
export type { ScanPlan, ScanReport } from './table/plan.ts'
export type { TimeTravel } from './table/time-travel.ts'
export type { AppendRangeOptions } from './table/append-range.ts'
export type {
  ColumnMetrics,
  FileRow,
  HistoryRow,
  InspectOptions,
  ManifestRow,
  PartitionRow,
  RefRow,
  SnapshotRow,
  TableInspect,
} from './table/inspect.ts'
export type { CommitStrategy } from './table/operations/append.ts'
export type { PropertyChanges } from './table/operations/update-properties.ts'
export type { CommitOptions } from './table/commit.ts'
export type { CommitRetryOptions } from './table/retry-policy.ts'
export type { Clock, CommitPolicy, Random } from './table/runtime.ts'
export type { NamespaceReference, TableReference } from './table/identifier.ts'
export { t, table } from './format/schema-builder.ts'
export type {
  Column,
  Columns,
  DeclaredSchema,
  RowIn,
  RowOut,
  StructIn,
  StructOut,
  TimestampIn,
} from './format/schema-builder.ts'
export {
  alwaysFalse,
  alwaysTrue,
  and,
  eq,
  gt,
  gte,
  isIn,
  isNaN,
  isNull,
  lt,
  lte,
  not,
  notEq,
  notIn,
  notNaN,
  notNull,
  notStartsWith,
  or,
  startsWith,
} from './format/expressions/expression.ts'
export type { Expression, LiteralValue } from './format/expressions/expression.ts'
export { parseExpression } from './format/expressions/parse.ts'
export type { Schema } from './format/schema.ts'
export type { NestedField, Type } from './format/types.ts'
export type { Row, Value } from './format/values/value.ts'
export type { Snapshot, SnapshotRef } from './format/snapshot.ts'
export type { TableMetadata } from './format/metadata/table-metadata.ts'
export { Secret } from './secret.ts'
export type { Logger } from './telemetry.ts'
export * from './errors.ts'
export type {
  StepOptions,
  Transaction,
  TransactionOptions,
  TransactionResult,
} from './manager/transaction.ts'
