"""CRC-32C (Castagnoli), which Python's library lacks, quick enough for the parts of a test's object.

What is long is taken as rows of ROW bytes whose remainders are computed together, a column at a time: bytes.translate looks
up as many table entries as there are rows, and an int xors as many bytes.
"""
import struct
from array import array

POLYNOMIAL = 0x82F63B78  # reflected


def _tables():
    """Four tables of 16 bits each: what a pair of bytes does to the remainder when 0, 2, 4, 6 bytes follow it."""
    byte = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
        byte.append(value)
    first = array("L", (0,)) * 65536
    for value in range(65536):
        once = (value >> 8) ^ byte[value & 255]
        first[value] = (once >> 8) ^ byte[once & 255]
    tables = [first]
    for _ in range(3):
        before = tables[-1]
        tables.append(array("L", ((value >> 16) ^ first[value & 0xFFFF] for value in before)))
    return byte, tables


BYTE, (T0, T1, T2, T3) = _tables()


ROW = 4096
COLUMNS = [bytes((value >> shift) & 255 for value in BYTE) for shift in (0, 8, 16, 24)]  # of the table, a byte of its entries each


def crc32c(data, before=0):
    """The CRC of data, or of what has CRC `before` with data after it."""
    rows = len(data) // ROW
    if rows < 16:
        return _crc32c(data, before)
    whole = rows * ROW
    for crc in _crcs_of_rows(bytes(data[:whole]), rows):
        before = combine_row(before) ^ crc
    return _crc32c(data[whole:], before)


def _crcs_of_rows(data, rows):
    def number(text):
        return int.from_bytes(text, "little")
    low = middle = high = top = number(b"\xff" * rows)
    for column in range(ROW):
        index = (low ^ number(data[column::ROW])).to_bytes(rows, "little")
        low, middle, high, top = (middle ^ number(index.translate(COLUMNS[0])), high ^ number(index.translate(COLUMNS[1])),
                                  top ^ number(index.translate(COLUMNS[2])), number(index.translate(COLUMNS[3])))
    parts = [part.to_bytes(rows, "little") for part in (low, middle, high, top)]
    return [int.from_bytes(four, "little") ^ 0xFFFFFFFF for four in zip(*parts)]


def _crc32c(data, before):
    crc = before ^ 0xFFFFFFFF
    whole = len(data) & ~7
    for low, high in struct.iter_unpack("<II", memoryview(data)[:whole]):
        low ^= crc
        crc = T3[low & 0xFFFF] ^ T2[low >> 16] ^ T1[high & 0xFFFF] ^ T0[high >> 16]
    for value in data[whole:]:
        crc = (crc >> 8) ^ BYTE[(crc ^ value) & 255]
    return crc ^ 0xFFFFFFFF


def _times(matrix, vector):
    total = 0
    for row in matrix:
        if vector & 1:
            total ^= row
        vector >>= 1
    return total


def combine_row(first):
    """combine(first, 0, ROW)"""
    return R0[first & 255] ^ R1[first >> 8 & 255] ^ R2[first >> 16 & 255] ^ R3[first >> 24]


def combine(first, second, second_length):
    """The CRC of two pieces one after the other, from the CRC of each."""
    matrix = [POLYNOMIAL] + [1 << bit for bit in range(31)]  # one zero bit
    for _ in range(3):
        matrix = [_times(matrix, row) for row in matrix]  # eight of them: a byte
    while second_length:
        if second_length & 1:
            first = _times(matrix, first)
        matrix = [_times(matrix, row) for row in matrix]
        second_length >>= 1
    return first ^ second


def _row_tables():
    """What each value of each byte of a CRC becomes when ROW zeros follow."""
    bits = [combine(1 << bit, 0, ROW) for bit in range(32)]
    return [[_times(bits[shift:shift + 8], value) for value in range(256)] for shift in (0, 8, 16, 24)]


R0, R1, R2, R3 = _row_tables()
