"""PyIceberg over JSON lines, see json_lines.py. Values are exact JSON, see values.py.

    python pyiceberg_server.py CATALOG_URI WAREHOUSE_URI

The catalog is `c`. Tables are named `namespace.name`. Every op is a function below.
"""

import sys

from json_lines import claim_stdout, serve

answers = claim_stdout()

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from pyiceberg.catalog.sql import SqlCatalog  # noqa: E402
from pyiceberg.exceptions import CommitFailedException  # noqa: E402
from pyiceberg.expressions import AlwaysTrue  # noqa: E402
from pyiceberg.partitioning import PartitionField, PartitionSpec  # noqa: E402
from pyiceberg.schema import Schema  # noqa: E402
from pyiceberg.transforms import parse_transform  # noqa: E402
from values import decode_table, encode_python, encode_table  # noqa: E402

catalog = SqlCatalog("c", uri=sys.argv[1], warehouse=sys.argv[2])


# --- the catalog ----------------------------------------------------------------------------


def list_namespaces(parent=()):
    return [list(namespace) for namespace in catalog.list_namespaces(tuple(parent))]


def list_tables(namespace):
    return [".".join(identifier) for identifier in catalog.list_tables(namespace)]


def create_namespace(namespace, properties=None):
    catalog.create_namespace(namespace, properties or {})


def create_table(table, schema, partition=(), properties=None, location=None):
    """`partition` is a list of {source, transform, name}."""
    schema_ = Schema.model_validate(schema)
    fields = [
        PartitionField(
            schema_.find_field(field["source"]).field_id,
            1000 + i,
            parse_transform(field["transform"]),
            field["name"],
        )
        for i, field in enumerate(partition)
    ]
    created = catalog.create_table(
        table, schema_, location=location, partition_spec=PartitionSpec(*fields), properties=properties or {}
    )
    return describe(created)


def load_table(table):
    return describe(catalog.load_table(table))


def drop_table(table):
    catalog.drop_table(table)


def rename_table(table, to):
    catalog.rename_table(table, to)


def describe(table):
    return {
        "metadata_location": table.metadata_location,
        "location": table.location(),
        "uuid": str(table.metadata.table_uuid),
        "format_version": table.format_version,
        "schema": table.schema().model_dump(mode="json", by_alias=True, exclude_none=True),
        "spec": table.spec().model_dump(mode="json", by_alias=True),
        "properties": dict(table.properties),
    }


# --- reading --------------------------------------------------------------------------------


def scan_of(table, filter=None, select=("*",), snapshot_id=None, ref=None, limit=None):
    scan = catalog.load_table(table).scan(
        row_filter=filter or AlwaysTrue(),
        selected_fields=tuple(select),
        snapshot_id=int(snapshot_id) if snapshot_id else None,
        limit=limit,
    )
    return scan.use_ref(ref) if ref else scan


def scan(**options):
    """`filter` is PyIceberg's own text; snapshot ids are strings."""
    return encode_table(scan_of(**options).to_arrow())


def count(**options):
    return scan_of(**options).count()


def aggregate(sums=(), group=None, **options):
    """Row count and exact sums, as a check of large tables; by the values of `group` if given."""
    columns = list(sums) + ([group] if group else [])
    rows = scan_of(select=columns or ["*"], **options).to_arrow()
    measures = [([], "count_all")] + [(name, "sum") for name in sums]
    result = pa.TableGroupBy(rows, [group] if group else []).aggregate(measures)
    return encode_table(result)


def plan_files(**options):
    """The data files that a scan would open."""
    return sorted(task.file.file_path for task in scan_of(**options).plan_files())


def entries(table):
    """Live data and delete files of the current snapshot, numbers inherited, bounds in bytes."""
    loaded = catalog.load_table(table)
    snapshot = loaded.current_snapshot()
    if snapshot is None:
        return []
    return [
        entry_of(entry)
        for manifest in snapshot.manifests(loaded.io)
        for entry in manifest.fetch_manifest_entry(loaded.io)
    ]


