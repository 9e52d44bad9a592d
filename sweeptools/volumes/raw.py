"""Voxels and nothing else, x fastest: what they are the reader has to say."""

import os
from math import prod
from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..spec import Head
from . import flat


def stored(path, shape=None, dtype=None, endian="little", offset=0):
    """The voxels of a file from `offset` on: shape z, y, x and dtype as given. UsageError where the file is too short."""
    name = str(path)
    if not os.path.isfile(path):
        raise UsageError(f"{name} does not exist" if not os.path.exists(path) else f"{name} is not a file of raw voxels")
    missing = [f"--{word}" for word, value in (("shape", shape), ("dtype", dtype)) if value is None]
    if missing:
        raise UsageError(f"{name} does not tell what it holds; give {' and '.join(missing)}: --shape Z,Y,X --dtype TYPE")
    need, has = offset + prod(shape) * np.dtype(dtype).itemsize, os.path.getsize(path)
    words = f"{' x '.join(map(str, shape))} voxels of {dtype} from byte {offset} on end at byte {need}"
    if has < need:
        raise UsageError(f"{name} has {has} bytes, but {words}")
    said = (f"warning: {name} has {has} bytes, but {words}: what follows is left out",) if has > need else ()
    order = {"little": "<", "big": ">"}[endian]
    return flat.stored(Path(path), Head(tuple(shape), dtype), offset, np.dtype(dtype).newbyteorder(order), said=said)


class Writer(flat.Writer):
    """A file of voxels alone, in the machine's byte order."""

    keeps = ()

    def __init__(self, path, head):
        self.begin(path, head, b"")
        shape, order = ",".join(map(str, head.whole)), "little" if np.little_endian else "big"
        self.said = (f"to read {Path(path).name} again: --shape {shape} --dtype {head.dtype} --endian {order}",)
