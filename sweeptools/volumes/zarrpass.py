"""Chunks that go from one Zarr array into another as they are stored, where both store the same voxels in the same way.

They are decoded all the same: what is damaged is found, the digests of slices are of the voxels, and coarser levels are
made of them. What is saved is packing them anew.
"""

import shutil
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Encoded:
    """Where the voxels of a stream are stored: an array at a path, and the range of it along each axis that they are."""

    array: object
    path: Path
    box: tuple = ()


def passing(encoded, array, path):
    """A function that copies the files of a box of the new `array` at `path` out of the one that its voxels are stored in,
    and tells how many they were; None where the two are stored in different ways, or their files are cut differently."""
    one, two = encoded.array, array
    if [how(a) for a in (one, two)] != [how(two)] * 2 or not _empty(one.fill_value):
        return None
    files = two.shards or two.chunks
    for kept, n, size in zip(encoded.box, one.shape, files):
        if kept.step != 1 or kept.start % size or (kept.stop % size and kept.stop != n):
            return None
    first = [kept.start // size for kept in encoded.box]

    def copied(box):
        count = 0
        for at in product(*(range(a // size, -(-b // size)) for (a, b), size in zip(box, files))):
            there = Path(encoded.path) / one.metadata.encode_chunk_key(tuple(i + k for i, k in zip(at, first)))
            if there.exists():
                here = Path(path) / two.metadata.encode_chunk_key(at)
                here.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(there, here)
                count += 1
        return count

    return copied


def how(array):
    """All that decides what is in a file of an array."""
    said = array.metadata.to_dict()
    names = ("zarr_format", "data_type", "dtype", "order", "codecs", "compressor", "filters")
    return array.ndim, array.chunks, array.shards, array.dtype.str, repr([said.get(name) for name in names])


def _empty(fill):
    """Whether a chunk that is not stored is 0 throughout, by its bits."""
    return fill is None or not np.asarray(fill).tobytes().strip(b"\0")
