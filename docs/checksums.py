#!/usr/bin/env python3
"""Recomputes the digest of a table's rows in a SQLite file, as docs/checksums.md defines it.

    checksums.py FILE TABLE COLUMN=FORM [COLUMN=FORM ...]    prints the number of rows and the digest
    checksums.py --vectors checksums.md                      checks this program against the vectors of that page

FORM is the form of the column's PostgreSQL type, as that page lists them: integer, text, timestamptz. Where the plan says
how values are written or what policies change, they follow: timestamptz:seconds, boolean:words:yes/no,
timestamptz:zone:Europe/Berlin, text+nul-strip+empty-null. Give the columns in the order of the plan. Needs nothing but
Python's standard library. It shares no code with lite2pg, on purpose.
"""
import hashlib
import ipaddress
import json
import re
import sqlite3
import struct
import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation, localcontext
from fractions import Fraction

TAGS = {"integer": b"i", "numeric": b"n", "double": b"d", "boolean": b"o", "text": b"t", "bytea": b"b",
        "date": b"a", "timestamp": b"s", "timestamptz": b"z", "uuid": b"u", "jsonb": b"j", "time": b"h",
        "interval": b"v", "inet": b"k", "cidr": b"c", "macaddr": b"m"}
# The form, how values are written, the policies that change them.
FORM = re.compile(r"([a-z]+)(?::((?:(?!\+[a-z]).)+))?((?:\+[a-z]+-[a-z0-9]+)*)")
PER_SECOND = {"seconds": 1, "millis": 10**3, "micros": 10**6, "nanos": 10**9}
TIME = re.compile(rb"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?")
N = r"([+-]?\d+)"
DURATION = re.compile(rf"P(?=.)(?:{N}Y)?(?:{N}M)?(?:{N}W)?(?:{N}D)?"
                      rf"(?:T(?=.)(?:{N}H)?(?:{N}M)?(?:([+-]?)(\d+)(?:\.(\d{{1,6}}))?S)?)?", re.ASCII)
SPAN = re.compile(rf"(?=.)(?:{N} years?(?: (?=.)|$))?(?:{N} mon(?:th)?s?(?: (?=.)|$))?(?:{N} days?(?: (?=.)|$))?"
                  r"(?:([+-]?)(\d+):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?)?", re.ASCII)
CARD = re.compile(rb"(?:..:){5}..|(?:..-){5}..|.{6}[:-].{6}|....\.....\.....|....-....-....|.{12}")
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
    negative_zero = isinstance(value, bytes) and value[:1] == b"-" and not value.lower().partition(b"e")[0].strip(b"-0.")
    demand(not negative_zero)
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


def clock(hour, minute, second, fraction):
    """Microseconds since midnight."""
    hour, minute, second = int(hour or 0), int(minute or 0), int(second or 0)
    demand(hour <= 23 and minute <= 59 and second <= 59)
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + int((fraction or b"").ljust(6, b"0"))


def instant(text, zone):
    """Microseconds since 1970 UTC; of a text without zone those at which the zone's clock first shows it."""
    micros, offset = stamp(text)
    if offset is not None:
        micros -= offset * 1_000_000
        demand(days(b"0001-01-01") * 86_400_000_000 <= micros < (days(b"9999-12-31") + 1) * 86_400_000_000)
        return micros
    demand(zone is not None)
    epoch = datetime(1970, 1, 1)
    if re.fullmatch(r"[+-]\d\d:\d\d", zone):
        seconds = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
        return micros - (-seconds if zone[0] == "-" else seconds) * 1_000_000
    import zoneinfo
    local = (epoch + timedelta(microseconds=micros)).replace(tzinfo=zoneinfo.ZoneInfo(zone))
    seconds = local.utcoffset() // timedelta(seconds=1)
    # A skipped hour is not what the clock shows at the instant that it would be.
    back = (local.astimezone(timezone.utc).astimezone(local.tzinfo)).replace(tzinfo=None)
    demand(back == local.replace(tzinfo=None))
    return micros - seconds * 1_000_000


