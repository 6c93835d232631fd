"""CRC-32C (Castagnoli), which Python's library lacks, quick enough for a few parts of a test's object."""
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


def crc32c(data, before=0):
    """The CRC of data, or of what has CRC `before` with data after it."""
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
