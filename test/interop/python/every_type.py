"""One schema of every version 2 type, rows that go to the edges, and every transform: shared by
the golden tables and the interop tests. The rows are exact JSON, see values.py."""

import json
import os

from pyiceberg.schema import Schema

with open(os.path.join(os.path.dirname(__file__), "every-type.json"), encoding="utf-8") as file:
    DOCUMENT = json.load(file)

SCHEMA = Schema.model_validate(DOCUMENT["schema"])
ROWS = DOCUMENT["rows"]
# What PyIceberg can write: those with a note it only reads.
TRANSFORMS = [(field["source"], field["transform"]) for field in DOCUMENT["transforms"] if "note" not in field]