def counted(way, value):
    """Microseconds since 1970 of a number that counts time."""
    if way == "julian":
        demand(isinstance(value, (int, float)) and abs(value) < 1e9)
        micros = (Fraction(value) - Fraction(4881175, 2)) * 86_400_000_000
        micros = (micros + Fraction(1, 2)) // 1
    else:
        demand(isinstance(value, int))
        micros = Fraction(value, PER_SECOND[way]) * 1_000_000
        demand(micros.denominator == 1)
    demand(-210_866_803_200_000_000 <= micros < 2**63)
    return int(micros)


def interval(text):
    """Months, days, microseconds."""
    text = text.decode("ascii", "replace")
    found = DURATION.fullmatch(text)
    if found:
        demand(not text.endswith("T"))
        years, months, weeks, day, hours, minutes, sign, seconds, fraction = found.groups()
        hours, minutes, weeks = int(hours or 0), int(minutes or 0), int(weeks or 0)
    else:
        found = SPAN.fullmatch(text)
        demand(found and not text.endswith(" "))
        years, months, day, sign, hours, minutes, seconds, fraction = found.groups()
        whole = -1 if sign == "-" else 1
        hours, minutes, weeks = whole * int(hours or 0), whole * int(minutes or 0), 0
    seconds = int(seconds or 0) * 1_000_000 + int((fraction or "").ljust(6, "0"))
    micros = (hours * 60 + minutes) * 60_000_000 + (-seconds if sign == "-" else seconds)
    months, day = int(years or 0) * 12 + int(months or 0), weeks * 7 + int(day or 0)
    demand(-2**31 <= months < 2**31 and -2**31 <= day < 2**31 and -2**63 <= micros < 2**63)
    demand((months, day, micros) not in ((2**31 - 1, 2**31 - 1, 2**63 - 1), (-2**31, -2**31, -2**63)))
    return struct.pack(">iiq", months, day, micros)


def address(text, network):
    """4 or 6, bits, bytes."""
    found = re.fullmatch(rb"([0-9a-fA-F.:]+)(?:/(0|[1-9]\d{0,2}))?", text)
    demand(found)
    try:
        host = ipaddress.ip_address(found[1].decode())
    except ValueError:
        raise NoForm from None
    bits = host.max_prefixlen if found[2] is None else int(found[2])
    demand(bits <= host.max_prefixlen)
    demand(not network or int(host) % 2 ** (host.max_prefixlen - bits) == 0)
    return bytes([host.version, bits]) + host.packed


def scaled(text):
    """A JSON number without exponent, with the digits after the point as they were written."""
    with localcontext() as context:
        context.prec = 300_000
        number = Decimal(text)
        _, digits, exponent = number.as_tuple()
        if not any(digits):
            return "0" + ("." + "0" * -exponent if exponent < 0 else "")
        return format(number, "f")


def string(text):
    def escape(c):
        return "\\" + c if c in '"\\' else f"\\u{ord(c):04x}" if c < " " else c
    return '"' + "".join(map(escape, text)) + '"'


class Number(str):
    """A JSON number as it was written."""


