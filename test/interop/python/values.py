"""Column values as exact JSON, the same text from every engine.

Every value but a float is a string with a letter that tells its type, so that the integer 1, the
string '1' and the decimal 1 are never taken for each other:

    boolean   true / false           time       "T:" microseconds of the day
    int, long "i:1"                  timestamp  "t:" microseconds (or "n:" nanoseconds) from 1970
    float     1.5, "f:NaN", "f:-0"   tz         "z:" microseconds (or "Z:" nanoseconds) from 1970 UTC
    decimal   "d:1.20"               string     "s:..."
    date      "D:" days from 1970    uuid       "u:" dashed, lower case
    fixed, binary  "b:" hexadecimal  null       null

    struct -> object, list -> array, map -> array of [key, value], sorted by the key's JSON text
"""

import json
import math
import uuid
from decimal import Decimal

import pyarrow as pa


def encode_float(value):
    if math.isnan(value):
        return "f:NaN"
    if math.isinf(value):
        return "f:Infinity" if value > 0 else "f:-Infinity"
    if value == 0 and math.copysign(1, value) < 0:
        return "f:-0"
    return value


def decode_float(value):
    return float(value[2:]) if isinstance(value, str) else float(value)


def encode_scalar(scalar):
    """One pyarrow scalar of any type."""
    type_ = scalar.type
    if isinstance(type_, pa.BaseExtensionType):
        return encode_extension(scalar)
    if not scalar.is_valid:
        return None
    if pa.types.is_struct(type_):
        return {field.name: encode_scalar(scalar[i]) for i, field in enumerate(type_)}
    if pa.types.is_map(type_):
        pairs = [[encode_scalar(entry[0]), encode_scalar(entry[1])] for entry in scalar.values]
        return sorted(pairs, key=lambda pair: json.dumps(pair[0], ensure_ascii=False, separators=(",", ":")))
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return [encode_scalar(element) for element in scalar.values]
    return encode_primitive(scalar, type_)


def encode_extension(scalar):
    if not scalar.is_valid:
        return None
    if str(scalar.type) == "extension<arrow.uuid>":
        return "u:" + str(uuid.UUID(bytes=scalar.value.as_py()))
    raise TypeError(f"no exact JSON for {scalar.type}")


def encode_primitive(scalar, type_):
    if pa.types.is_boolean(type_):
        return scalar.as_py()
    if pa.types.is_integer(type_):
        return f"i:{scalar.as_py()}"
    if pa.types.is_floating(type_):
        return encode_float(scalar.as_py())
    if pa.types.is_decimal(type_):
        return f"d:{scalar.as_py():f}"
    if pa.types.is_date32(type_):
        return f"D:{scalar.value}"
    if pa.types.is_time64(type_):
        return f"T:{scalar.value if type_.unit == 'us' else scalar.value // 1000}"
    if pa.types.is_timestamp(type_):
        return encode_timestamp(scalar, type_)
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "s:" + scalar.as_py()
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_):
        return "b:" + scalar.as_py().hex()
    if pa.types.is_dictionary(type_):
        return encode_scalar(type_.value_type and pa.scalar(scalar.as_py(), type_.value_type))
    raise TypeError(f"no exact JSON for {type_}")


def encode_timestamp(scalar, type_):
    if type_.unit == "ms":  # only in PyIceberg's own inspection tables
        return f"t:{scalar.value * 1000}"
    letter = {("us", False): "t", ("us", True): "z", ("ns", False): "n", ("ns", True): "Z"}
    return f"{letter[type_.unit, type_.tz is not None]}:{scalar.value}"


def encode_table(table):
    """A pyarrow table as a list of rows."""
    names = table.column_names
    columns = [table.column(i) for i in range(table.num_columns)]
    return [
        {name: encode_scalar(column[row]) for name, column in zip(names, columns)}
        for row in range(table.num_rows)
    ]


def encode_python(value):
    """A plain Python value without a type of its own, as partition tuples and summaries hold them."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return f"i:{value}"
    if isinstance(value, float):
        return encode_float(value)
    if isinstance(value, Decimal):
        return f"d:{value:f}"
    if isinstance(value, uuid.UUID):
        return f"u:{value}"
    if isinstance(value, (bytes, bytearray)):
        return "b:" + bytes(value).hex()
    if isinstance(value, str):
        return "s:" + value
    raise TypeError(f"no exact JSON for a {type(value).__name__}")


def decode(value, type_):
    """The Python value that pyarrow takes for `type_`; the reverse of `encode_scalar`."""
    if value is None:
        return None
    if isinstance(type_, pa.BaseExtensionType):
        return uuid.UUID(value[2:]).bytes
    if pa.types.is_struct(type_):
        return {field.name: decode(value.get(field.name), field.type) for field in type_}
    if pa.types.is_map(type_):
        return [(decode(k, type_.key_type), decode(v, type_.item_type)) for k, v in value]
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return [decode(element, type_.value_type) for element in value]
    if pa.types.is_boolean(type_):
        return value
    if pa.types.is_floating(type_):
        return decode_float(value)
    return decode_text(value[2:], type_)


def decode_text(text, type_):
    if pa.types.is_decimal(type_):
        return Decimal(text)
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return text
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_):
        return bytes.fromhex(text)
    return int(text)


def decode_table(rows, schema):
    """Rows of exact JSON as a pyarrow table of `schema`."""
    columns = [[decode(row.get(field.name), field.type) for row in rows] for field in schema]
    # pyarrow takes the integers that dates and times are stored as, at every depth.
    return pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(columns, schema)], schema=schema)
