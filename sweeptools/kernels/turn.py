"""Slices along another axis: how a volume is laid down so that both its slices and the others can be had in few pieces.

The volume [z, y, x(, c)] is cut into slabs of slices z and into rows of slices along the new first axis. Where slab and
row meet is a tile, which lies in one piece as [row, z, rest(, c)]; the tiles of one row lie side by side.
"""

from math import prod

import numpy as np

SLAB = 32 << 20        # bytes of a slab, and of a row
TILE = 64              # voxels along both axes that are exchanged at a time: rows of both fit in the nearest cache


def cut(shape, voxel, axis):
    """(slices z of a slab, slices along `axis` of a row) for a volume of this shape with so many bytes a voxel."""
    size = prod(shape, start=voxel)
    return tuple(max(1, min(n, SLAB * n // max(1, size))) for n in (shape[0], shape[axis]))


def held(shape, voxel, axis):
    """Bytes that are held: a slab and a tile while it is written, a row while it is read."""
    size = prod(shape, start=voxel)
    d, g = cut(shape, voxel, axis)
    slab, row = (size // max(1, n) * k for n, k in ((shape[0], d), (shape[axis], g)))
    return max(slab + row // max(1, -(-shape[0] // d)), row)


def copy(dst, src):
    """dst[...] = src, where the last axis of one may be another of the other: in tiles, for the sake of the caches."""
    strides = src.strides[: dst.ndim]
    fast = min((i for i in range(3) if src.shape[i] > 1), key=lambda i: strides[i], default=2)
    if fast == 2:
        np.copyto(dst, src)
        return
    for a in range(0, dst.shape[fast], TILE):
        for b in range(0, dst.shape[2], TILE):
            where = [slice(None)] * 3
            where[fast], where[2] = slice(a, a + TILE), slice(b, b + TILE)
            np.copyto(dst[tuple(where)], src[tuple(where)])
