"""The passes of separable filters with symmetric or antisymmetric weights, and the graph that joins them.

Weights along one axis are a pair (half, odd): the weights from the centre outwards, and whether the other side is
their negative. An axis that is not filtered has the single weight 1.
"""

import numpy as np

from ..kernels import lines, store
from ..params import Param
from ..spec import op
from .cast import cast

STRIP = 2048                           # columns worked through at a time: a ring of such rows stays in the L2 cache
LINE = 64                              # bytes that caches hold and evict together
NONE = ((1.0,), False)


def merged(array):
    """A view [n, y, x * c] of an array [n, y, x(, c)], and c."""
    c = array.shape[3] if array.ndim == 4 else 1
    return array.reshape(array.shape[0], array.shape[1], array.shape[2] * c), c


def stretched(box, step):
    """A box of voxels as a box of the components that lie side by side."""
    return (*box[:4], box[4] * step, box[5] * step)


def strip_of(head, most=STRIP):
    """Width of a strip of columns, in components."""
    return max(1, min(most, head.slice_shape[1] * max(1, len(head.components))))


def pitch(strip, dtype):
    """Voxels from one row of a ring to the next, for rows of `strip`: an odd number of cache lines, as rows that lie a power
    of two apart would throw each other out."""
    line = max(1, LINE // np.dtype(dtype).itemsize)
    return (-(-strip // line) | 1) * line


def _plane_scratch(head, along_y, along_x, precise):
    strip, step = strip_of(head), max(1, len(head.components))
    return {
        "acc": ((strip,), precise),
        "line": ((strip + 2 * (len(along_x[0]) - 1) * step,), precise),
        "ring": ((2 * len(along_y[0]) - 1, pitch(strip, precise)), precise),
    }


@op(
    "weighted sums along x, then along y", edges=True, casts=True, scratch=_plane_scratch,
    halo=lambda along_y, along_x: (0, len(along_y[0]) - 1, len(along_x[0]) - 1),
    work=lambda along_y, along_x: 2 * (len(along_y[0]) + len(along_x[0])),
)  # fmt: skip
def _plane(src, dst, box, *, along_y: Param("weights"), along_x: Param("weights"), precise: Param("type of the sums"),
           scratch):  # fmt: skip
    """Both passes of a slice on the volume extended once; a NaN makes every sum that it enters NaN."""
    src, step = merged(src)
    (half_y, odd_y), (half_x, odd_x) = ((np.array(half, precise), odd) for half, odd in (along_y, along_x))
    return lines.plane(
        src, merged(dst)[0], stretched(box, step), half_y, odd_y, half_x, odd_x, step,
        scratch["line"], scratch["ring"], scratch["acc"], *store.limits(dst.dtype),
    )  # fmt: skip


def _depth_scratch(head, along_z):
    strip = strip_of(head)
    return {"acc": ((strip,), head.dtype), "ring": ((2 * len(along_z[0]) - 1, pitch(strip, head.dtype)), head.dtype)}


@op(
    "weighted sums along z", edges=True, casts=True, scratch=_depth_scratch,
    halo=lambda along_z: (len(along_z[0]) - 1, 0, 0), work=lambda along_z: 2 * len(along_z[0]),
)  # fmt: skip
def _depth(src, dst, box, *, along_z: Param("weights"), scratch):
    """The pass along z of a float volume; sums in its type."""
    src, step = merged(src)
    half, odd = np.array(along_z[0], src.dtype), along_z[1]
    return lines.depth(
        src, merged(dst)[0], stretched(box, step), half, odd, scratch["ring"], scratch["acc"], *store.limits(dst.dtype)
    )


def holds(dtype, cval):
    """Whether a voxel of this type can be cval."""
    return dtype.kind == "f" or (np.iinfo(dtype).min <= cval <= np.iinfo(dtype).max and cval == int(cval))


def precision(dtype, wanted):
    """The type of the sums: float64 where the voxels or the result have more digits than float32, else float32."""
    exact = {"float64", "int32", "uint32", "int64", "uint64"}
    return "float64" if np.dtype(dtype).name in exact or (wanted and np.dtype(wanted).name == "float64") else "float32"


def response(cval, weights, precise):
    """What a pass makes of a volume that is cval everywhere, with the arithmetic of the kernels."""
    half, odd = np.array(weights[0], precise), weights[1]
    value, total = half.dtype.type(cval), half.dtype.type(0)
    with np.errstate(all="ignore"):
        for w in half[:0:-1]:
            total += w * (value - value if odd else value + value)
        return total + half[0] * value


def separable(stdin, weights, mode, cval, dtype):
    """The graph that filters with the weights along z, y and x: rows, columns, then z; rounded once, to `dtype`.

    Where the mode is constant each later pass sees, beyond the volume, the response of the earlier ones to cval: as
    if the volume had been extended once, before the first pass.
    """
    z, y, x = weights
    head = stdin.head
    if z == y == x == NONE:
        return stdin | cast(type=dtype) if dtype else stdin
    precise = precision(head.dtype, dtype)
    final = dtype or head.dtype.name
    edges = {"mode": mode, "cval": cval}
    if mode == "constant" and not holds(head.dtype, cval):
        stdin = stdin | _plane(along_y=NONE, along_x=NONE, precise=precise, dtype=precise)
    elif y == NONE and x == NONE and z != NONE and head.dtype.name == precise:
        return stdin | _depth(along_z=z, dtype=final, **edges)
    stdin = stdin | _plane(along_y=y, along_x=x, precise=precise, dtype=final if z == NONE else precise, **edges)
    if z == NONE:
        return stdin
    if mode == "constant":
        edges["cval"] = float(response(response(cval, x, precise), y, precise))
    return stdin | _depth(along_z=z, dtype=final, **edges)
