"""Order statistics over boxes: the operations that median and rank are made of."""

from math import prod

import numpy as np

from ..kernels import minima, rank, walk
from ..params import Param
from ..spec import op
from ._lines import merged, pitch, stretched, strip_of

STRIP_BYTES = 2048                     # of a row worked through at a time

WALK = 256                             # columns worked through at a time in large boxes
LARGE = 200                            # voxels of a box from which to walk is faster than to count bit by bit


def _key(dtype):
    return np.dtype(f"int{8 * dtype.itemsize}")


def _halo(size):
    return tuple((n // 2, n - 1 - n // 2) for n in size)


def _select_scratch(head, size):
    key, (nz, ny, nx) = _key(head.dtype), size
    strip = strip_of(head, STRIP_BYTES // key.itemsize)
    keys = (nz * ny, pitch(strip + (nx - 1) * max(1, len(head.components)), key))
    return {"at": ((prod(size),), "int64"), "keys": (keys, key), "found": ((strip,), key)}


@op(
    "the voxel of some rank over a box", edges=True, scratch=_select_scratch, halo=_halo,
    work=lambda head, size: 24 * prod(size) * head.dtype.itemsize,
)  # fmt: skip
def _select(src, dst, box, *, size: Param("box"), place: Param("rank, the least voxel's is 0"), scratch):
    """The voxel that has this rank among those of the box around each; NaN ranks above all numbers."""
    turn, key = minima.order(dst.dtype, True), _key(dst.dtype)
    bits = 8 * key.itemsize
    powers = (np.uint64(1) << np.arange(bits - 1, -1, -1, dtype=np.uint64)).astype(f"uint{bits}").view(key)
    src, step = merged(minima.bits(src))
    rank.select(
        src, merged(minima.bits(dst))[0], stretched(box, step), size, step, prod(size) - 1 - place, turn, powers,
        scratch["at"], scratch["keys"], scratch["found"],
    )  # fmt: skip


def _median27_scratch(head):
    key = _key(head.dtype)
    wide = pitch(strip_of(head, STRIP_BYTES // key.itemsize) + 2 * max(1, len(head.components)), key)
    return {"load": ((3, wide), key), "ring": ((9, wide), key), "nines": ((9, wide), key), "out": ((wide,), key)}


@op("median over 3x3x3", edges=True, scratch=_median27_scratch, halo=lambda: (1, 1, 1), work=110)
def _median27(src, dst, box, *, scratch):
    """The middle one of 27 voxels; NaN ranks above all numbers."""
    src, step = merged(minima.bits(src))
    rows = np.arange(9) * scratch["out"].size
    places = np.add.outer(rows, np.arange(3) * step).ravel()
    rank.median27(
        src, merged(minima.bits(dst))[0], stretched(box, step), step, minima.order(dst.dtype, True), rows, places,
        *(scratch[name] for name in ("load", "ring", "nines", "out")),
    )  # fmt: skip


def _walk_scratch(head, size):
    key, (nz, ny, nx), step = _key(head.dtype), size, max(1, len(head.components))
    columns = min(WALK, head.slice_shape[1]) + nx - 1
    return {
        "lines": ((nz, columns * step), key), "sheets": ((step, columns * nz * ny), key),
        "found": (((columns - nx + 1) * step,), key), "probe": ((1,), key),
    }  # fmt: skip


@op(
    "the voxel of some rank over a large box", edges=True, scratch=_walk_scratch, halo=_halo,
    work=lambda head, size: prod(size) * head.dtype.itemsize,
)  # fmt: skip
def _walk(src, dst, box, *, size: Param("box"), place: Param("rank, the least voxel's is 0"), scratch):
    """The voxel that has this rank among those of the box around each; NaN ranks above all numbers."""
    turn, key = minima.order(dst.dtype, True), _key(dst.dtype)
    src, step = merged(minima.bits(src))
    walk.walk(
        src, merged(minima.bits(dst))[0], stretched(box, step), size, step, prod(size) - 1 - place, turn,
        key.itemsize <= 2, key.type(np.iinfo(key).max), *(scratch[name] for name in ("lines", "sheets", "found", "probe")),
    )  # fmt: skip


def ranked(stdin, size, place, mode, cval):
    """The graph of the voxel of rank `place`, counted from 0, over a box."""
    if tuple(size) == (3, 3, 3) and place == 13:
        return stdin | _median27(mode=mode, cval=cval)
    large = prod(size) >= LARGE and stdin.head.dtype.itemsize <= 4
    return stdin | (_walk if large else _select)(size=tuple(size), place=place, mode=mode, cval=cval)
