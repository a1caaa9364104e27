#!/usr/bin/env python3
"""Recomputes the digest of a table's rows in a SQLite file, as docs/checksums.md defines it.

    checksums.py FILE TABLE COLUMN=FORM [COLUMN=FORM ...]    prints the number of rows and the digest
    checksums.py --vectors checksums.md                      checks this program against the vectors of that page

FORM is integer, numeric, double, boolean, text, bytea, date, timestamp, timestamptz or uuid: the form of the column's
PostgreSQL type. Give the columns in the order of the plan. Needs nothing but Python's standard library. It shares no
code with lite2pg, on purpose; jsonb is not in it.
"""
import hashlib
import re
import sqlite3
import struct
import sys
from decimal import Decimal, InvalidOperation, localcontext
from datetime import date

TAGS = {"integer": b"i", "numeric": b"n", "double": b"d", "boolean": b"o", "text": b"t", "bytea": b"b",
        "date": b"a", "timestamp": b"s", "timestamptz": b"z", "uuid": b"u"}
STAMP = re.compile(rb"(\d{4}-\d\d-\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:\d\d)?)?")
DAY = re.compile(rb"\d{4}-\d\d-\d\d")
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class NoForm(Exception):
    """The value has no normal form of its column's type."""


def demand(condition):
    if not condition:
        raise NoForm


def shortest(real):
    """The shortest decimal that reads back to the same double; always with a point or an exponent."""
    mantissa, e, exponent = repr(real).partition("e")
    return mantissa + (f"e{int(exponent)}" if e else "")


def as_text(value):
    if isinstance(value, Blob):
        return b"\\x" + value.hex().encode()
    if isinstance(value, bytes):
        return value
    return (shortest(value) if isinstance(value, float) else str(value)).encode()


def numeric(value):
    if isinstance(value, float):
        demand(value not in (float("inf"), float("-inf")))
        value = repr(value).encode()
    elif isinstance(value, int):
        value = str(value).encode()
    demand(isinstance(value, bytes) and not isinstance(value, Blob) and NUMBER.fullmatch(value))
    with localcontext() as context:
        context.prec = 300_000
        try:
            text = format(Decimal(value.decode()), "f")
        except InvalidOperation:
            raise NoForm from None
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return b"0" if text.lstrip("-").strip("0") == "" else text.encode()


def days(text):
    try:
        return date.fromisoformat(text.decode()).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        raise NoForm from None


def stamp(text):
    """Microseconds on the written clock, and the offset in seconds or None."""
    found = STAMP.fullmatch(text)
    demand(found)
    day, hour, minute, second, fraction, zone = found.groups()
    hour, minute, second = int(hour or 0), int(minute or 0), int(second or 0)
    demand(hour <= 23 and minute <= 59 and second <= 59)
    micros = ((days(day) * 24 + hour) * 60 + minute) * 60 + second
    micros = micros * 1_000_000 + int((fraction or b"").ljust(6, b"0"))
    if zone is None or zone == b"Z":
        return micros, zone and 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    demand(hours <= 15 and minutes <= 59)
    return micros, (hours * 3600 + minutes * 60) * (-1 if zone[:1] == b"-" else 1)


def content(form, value):
    """The bytes of a field."""
    text = value if isinstance(value, bytes) and not isinstance(value, Blob) else None
    if form in ("text", "bytea"):
        return bytes(value) if form == "bytea" and isinstance(value, Blob) else as_text(value)
    if form == "numeric":
        return numeric(value)
    if form == "integer":
        if isinstance(value, float):
            demand(value == value // 1 and -2.0**63 <= value < 2.0**63)
        elif text is not None:
            demand(re.fullmatch(rb"0|-?[1-9]\d{0,18}", text) and -2**63 <= int(text) < 2**63)
        demand(not isinstance(value, Blob))
        return struct.pack(">q", int(value))
    if form == "double":
        demand(isinstance(value, (int, float)) and (isinstance(value, float) or int(float(value)) == value))
        return struct.pack(">d", value)
    if form == "boolean":
        demand(isinstance(value, int) and value in (0, 1))
        return bytes([value])
    if form == "uuid":
        if isinstance(value, Blob):
            demand(len(value) == 16)
            return bytes(value)
        demand(text is not None and re.fullmatch(rb"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text))
        return bytes.fromhex(text.replace(b"-", b"").decode())
    demand(text is not None)
    if form == "date":
        demand(DAY.fullmatch(text))
        return struct.pack(">i", days(text))
    micros, offset = stamp(text)
    demand((offset is None) == (form == "timestamp"))
    return struct.pack(">q", micros - (offset or 0) * 1_000_000)


class Blob(bytes):
    """A value of class BLOB; text is plain bytes."""


def raw(value):
    if isinstance(value, int):
        return struct.pack(">q", value)
    return struct.pack(">d", value) if isinstance(value, float) else bytes(value)


def field(form, value):
    if value is None:
        return b"N" + struct.pack(">I", 0)
    try:
        body = content(form, value)
        return TAGS[form] + struct.pack(">I", len(body)) + body
    except NoForm:
        body = raw(value)
        return b"?" + struct.pack(">Q", len(body)) + body


def read(connection, sql):
    """Rows with text as bytes and blobs as Blob."""
    connection.text_factory = lambda b: ("text", b)
    for row in connection.execute(sql):
        yield [v[1] if isinstance(v, tuple) else Blob(v) if isinstance(v, bytes) else v for v in row]


def row_digest(forms, row):
    return hashlib.sha256(b"".join(field(f, v) for f, v in zip(forms, row))).digest()


def table_digest(forms, rows):
    count, total = 0, 0
    for row in rows:
        count += 1
        total += int.from_bytes(row_digest(forms, row), "big")
    return count, f"{total % 2**256:064x}"


def check_vectors(page):
    memory = sqlite3.connect(":memory:")
    checked = 0
    for line in open(page, encoding="utf-8"):
        cells = [c.strip().strip("`") for c in line.strip().strip("|").split(" | ")]
        if len(cells) != 3 or not re.fullmatch(r"[0-9a-f ]+", cells[2]):
            continue
        forms = [f.strip() for f in cells[0].split(",")]
        if "jsonb" in forms:
            continue
        rows = list(read(memory, cells[1] if cells[1].startswith("VALUES") else f"VALUES ({cells[1]})"))
        is_field = len(forms) == 1 and not cells[1].startswith("VALUES")
        made = field(forms[0], rows[0][0]).hex() if is_field else table_digest(forms, rows)[1]
        if made != cells[2].replace(" ", ""):
            sys.exit(f"{page}: {line.strip()}\n  this program makes {made}")
        checked += 1
    print(f"{checked} vectors hold")
    if checked < 20:
        sys.exit("fewer vectors than expected")


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--vectors":
        return check_vectors(arguments[1])
    if len(arguments) < 3:
        sys.exit(__doc__)
    names, forms = zip(*(a.rsplit("=", 1) for a in arguments[2:]))
    unknown = [f for f in forms if f not in TAGS]
    if unknown:
        sys.exit(f"no such form: {', '.join(unknown)}")
    quote = lambda name: '"' + name.replace('"', '""') + '"'
    connection = sqlite3.connect(f"file:{arguments[0]}?mode=ro", uri=True)
    sql = f"SELECT {', '.join(map(quote, names))} FROM {quote(arguments[1])}"
    print(*table_digest(forms, read(connection, sql)))


main(sys.argv[1:])
