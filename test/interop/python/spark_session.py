"""One small local Spark with an Iceberg catalog `c` on a SQLite file shared with others."""

import glob
import os
import time

CACHE = os.path.normpath(os.path.join(os.path.dirname(__file__), "../../../.cache/interop"))


def start(catalog_file, warehouse):
    """`catalog_file` is a path, `warehouse` a file: URI. The catalog is `c`, as it is for the others."""
    # Both are read by the JVM and by Python's own conversion of times.
    os.environ.update(SPARK_LOCAL_IP="127.0.0.1", SPARK_LOCAL_HOSTNAME="localhost", TZ="UTC")
    time.tzset()
    from pyspark.sql import SparkSession

    settings = {
        "spark.jars": ",".join(sorted(glob.glob(f"{CACHE}/jars/*.jar"))),
        "spark.driver.memory": "1g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.timezone=UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": f"{warehouse}/spark-internal",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.c": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.c.type": "jdbc",
        "spark.sql.catalog.c.uri": f"jdbc:sqlite:{catalog_file}",
        "spark.sql.catalog.c.jdbc.schema-version": "V1",
        "spark.sql.catalog.c.warehouse": warehouse,
        # With the cache it would not see the commits of others.
        "spark.sql.catalog.c.cache-enabled": "false",
        "spark.sql.defaultCatalog": "c",
    }
    builder = SparkSession.builder.master("local[2]").appName("floeberg-interop")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
