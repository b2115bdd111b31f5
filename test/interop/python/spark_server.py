"""Spark SQL over JSON lines, see json_lines.py.

    python spark_server.py CATALOG_FILE WAREHOUSE_URI

    sql       {"sql"}  ->  {"columns": [...], "rows": [{...}]}   values as values.py writes them
    appended  {"table", "start", "end"}  ->  the same, rows appended after one snapshot up to another
"""

import sys

from json_lines import claim_stdout, serve

answers = claim_stdout()  # before pyspark: the JVM inherits the stdout of this moment

import spark_session  # noqa: E402
from values import encode_table  # noqa: E402

spark = spark_session.start(sys.argv[1], sys.argv[2])


def sql(sql):
    frame = spark.sql(sql)
    return {"columns": frame.columns, "rows": encode_table(frame.toArrow()) if frame.columns else []}


def appended(table, start, end):
    options = {"start-snapshot-id": start, "end-snapshot-id": end}
    frame = spark.read.format("iceberg").options(**options).load(table)
    return {"columns": frame.columns, "rows": encode_table(frame.toArrow())}


serve({"sql": sql, "appended": appended}, answers)
