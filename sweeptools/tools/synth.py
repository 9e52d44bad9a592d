"""The deed of sweep-synth: a source whose voxels are functions of their place."""

from functools import partial
from math import prod

import numpy as np

from ..errors import UsageError
from ..kernels import synth as kernels
from ..spec import Block, Head, Source

BLOCK = 4 << 20                                        # bytes a block is to have


def open(pool, *, kind, shape, dtype="uint8", seed=0, period=16, spacing=None, part=None, **_):
    """The volume as a Source that can be read again, up or down; part: no more of it than ((z0, z1), (y0, y1), (x0, x1)),
    whose head is of a part, without a halo."""
    dtype = np.dtype(dtype)
    values, unit = spacing or (None, None)
    if unit == "px":
        raise UsageError("spacing is given in voxels, must have a unit of length: --spacing 2,1,1um")
    if values and min(values) <= 0:
        raise UsageError(f"spacing is {min(values)} {unit}, must be above 0")
    (z0, z1), *sides = box = part or tuple((0, n) for n in shape)
    plane = tuple(b - a for a, b in sides)
    slice_bytes = prod(plane) * dtype.itemsize
    depth = max(1, min(z1 - z0, BLOCK // slice_bytes))
    head = Head(shape, dtype, box, spacing=values, unit=unit, depth=depth)
    fill = filler(kind, shape, dtype, seed, period)

    def blocks(direction="up"):
        starts = range(z0, z1, depth)
        for z in starts if direction == "up" else reversed(starts):
            n = min(depth, z1 - z)
            if fill is None:
                yield Block(z, n, None, dtype.type(0))
            else:
                data = pool.array((n, *plane), dtype, depth)
                fill(data, (z, *(a for a, _ in sides)))
                block = Block(z, n, data)
                del data                               # so that its memory is free when the next is made
                yield block
                del block

    if fill:
        fill(np.empty((1, 1, 1), dtype), (0, 0, 0))            # compiled before anything is measured
    memory = ((f"synth: 2 blocks of {depth} slices", 2 * depth * slice_bytes),) if fill else ()
    return Source(head, blocks, again=True, name="synth", memory=memory)


def filler(kind, shape, dtype, seed, period):
    """fill(dst, at), or None where all voxels are 0."""
    whole = dtype.kind != "f"
    bits = dtype.itemsize * 8
    if kind == "zeros":
        return None
    if kind == "noise":
        if whole:
            return partial(_call, kernels.noise, np.uint64(seed), np.uint64(64 - bits))
        hold = np.finfo(dtype).nmant + 1
        return partial(_call, kernels.noise_float, np.uint64(seed), np.uint64(64 - hold), 2.0**-hold)
    top = int(np.iinfo(dtype).max) if whole else 1
    if kind == "ramp":
        return partial(_call, kernels.ramp, np.int64(min(top, 2**63 - 1) if whole else 2**63 - 1))
    if kind == "checker":
        return partial(_call, kernels.checker, period, dtype.type(top))
    if kind == "shells":
        return partial(_call, kernels.shells, *((n - 1) / 2 for n in shape), float(period), whole)
    room = top.bit_length()                            # bits of the greatest value: 7 to 64
    shift, scale = (max(16 - room, 0), 1 << max(room - 16, 0)) if whole else (-1, 1)
    return partial(_call, kernels.blobs, np.uint64(seed), period, shift, scale)


def _call(kernel, *arguments):
    *facts, dst, at = arguments
    kernel(dst, at, *facts)
