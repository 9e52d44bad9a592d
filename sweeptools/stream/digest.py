"""The digest of a volume: one xxh3-64 a slice, and xxh3-128 over the list of (index, digest).

It depends on the voxels alone: not on the cut, the sweep, the byte order, nor on whether a constant block came with
its voxels or without; and it merges across parts.
"""

from functools import lru_cache

import numpy as np
import xxhash

from ..errors import Corrupt
from .frame import CHUNK, part_checks
from .head import wire_type


class Digest:
    """Digests of slices as they come in, in any order; indices are those of the whole volume."""

    def __init__(self, index=(), digests=()):
        self._parts = [(np.asarray(index, "<u8"), np.asarray(digests, "<u8"))] if len(index) else []

    def add(self, block, head):
        """Add the slices of a block."""
        self.put(block.z, slice_digests(block, head))

    def put(self, z, digests):
        """Add digests (u64) of slices from z on."""
        self._parts.append((np.arange(z, z + len(digests), dtype="<u8"), np.asarray(digests, "<u8")))

    def arrays(self):
        """(indices, digests), rising. Corrupt where one slice came twice and differed."""
        if not self._parts:
            return np.empty(0, "<u8"), np.empty(0, "<u8")
        index, digests = (np.concatenate(column) for column in zip(*self._parts))
        by = np.argsort(index, kind="stable")
        index, digests = index[by], digests[by]
        again = index[1:] == index[:-1]
        if again.any():
            differs = again & (digests[1:] != digests[:-1])
            if differs.any():
                raise Corrupt(f"slice {index[1:][differs][0]} came twice with different voxels")
            keep = np.concatenate(([True], ~again))
            index, digests = index[keep], digests[keep]
        self._parts = [(index, digests)]
        return index, digests

    def merge(self, other):
        """This digest with another part's slices added."""
        self._parts.append(other.arrays())
        return self

    def hexdigest(self):
        """xxh3-128 over the list of (index, digest), as 32 hexadecimal digits."""
        return xxhash.xxh3_128_hexdigest(np.stack(self.arrays(), axis=1).tobytes())

    def __len__(self):
        return len(self.arrays()[0])


def slice_digests(block, head):
    """xxh3-64 of each slice's voxels in little-endian order, C order: an array of n u64. Safe to call from threads."""
    if block.data is None:
        return np.full(block.n, constant_digest(voxel(block.fill, head), _voxels(head)), "<u8")
    return raw_digests(as_bytes(block.data, head), block.n, head.slice_bytes)


def raw_digests(buffer, n, size):
    """xxh3-64 of each of n slices of `size` bytes; slices without a voxel have the digest of nothing."""
    return part_checks(buffer, size) if size else np.full(n, xxhash.xxh3_64_intdigest(b""), "<u8")


def voxel(fill, head):
    """The bytes of one voxel, all its components, as the stream has them."""
    shape = (len(head.components),) if head.components else ()
    return np.broadcast_to(np.asarray(fill, head.dtype), shape).astype(wire_type(head.dtype)).tobytes()


def as_bytes(data, head):
    """The bytes of an array as the stream has them: its own memory wherever that is C-contiguous, little-endian."""
    return memoryview(np.ascontiguousarray(data, wire_type(head.dtype)).reshape(-1).view(np.uint8))


def _voxels(head):
    return head.shape[1] * head.shape[2]


@lru_cache(maxsize=64)
def constant_digest(one, count):
    """xxh3-64 of `count` equal voxels, hashed in pieces that fit in the cache."""
    tile = one * min(count, max(1, CHUNK // 4 // len(one)))
    hasher, left = xxhash.xxh3_64(), count * len(one)
    while left >= len(tile) > 0:
        hasher.update(tile)
        left -= len(tile)
    hasher.update(tile[:left])
    return hasher.intdigest()


class Growing:
    """The digests of slices whose rows come in several runs over all slices, from the first row to the last."""

    def __init__(self, slices):
        self._hashers = [xxhash.xxh3_64() for _ in range(slices)]

    def add(self, z, data):
        """Add rows [n, rows, x(, c)] of slices from z on."""
        data = np.ascontiguousarray(data, wire_type(data.dtype))
        for hasher, rows in zip(self._hashers[z : z + len(data)], data):
            hasher.update(memoryview(rows.reshape(-1).view(np.uint8)))

    def arrays(self):
        """(indices, digests)."""
        return np.arange(len(self._hashers), dtype="<u8"), np.array([h.intdigest() for h in self._hashers], "<u8")
