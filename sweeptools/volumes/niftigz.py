"""NIfTI packed, .nii.gz: one gzip stream in order, of pieces that several threads pack.

The header is stored unpacked within the stream, so that what is found on the way is put there at the end; the checksum
of the whole is combined of the header's and the voxels' (zlib's crc32_combine).
"""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..errors import UsageError
from ..flow import mapped
from ..memory import THREAD
from . import nifti
from .metadata import FACTS, packed
from .npy import BLOCK, grains

PIECE = 1 << 20          # bytes that are packed at once
LEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
stored = nifti.stored


def level_of(text):
    """The level that a word such as gzip:6 asks for."""
    name, colon, level = (text or "gzip").partition(":")
    if name != "gzip" or (colon and level not in list("123456789")):
        raise UsageError(f"codec is {text!r}, must be gzip, with a level as in gzip:6")
    return int(level or 1)


def as_it_is(data):
    """Bytes as stored blocks of deflate, none of them the last."""
    parts = (data[i : i + 65535] for i in range(0, len(data), 65535))
    return b"".join(struct.pack("<BHH", 0, len(part), len(part) ^ 0xFFFF) + part for part in parts)


def combine(one, two, size):
    """The CRC-32 of two texts that follow each other, by the CRCs of both and the length of the second."""
    odd = [0xEDB88320, *(1 << n for n in range(31))]             # one zero bit; squared: two, four ...
    times = lambda matrix, v: _sum(matrix[n] for n in range(32) if v >> n & 1)  # noqa: E731
    square = lambda matrix: [times(matrix, row) for row in matrix]  # noqa: E731
    matrix = square(square(square(odd)))                         # of one zero byte
    while size:
        if size & 1:
            one = times(matrix, one)
        matrix, size = square(matrix), size >> 1
    return one ^ two


def _sum(rows):
    total = 0
    for row in rows:
        total ^= row
    return total


class Writer:
    """One .nii.gz file; slabs of z come in order."""

    axes = (0,)
    why = "it is packed as one stream, slice by slice; write .nii or .zarr"
    skips = False
    ordered = True
    keeps = FACTS

    def __init__(self, path, head, codec=None, threads=1, history=True):
        self.level, self.head = level_of(codec), head
        self.lead, self.own = nifti.lead(path.name, head, history)
        self.grain = (max(1, min(head.whole[0], grains(head, (2 * BLOCK, 0, 0))[0])), 0, 0)
        self.stats = {"chunks": 0, "files": 1}
        self.held = threads * (2 * PIECE + THREAD) + (2 << 20)
        self.threads, self.pool = threads, ThreadPoolExecutor(threads, "gzip")
        self.crc, self.size = 0, 0
        self.file = open(path, "xb")
        self.file.write(LEAD + as_it_is(self.lead))

    def write(self, data, box):
        """Write the slices of a box, which follows the last one."""
        flat = memoryview(np.ascontiguousarray(data).reshape(-1).view("u1"))
        pieces = [flat[i : i + PIECE] for i in range(0, len(flat), PIECE)]
        for piece, body in zip(pieces, mapped(self.pool, self._pack, pieces, self.threads)):
            self.crc, self.size = zlib.crc32(piece, self.crc), self.size + len(piece)
            self.file.write(body)

    def _pack(self, piece):
        packer = zlib.compressobj(self.level, zlib.DEFLATED, -15)
        return packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)

    def finish(self, facts):
        """Write the end, and the header once more with what was found."""
        start, size = self.own
        lead = self.lead[:start] + packed(self.head, size, facts.get("history")) + self.lead[start + size :]
        crc = combine(zlib.crc32(lead), self.crc, self.size)
        self.file.write(b"\x03\0" + struct.pack("<II", crc, (len(lead) + self.size) & 0xFFFFFFFF))
        self.file.flush()
        os.pwrite(self.file.fileno(), as_it_is(lead), len(LEAD))
        self.abort()

    def abort(self):
        """Close what is open."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.file.close()
