"""Sums and means over boxes: the passes they are made of, and the graph."""

from math import prod

import numpy as np

from ..errors import UsageError
from ..kernels import means, store
from ..params import Param
from ..spec import op
from ._lines import merged, stretched, strip_of
from .cast import cast

STRIP = 1024                           # columns worked through at a time
TILE = 32                              # rows or slices, beside the halo, worked through at a time


def _reach(size):
    """(below, above): even windows reach one voxel further down than up, as scipy's."""
    return (size // 2, size - 1 - size // 2)


def _common(head, rows, size, sums, divide):
    strip = strip_of(head, STRIP)
    return {
        "tile": ((rows + size - 1, strip), sums), "sums": ((rows, strip), sums), "quotients": ((strip,), divide),
    }  # fmt: skip


def _plane_scratch(head, sizes, sums, divide):
    line = ((strip_of(head, STRIP) + (sizes[1] - 1) * max(1, len(head.components)),), sums)
    return {"a": line, "b": line, **_common(head, TILE, sizes[0], sums, divide)}


@op(
    "sums over rows and columns", edges=True, casts=True, scratch=_plane_scratch,
    halo=lambda sizes: (0, _reach(sizes[0]), _reach(sizes[1])), work=8,
)  # fmt: skip
def _plane(src, dst, box, *, sizes: Param("window along y, x"), sums: Param("type of the sums"),
           count: Param("voxels of the whole window, to divide by, or 0"), exact: Param("divide integers as such"),
           divide: Param("type to divide in"), scratch):  # fmt: skip
    """Sums over a rectangle of a slice, or means if these are the last."""
    src, step = merged(src)
    return means.plane(
        src, merged(dst)[0], stretched(box, step), *sizes, step, count, exact, scratch["a"], scratch["b"],
        scratch["tile"], scratch["sums"], scratch["quotients"], *store.limits(dst.dtype),
    )  # fmt: skip


def _depth_scratch(head, depth, size, divide):
    return _common(head, min(TILE, max(1, depth)), size, head.dtype, divide)


@op(
    "sums over slices", edges=True, casts=True, scratch=_depth_scratch,
    halo=lambda size: (_reach(size), 0, 0), work=8,
)  # fmt: skip
def _depth(src, dst, box, *, size: Param("window along z"),
           count: Param("voxels of the whole window, to divide by, or 0"), exact: Param("divide integers as such"),
           divide: Param("type to divide in"), scratch):  # fmt: skip
    """Sums over a few slices, or means if these are the last."""
    src, step = merged(src)
    return means.depth(
        src, merged(dst)[0], stretched(box, step), size, count, exact, scratch["tile"], scratch["sums"],
        scratch["quotients"], *store.limits(dst.dtype),
    )  # fmt: skip


@op(
    "64-bit integers in two halves", dtype="int64",
    head=lambda head: head.but(components=tuple(c + h for c in head.components or ("",) for h in ("upper", "lower"))),
)
def _halves(src, dst, box, *, zero: Param("the value that becomes 0, 0")):
    """The upper and the lower 32 bits of what is left of every voxel without `zero`."""
    flat, step = merged(src)
    kind = src.dtype.type
    means.halves(flat, merged(dst)[0], stretched(box, step), kind(32), kind(0xFFFFFFFF), zero >> 32, zero & 0xFFFFFFFF)


@op("means of 64-bit integers from sums of halves", casts=True,
    head=lambda head, names: head.but(components=names))  # fmt: skip
def _mean_of_halves(src, dst, box, *, count: Param("voxels of the window"), zero: Param("the value that was 0, 0"),
                    names: Param("components of the result")):  # fmt: skip
    """What becomes of the two halves."""
    dst, step = merged(dst)
    means.mean_of_halves(
        merged(src)[0], dst, stretched(box, step), count, zero >> 32, zero & 0xFFFFFFFF, dst.dtype.kind != "f"
    )


def mean(stdin, sizes, mode, cval, dtype):
    """The graph that takes the mean over a box: sums along x, y, z, divided and rounded once, to `dtype`."""
    head, count = stdin.head, prod(sizes)
    own = head.dtype
    if count == 1:
        return stdin | cast(type=dtype) if dtype else stdin
    if own.kind == "f":
        return _sums(stdin, sizes, "float64", count, False, mode, cval, dtype or own.name)
    info = np.iinfo(own)
    greatest = max(info.max, -info.min) * count
    if greatest < 2**63:
        sums = "int32" if greatest < 2**31 else "int64"
        return _sums(stdin, sizes, sums, count, greatest >= 2**50, mode, cval, dtype or own.name)
    if count >= 2**30:
        raise UsageError(f"size is {','.join(map(str, sizes))}, {count} voxels, must be fewer than {2**30} for {own}")
    # shifted so that the edge is 0 in both halves; sums in int64 need no more
    if mode == "constant" and not (info.min <= cval <= info.max and cval == int(cval)):
        raise UsageError(f"cval is {cval}, which a {own} voxel cannot hold")
    zero = int(cval) if mode == "constant" else 0
    split = _sums(stdin | _halves(zero=zero), sizes, "int64", 0, True, mode, 0, "int64", inner=head)
    final = dtype if dtype and np.dtype(dtype).kind == "f" else own.name
    out = split | _mean_of_halves(count=count, zero=zero, names=head.components, dtype=final)
    return out | cast(type=dtype) if dtype and dtype != final else out


def _sums(stdin, sizes, sums, count, exact, mode, cval, final, inner=None):
    """Sums along y and x, then z, in that type; divided by count, if it is not 0, into the type `final`.

    In mode constant the pass along z sees, beyond the volume, the sum of a window that is cval everywhere.
    """
    nz, ny, nx = sizes
    own = (inner or stdin.head).dtype
    small = own.kind != "f" and max(np.iinfo(own).max, -np.iinfo(own).min) * max(1, count) < 2**21
    divide = "float32" if small and final != "float64" else "float64"
    edges = {"mode": mode, "cval": cval, "exact": exact, "divide": divide}
    if nz == 1:
        return stdin | _plane(sizes=(ny, nx), sums=sums, count=count, dtype=final, **edges)
    stdin = stdin | _plane(sizes=(ny, nx), sums=sums, dtype=sums, **{**edges, "count": 0})
    if mode == "constant":
        edges["cval"] = cval * ny * nx
    return stdin | _depth(size=nz, count=count, dtype=final, **edges)