def entry_of(entry):
    file = entry.data_file
    maps = ("value_counts", "null_value_counts", "nan_value_counts")
    return {
        "status": encode_python(int(entry.status)),
        "snapshot_id": encode_python(entry.snapshot_id),
        "sequence_number": encode_python(entry.sequence_number),
        "file_path": file.file_path,
        "spec_id": encode_python(file.spec_id),
        "record_count": encode_python(file.record_count),
        "file_size_in_bytes": encode_python(file.file_size_in_bytes),
        "partition": [encode_python(value) for value in file.partition],
        **{name: {str(k): f"i:{v}" for k, v in (getattr(file, name) or {}).items()} for name in maps},
        "lower_bounds": {str(k): v.hex() for k, v in (file.lower_bounds or {}).items()},
        "upper_bounds": {str(k): v.hex() for k, v in (file.upper_bounds or {}).items()},
    }


def misplaced_rows(table):
    """Every file is opened as plain Parquet, and PyIceberg's own transform of every row's source
    value compared with the file's partition tuple. What does not agree comes back."""
    loaded = catalog.load_table(table)
    wrong = []
    checked = 0
    for task in loaded.scan().plan_files():
        spec = loaded.specs()[task.file.spec_id]
        rows = pq.ParquetFile(task.file.file_path.removeprefix("file://")).read()
        for position, field in enumerate(spec.fields):
            source = loaded.schema().find_field(field.source_id)
            transform = field.transform.transform(source.field_type)
            expected = task.file.partition[position]
            for scalar in rows.column(source.name):
                checked += 1
                value = transform(internal(scalar))
                if value != expected:
                    wrong.append([task.file.file_path, field.name, repr(value), repr(expected)])
    return {"checked": checked, "wrong": wrong}


def internal(scalar):
    """A pyarrow value as PyIceberg's transforms take it: dates and times as integers."""
    if not scalar.is_valid:
        return None
    type_ = scalar.type
    if pa.types.is_temporal(type_):
        return scalar.value
    return scalar.as_py()


def read_parquet(path):
    """A file as any Parquet reader sees it: its columns' physical form, and its rows."""
    file = pq.ParquetFile(path)
    columns = []
    for i in range(len(file.schema)):
        column = file.schema.column(i)
        columns.append(
            {
                "path": column.path,
                "physical": column.physical_type,
                "logical": str(column.logical_type),
                "length": column.length,
            }
        )
    ids = {field.name: (field.metadata or {}).get(b"PARQUET:field_id", b"").decode() for field in file.schema_arrow}
    return {"columns": columns, "ids": ids, "rows": encode_table(file.read())}


def read_avro(path):
    """A file as any Avro reader sees it: the writer's schema, the header's keys, the records."""
    import json

    import fastavro

    with open(path, "rb") as source:
        reader = fastavro.reader(source)
        header = {key: value for key, value in reader.metadata.items()}
        records = [plain(record) for record in reader]
    return {"schema": json.loads(header.pop("avro.schema")), "header": header, "records": records}


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if type(value).__module__ == "datetime":
        return f"{type(value).__name__}:{value.isoformat()}"
    return encode_python(value)


# --- writing --------------------------------------------------------------------------------


def append(table, rows, properties=None):
    loaded = catalog.load_table(table)
    loaded.append(decode_table(rows, loaded.schema().as_arrow()), snapshot_properties=properties or {})


def append_parquet(table, path):
    loaded = catalog.load_table(table)
    loaded.append(pq.read_table(path).cast(loaded.schema().as_arrow()))


def write_plain_parquet(table, rows, path):
    """Rows of the table's types as a file without field ids, as whoever does not know Iceberg writes it."""
    arrow = decode_table(rows, catalog.load_table(table).schema().as_arrow())
    fields = [pa.field(field.name, plain_type(field.type), field.nullable) for field in arrow.schema]
    pq.write_table(arrow.cast(pa.schema(fields)), path, store_schema=False)


def plain_type(type):
    if pa.types.is_large_string(type):
        return pa.string()
    if pa.types.is_large_binary(type):
        return pa.binary()
    if pa.types.is_struct(type):
        return pa.struct([pa.field(field.name, plain_type(field.type), field.nullable) for field in type])
    if pa.types.is_map(type):
        return pa.map_(plain_type(type.key_type), pa.field("value", plain_type(type.item_type), type.item_field.nullable))
    if pa.types.is_list(type) or pa.types.is_large_list(type):
        return pa.list_(pa.field("element", plain_type(type.value_type), type.value_field.nullable))
    return type


