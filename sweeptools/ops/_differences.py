"""The difference of two streams that are never the one below the other: what top hats and gradients end with."""

import numpy as np

from ..kernels import voxel
from ..params import Param
from ..spec import op


@op("leave a margin away", halo=lambda margin: margin)
def _inner(src, dst, box, *, margin: Param("voxels below and above, along z, y, x")):
    """The stream as one comes out of windows that reach so far: it is late by as many slices, and a part of a volume
    has lost as much of its halo."""
    z0, z1, y0, y1, x0, x1 = box
    (z, _), (y, _), (x, _) = margin
    dst[z0:z1, y0:y1, x0:x1] = src[z0 + z : z1 + z, y0 + y : y1 + y, x0 + x : x1 + x]


def inner(stdin, margin):
    """A stream to be joined with one that has come through windows of so many voxels below and above."""
    return stdin | _inner(margin=tuple(margin)) if any(map(any, margin)) else stdin


def _head(head):
    return head.but(role="image" if head.role == "labels" else head.role)


@op("how far one volume lies above another", casts=True, head=_head)
def above(src, other, dst, box):
    """max(src - other, 0), exact for all integers; clipped where the type of the result is too small. NaN and
    infinity - infinity give NaN, in an integer type 0 with a warning."""
    made, nan = {}, 0
    for a, b, d in voxel.parts(box, src, other, dst):
        if a.dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                rest = np.subtract(a, b, out=voxel.scratch(a, a.dtype, made, "rest"))
            np.maximum(rest, 0, out=rest)
        else:                                        # as unsigned numbers, differences of signed ones always fit
            kind = f"u{a.dtype.itemsize}"
            rest = np.maximum(a, b, out=voxel.scratch(a, a.dtype, made, "rest"))
            rest = np.subtract(rest.view(kind), b.view(kind), out=rest.view(kind))
        whole = (0, len(rest), 0, rest.shape[1], 0, rest.shape[2])
        nan += voxel.convert(rest, d, whole)
    return nan
