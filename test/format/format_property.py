#!/usr/bin/env python3
"""Compares the readers of CSV and JSON with Python's csv and json, on generated and mutated files.

    format_property.py DRIVER [COUNT [SEED]]

DRIVER is format_driver.c, built. COUNT files of each kind. Prints a TAP line for each; the seed repeats a run.

CSV is made of fields that may hold anything, quoted where they must be and sometimes where they needn't, with LF or CRLF.
Where Redshift and Python differ is left out: blanks between delimiter and quote (Redshift ignores them), quotes inside a
bare field and characters after a closing one (Redshift rejects the row), bare carriage returns (Redshift keeps them), NUL
bytes, blank lines (a row of one empty field), blanks at the start of a bare field that has a quote.

JSON is documents of json.dumps, and the same with bytes changed, removed and repeated. One that Python takes is one record
with the same value; one that Python doesn't has an error in it. Left out is what differs on purpose: NaN and Infinity,
more than one value in a file, a byte order mark, an empty file, values that aren't objects.
"""
import csv
import io
import json
import random
import struct
import subprocess
import sys
import tempfile

ALPHABET = ["a", "b", "1", " ", ",", '"', "\n", "\r\n", "\t", "\\", "'", "\u00e9", "\u20ac", "\U0001f600", "x" * 20, "|", "{", "}"]


def text(rng, longest):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(0, longest)))


def csv_file(rng):
    end = rng.choice(["\n", "\r\n"])
    rows = [[text(rng, rng.choice([0, 1, 3, 12])) for _ in range(rng.randint(1, 12))] for _ in range(rng.randint(1, 8))]
    lines = []
    for row in rows:
        out = []
        for field in row:
            must = any(c in field for c in ',"\n\r') or field[:1] in (" ", "\t") or (len(row) == 1 and field == "")
            out.append('"' + field.replace('"', '""') + '"' if must or rng.random() < 0.2 else field)
        lines.append(",".join(out))
    return (end.join(lines) + rng.choice(["", end])).encode()


def value(rng, depth):
    kind = rng.randint(0, 8 if depth < 4 else 5)
    if kind == 0:
        return rng.choice([True, False, None])
    if kind <= 2:
        return rng.choice([0, -1, 12345678901234567890, 0.5, -1e300, 1e-7, rng.random(), rng.randint(-999, 999)])
    if kind <= 5:
        return text(rng, 8) + rng.choice(["", "\u0001", "/", "\b\f"])
    if kind == 6:
        return [value(rng, depth + 1) for _ in range(rng.randint(0, 4))]
    return {text(rng, 3): value(rng, depth + 1) for _ in range(rng.randint(0, 4))}


def json_file(rng):
    made = {text(rng, 3): value(rng, 1) for _ in range(rng.randint(0, 6))}
    return json.dumps(made, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 1]),
                      separators=rng.choice([None, (",", ":")])).encode()


def mutated(rng, data):
    data = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data))
        how = rng.randint(0, 3)
        if how == 0:
            data[at] = rng.choice(b'{}[]",:\\ \n\t0123eE+-.truefalsn/x\x01')
        elif how == 1:
            del data[at:at + rng.randint(1, 4)]
        elif how == 2:
            data[at:at] = data[at:at + rng.randint(1, 6)]
        else:
            data[at:at] = bytes([rng.choice(b'{}[]",:\\ \n0-.e')])
        if not data:
            return b"{"
    return bytes(data)


def no_constant(name):
    raise ValueError(name)


class Answers:
    def __init__(self, stream):
        self.stream = stream

    def number(self):
        return struct.unpack("<I", self.stream.read(4))[0]

    def file(self):
        records = []
        while True:
            kind = self.stream.read(1)
            if kind == b".":
                return records
            if kind == b"e":
                records.append(None)
            elif kind == b"r":
                records.append([self.stream.read(self.number()) for _ in range(self.number())])
            else:
                raise EOFError("the driver ended")


def check_csv(data, records):
    expected = [[f.encode() for f in row] for row in csv.reader(io.StringIO(data.decode(), newline=""), strict=True)]
    return records == expected, expected


def check_json(data, records):
    try:
        expected = json.loads(data.decode(), parse_constant=no_constant)
    except UnicodeDecodeError:
        return True, None
    except ValueError as why:
        # several values, one after another, are a file of ours
        bad = None in records or (str(why).startswith("Extra data") and records) or not data.strip()
        return bool(bad), str(why)
    if isinstance(expected, list) or data.startswith(b"\xef\xbb\xbf"):
        return True, None
    if not isinstance(expected, dict):
        return records == [None], expected
    return len(records) == 1 and records[0] is not None and json.loads(records[0][0].decode()) == expected, expected


def main():
    driver = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1 << 32)
    rng = random.Random(seed)
    print(f"# seed {seed}")
    kinds = [("CSV as Python's csv reads it", b"c", csv_file, check_csv),
             ("JSON as Python's json reads it", b"j", json_file, check_json),
             ("mutated JSON", b"j", lambda rng: mutated(rng, json_file(rng)), check_json)]
    failed = False
    for number, (name, letter, make, check) in enumerate(kinds, 1):
        files = [make(rng) for _ in range(count)]
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answered:
            for data in files:
                asked.write(letter + struct.pack("<II", rng.choice([1, 3, 17, 64, 1 << 20]), len(data)) + data)
            asked.seek(0)
            subprocess.run([driver], stdin=asked, stdout=answered, check=True)
            answered.seek(0)
            answers = Answers(answered)
            wrong = None
            for data in files:
                records = answers.file()
                right, expected = check(data, records)
                if not right and wrong is None:
                    wrong = (data, records, expected)
        print(f"{'not ' if wrong else ''}ok {number} - {count} files: {name}")
        if wrong:
            failed = True
            for what, shown in zip(("input", "ours", "Python's"), wrong):
                print(f"#   {what}: {shown!r}")
    print(f"1..{len(kinds)}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