def add_files(table, paths):
    catalog.load_table(table).add_files(paths)


def append_many(table, column, values):
    """One commit for each value, as a competing writer does it: reload and try again on conflict."""
    conflicts = 0
    for value in values:
        while True:
            loaded = catalog.load_table(table)
            rows = decode_table([{column: value}], loaded.schema().as_arrow())
            try:
                loaded.append(rows)
                break
            except CommitFailedException:
                conflicts += 1
    return {"conflicts": conflicts}


held = {}


def hold(table):
    """Keeps the state the table is in now, for `append_held`."""
    held[table] = catalog.load_table(table)


def append_held(table, rows):
    """Appends on the state that was held, whatever was committed since. False when it was refused."""
    loaded = held.pop(table)
    try:
        loaded.append(decode_table(rows, loaded.schema().as_arrow()))
        return True
    except CommitFailedException:
        return False


def overwrite(table, rows, filter):
    loaded = catalog.load_table(table)
    loaded.overwrite(decode_table(rows, loaded.schema().as_arrow()), overwrite_filter=filter)


def delete(table, filter):
    catalog.load_table(table).delete(filter)


# --- evolution and snapshots ----------------------------------------------------------------


def update_schema(table, changes):
    """`changes` are [method, arguments...] of PyIceberg's UpdateSchema; types by their name."""
    loaded = catalog.load_table(table)
    with loaded.update_schema(allow_incompatible_changes=True) as update:
        for method, *arguments in changes:
            getattr(update, method)(*[type_or_text(method, i, a) for i, a in enumerate(arguments)])
    return describe(loaded)


def type_or_text(method, position, argument):
    if method in ("add_column", "update_column") and position == 1:
        return Schema.model_validate(
            {"type": "struct", "fields": [{"id": 1, "name": "x", "required": False, "type": argument}]}
        ).fields[0].field_type
    return argument


def update_spec(table, add=(), remove=()):
    """`add` is a list of {source, transform, name}."""
    loaded = catalog.load_table(table)
    with loaded.update_spec() as update:
        for name in remove:
            update.remove_field(name)
        for field in add:
            update.add_field(field["source"], parse_transform(field["transform"]), field["name"])
    return describe(loaded)


def set_properties(table, properties):
    with catalog.load_table(table).transaction() as transaction:
        transaction.set_properties(properties)


def create_tag(table, name, snapshot_id):
    catalog.load_table(table).manage_snapshots().create_tag(int(snapshot_id), name).commit()


def create_branch(table, name, snapshot_id):
    catalog.load_table(table).manage_snapshots().create_branch(int(snapshot_id), name).commit()


def snapshots(table):
    """In the order of the metadata document."""
    return [
        {
            "snapshot_id": str(s.snapshot_id),
            "parent_id": None if s.parent_snapshot_id is None else str(s.parent_snapshot_id),
            "timestamp_ms": s.timestamp_ms,
            "operation": s.summary.operation.value if s.summary else None,
            "summary": dict(s.summary.additional_properties) if s.summary else {},
            "schema_id": s.schema_id,
            "sequence_number": s.sequence_number,
            "manifest_list": s.manifest_list,
        }
        for s in catalog.load_table(table).snapshots()
    ]


def refs(table):
    return {
        name: {"type": ref.snapshot_ref_type.value, "snapshot_id": str(ref.snapshot_id)}
        for name, ref in catalog.load_table(table).metadata.refs.items()
    }


OPERATIONS = (
    list_namespaces, list_tables, create_namespace, create_table, load_table, drop_table, rename_table,
    scan, count, aggregate, plan_files, entries, misplaced_rows, read_parquet, read_avro,
    append, append_parquet, write_plain_parquet, add_files, append_many, hold, append_held, overwrite, delete,
    update_schema, update_spec, set_properties, create_tag, create_branch, snapshots, refs,
)

serve({operation.__name__: operation for operation in OPERATIONS}, answers)
