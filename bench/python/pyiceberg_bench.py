"""PyIceberg's side of the measurements, over JSON lines (test/interop/python/json_lines.py).

    python pyiceberg_bench.py

Times are milliseconds of the call alone: neither making the rows nor the pipe is in them. Catalogs
are opened once for each URI, all under the name that floeberg's side uses.
"""

import sys
import time
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test" / "interop" / "python"))

from json_lines import claim_stdout, serve  # noqa: E402

answers = claim_stdout()

import pyarrow as pa  # noqa: E402
import pyarrow.ipc  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from pyiceberg.catalog.sql import SqlCatalog  # noqa: E402
from pyiceberg.schema import Schema  # noqa: E402

catalogs = {}
tables = {}


def catalog_of(uri, warehouse):
    if uri not in catalogs:
        catalogs[uri] = SqlCatalog("bench", uri=uri, warehouse=warehouse)
    return catalogs[uri]


def timed(call):
    start = time.perf_counter()
    result = call()
    return (time.perf_counter() - start) * 1000, result


def create_table(uri, warehouse, table, schema):
    """`schema` is the format's JSON."""
    catalog = catalog_of(uri, warehouse)
    catalog.create_namespace_if_not_exists(table.split(".")[0])
    tables[table] = catalog.create_table(table, Schema.model_validate(schema))


VALUES = {
    "long": lambda i: i,
    "int": lambda i: i % 1000,
    "double": lambda i: i / 3,
    "float": lambda i: float(i % 100),
    "string": lambda i: f"value {i}",
    "boolean": lambda i: i % 2 == 0,
    "date": lambda i: date(2024, 1, 1) + timedelta(days=i % 1000),
    "timestamp": lambda i: datetime(2024, 1, 1) + timedelta(seconds=i),
    "timestamptz": lambda i: datetime(2024, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=i),
    "decimal(9, 2)": lambda i: Decimal(i) / 4,
}


def one_row(table, i):
    columns = [[VALUES[str(field.field_type)](i)] for field in table.schema().fields]
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, table.schema().as_arrow())],
        schema=table.schema().as_arrow(),
    )


def append_rows(table, first, count):
    """One append for each row; the milliseconds of each."""
    handle = tables[table]
    elapsed = []
    for i in range(first, first + count):
        row = one_row(handle, i)
        elapsed.append(timed(lambda: handle.append(row))[0])
    return elapsed


def plan(uri, warehouse, table):
    handle = catalog_of(uri, warehouse).load_table(table)
    elapsed, files = timed(lambda: list(handle.scan().plan_files()))
    return {"ms": elapsed, "files": len(files)}


def to_arrow(uri, warehouse, table):
    handle = catalog_of(uri, warehouse).load_table(table)
    elapsed, rows = timed(lambda: handle.scan().to_arrow())
    return {"ms": elapsed, "rows": len(rows)}


def append_parquet(uri, warehouse, table, path):
    """Reading the file into memory is part of it: PyIceberg takes nothing else."""
    handle = catalog_of(uri, warehouse).load_table(table)
    return timed(lambda: handle.append(pq.read_table(path)))[0]


def upsert_parquet(uri, warehouse, table, path, join_cols):
    handle = catalog_of(uri, warehouse).load_table(table)
    elapsed, result = timed(lambda: handle.upsert(pq.read_table(path), join_cols=join_cols))
    return {"ms": elapsed, "updated": result.rows_updated, "inserted": result.rows_inserted}


def delete_rows(uri, warehouse, table, where):
    handle = catalog_of(uri, warehouse).load_table(table)
    return timed(lambda: handle.delete(where))[0]


def parquet_to_ipc(path, target):
    with pa.OSFile(target, "wb") as sink:
        rows = pq.read_table(path)
        with pyarrow.ipc.new_file(sink, rows.schema) as writer:
            writer.write_table(rows, max_chunksize=131_072)


serve(
    {
        name: globals()[name]
        for name in [
            "create_table",
            "append_rows",
            "plan",
            "to_arrow",
            "append_parquet",
            "upsert_parquet",
            "delete_rows",
            "parquet_to_ipc",
        ]
    },
    answers,
)