def canonical(value):
    if isinstance(value, Number):
        return scaled(value)
    if isinstance(value, str):
        return string(value)
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode())
        return "{" + ",".join(string(k) + ":" + canonical(v) for k, v in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return {None: "null", True: "true", False: "false"}[value]


def jsonb(text):
    def refuse(_):
        raise NoForm
    try:
        value = json.loads(text.decode(), parse_int=Number, parse_float=Number, parse_constant=refuse)
        return canonical(value).encode()
    except (ValueError, RecursionError):
        raise NoForm from None


def scalar(value):
    """A value of any class as JSON."""
    if isinstance(value, Blob):
        return b'{"$blob":"' + value.hex().encode() + b'"}'
    if isinstance(value, bytes):
        demand(b"\0" not in value)
        try:
            return string(value.decode()).encode()
        except UnicodeDecodeError:
            raise NoForm from None
    if isinstance(value, int):
        return str(value).encode()
    if value in (float("inf"), float("-inf")) or (value == 0 and str(value) == "-0.0"):
        return f'{{"$real":"{value}"}}'.encode()
    digits = scaled(repr(value))
    return (digits if "." in digits else digits + ".0").encode()


def cp1252(byte):
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def treated(policies, text):
    """The text after the policies, or None."""
    try:
        text.decode()
    except UnicodeDecodeError:
        if "invalid-latin1" in policies:
            text = text.decode("latin-1").encode()
        elif "invalid-cp1252" in policies:
            text = "".join(map(cp1252, text)).encode()
        elif "invalid-replace" in policies:
            text = text.decode("utf-8", "replace").encode()
    if "nul-replace" in policies:
        text = text.replace(b"\0", "\ufffd".encode())
    elif "nul-strip" in policies:
        text = text.replace(b"\0", b"")
    return None if "empty-null" in policies and not text else text


def stamp(text):
    """Microseconds on the written clock, and the offset in seconds or None."""
    found = STAMP.fullmatch(text)
    demand(found)
    day, hour, minute, second, fraction, zone = found.groups()
    micros = days(day) * 86_400_000_000 + clock(hour, minute, second, fraction)
    if zone is None or zone == b"Z":
        return micros, zone and 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    demand(hours <= 14 and minutes <= 59)
    return micros, (hours * 3600 + minutes * 60) * (-1 if zone[:1] == b"-" else 1)


def content(form, way, value):
    """The bytes of a field."""
    text = value if isinstance(value, bytes) and not isinstance(value, Blob) else None
    if way in PER_SECOND or way == "julian":
        return struct.pack(">q", counted(way, value))
    if way == "scalar":
        return scalar(value)
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
    if form == "boolean" and way:
        words = way.removeprefix("words:").encode().split(b"/")
        demand(text in words)
        return bytes([text == words[0]])
    if form == "boolean":
        demand(isinstance(value, int) and value in (0, 1))
        return bytes([value])
    if form == "uuid":
        demand(way != "hex" or (text is not None and re.fullmatch(rb"[0-9a-f]{32}", text)))
        if isinstance(value, Blob):
            demand(len(value) == 16)
            return bytes(value)
        demand(text is not None and re.fullmatch(rb"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text))
        return bytes.fromhex(text.replace(b"-", b"").decode())
    demand(text is not None)
    if form == "date":
        demand(DAY.fullmatch(text))
        return struct.pack(">i", days(text))
    if form == "jsonb":
        return jsonb(text)
    if form == "time":
        found = TIME.fullmatch(text)
        demand(found and (way != "exact" or len(text) == 8 or (len(text) > 8 and text[-1:] != b"0")))
        return struct.pack(">q", clock(*found.groups()))
    if form == "interval":
        return interval(text)
    if form in ("inet", "cidr"):
        return address(text, form == "cidr")
    if form == "macaddr":
        digits = re.sub(rb"[:.-]", b"", text)
        demand(CARD.fullmatch(text) and re.fullmatch(rb"[0-9a-fA-F]{12}", digits))
        return bytes.fromhex(digits.decode())
    if form == "timestamp":
        micros, offset = stamp(text)
        demand(offset is None)
        return struct.pack(">q", micros)
    return struct.pack(">q", instant(text, way and way.removeprefix("zone:")))


class Blob(bytes):
    """A value of class BLOB; text is plain bytes."""


def raw(value):
    if isinstance(value, int):
        return struct.pack(">q", value)
    return struct.pack(">d", value) if isinstance(value, float) else bytes(value)


def field(form, value):
    form, way, policies = FORM.fullmatch(form).groups()
    policies = policies.split("+")
    now = treated(policies, value) if isinstance(value, bytes) and not isinstance(value, Blob) else value
    try:
        if now is None:
            return b"N" + struct.pack(">I", 0)
        body = content(form, way, now)
        return TAGS[form] + struct.pack(">I", len(body)) + body
    except NoForm:
        if "unfit-null" in policies:
            return b"N" + struct.pack(">I", 0)
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
    unknown = [f for f in forms if not FORM.fullmatch(f) or FORM.fullmatch(f)[1] not in TAGS]
    if unknown:
        sys.exit(f"no such form: {', '.join(unknown)}")
    quote = lambda name: '"' + name.replace('"', '""') + '"'
    connection = sqlite3.connect(f"file:{arguments[0]}?mode=ro", uri=True)
    sql = f"SELECT {', '.join(map(quote, names))} FROM {quote(arguments[1])}"
    print(*table_digest(forms, read(connection, sql)))


main(sys.argv[1:])
