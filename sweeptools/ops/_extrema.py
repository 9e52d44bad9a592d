"""Erosion and dilation with a structuring element: the passes they are made of, and the graphs.

An element is bound as in params.Element: ("box", sizes), ("cross", None), ("ball", radii), ("file", path).
"""

from math import floor, prod

import numpy as np

from ..errors import UsageError
from ..kernels import minima
from ..params import Param
from ..spec import op
from ._differences import inner
from ._lines import merged, stretched, strip_of

STRIP_BYTES = 4096                     # of a row worked through at a time
MOST = 1 << 26                         # voxels of the box around a ball: 400 along each axis
TILE = 64                              # rows or slices, beside the halo, worked through at a time


def _key(head):
    return np.dtype(f"int{8 * head.dtype.itemsize}")


def _strip(head):
    return strip_of(head, STRIP_BYTES // head.dtype.itemsize)


def _margin(head, size):
    return (size - 1) * max(1, len(head.components))


def _reach(size, below):
    return (below, size - 1 - below)


def _plane_scratch(head, sizes):
    line = ((_strip(head) + _margin(head, sizes[1]),), _key(head))
    return {"a": line, "b": line, "tile": ((TILE + sizes[0] - 1, _strip(head)), _key(head))}


@op(
    "extrema along y and x", edges=True, scratch=_plane_scratch, work=4,
    halo=lambda sizes, below: (0, _reach(sizes[0], below[0]), _reach(sizes[1], below[1])),
)  # fmt: skip
def _plane(src, dst, box, *, sizes: Param("window along y, x"), below: Param("voxels of it before its place"),
           greatest: Param("maxima"), scratch):  # fmt: skip
    """Least or greatest values over a rectangle of a slice."""
    src, step = merged(minima.bits(src))
    minima.plane(
        src, merged(minima.bits(dst))[0], stretched(box, step), *sizes, step, minima.order(dst.dtype, greatest),
        scratch["a"], scratch["b"], scratch["tile"],
    )  # fmt: skip


def _depth_scratch(head, depth, size):
    return {"tile": ((min(TILE, max(1, depth)) + size - 1, _strip(head)), _key(head))}


@op(
    "extrema along z", edges=True, scratch=_depth_scratch, work=4,
    halo=lambda size, below: (_reach(size, below), 0, 0),
)  # fmt: skip
def _depth(src, dst, box, *, size: Param("window along z"), below: Param("slices of it before its place"),
           greatest: Param("maxima"), scratch):  # fmt: skip
    """Least or greatest values over a few slices."""
    src, step = merged(minima.bits(src))
    turn = minima.order(dst.dtype, greatest)
    minima.depth(src, merged(minima.bits(dst))[0], stretched(box, step), size, turn, scratch["tile"])


def _runs_scratch(head, sizes):
    line = ((_strip(head) + _margin(head, sizes[2]),), _key(head))
    return {"a": line, "b": line, "c": line}


@op(
    "extrema over a footprint", edges=True, scratch=_runs_scratch, work=lambda runs: 2 * len(runs),
    halo=lambda sizes, below: tuple(_reach(n, b) for n, b in zip(sizes, below, strict=True)),
)  # fmt: skip
def _footprint(src, dst, box, *, runs: Param("runs along x: z, y, x, length"), sizes: Param("window"),
               below: Param("voxels of it before its place"), greatest: Param("maxima"), scratch):  # fmt: skip
    """Least or greatest values over the voxels of a footprint."""
    src, step = merged(minima.bits(src))
    turn = minima.order(dst.dtype, greatest)
    dst = merged(minima.bits(dst))[0]
    most = dst.dtype.type(np.iinfo(dst.dtype).max)
    minima.footprint(
        src, dst, stretched(box, step), np.array(runs, np.int64), sizes, step, turn, most,
        scratch["a"], scratch["b"], scratch["c"],
    )  # fmt: skip


def ball(radii):
    """Footprint of the voxels with (z/rz)² + (y/ry)² + (x/rx)² <= 1, but for the rounding of a radius."""
    total = np.zeros((1, 1, 1))
    for axis, r in enumerate(radii):
        d = np.arange(-floor(r * (1 + 1e-12)), floor(r * (1 + 1e-12)) + 1)
        shape = [1, 1, 1]
        shape[axis] = len(d)
        total = total + (d / r if r else d * 0.0).reshape(shape) ** 2
    return total <= 1 + 1e-12


def cross():
    """Footprint of a voxel and its six neighbours."""
    total = sum(np.abs(d) for d in np.ogrid[-1:2, -1:2, -1:2])
    return total <= 1


def load(path):
    """A footprint of a .npy file: 3-D, its voxels those that are not 0."""
    try:
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise UsageError(f"shape is file:{path}, which cannot be read: {error.strerror}") from None
    except (ValueError, EOFError):
        raise UsageError(f"shape is file:{path}, which is no array of numpy's") from None
    if array.ndim != 3 or array.dtype.kind not in "biuf":
        raise UsageError(f"shape is file:{path}, {array.dtype} of {array.ndim} axes, must be numbers along z, y, x")
    if not array.any():
        raise UsageError(f"shape is file:{path}, which has no voxel, must have at least one that is not 0")
    return array != 0


def runs_of(voxels):
    """Runs along x of a footprint, (z, y, first, length), the short ones first."""
    edge = np.diff(np.pad(voxels.astype(np.int8), ((0, 0), (0, 0), (1, 1))), axis=2)
    starts, ends = np.argwhere(edge == 1), np.argwhere(edge == -1)
    runs = [(int(z), int(y), int(x), int(end - x)) for (z, y, x), end in zip(starts, ends[:, 2], strict=True)]
    return tuple(sorted(runs, key=lambda run: run[3]))


def _voxels(shape):
    """The footprint of a bound structuring element that is no box."""
    kind, value = shape
    if kind == "ball" and not all(r < float("inf") for r in value):
        raise UsageError(f"shape is ball:{','.join(map(str, value))}, must be finite")
    if kind == "ball" and prod(2 * r + 1 for r in value) > MOST:
        raise UsageError(f"shape is ball:{','.join(f'{r:g}' for r in value)}, must span at most {MOST} voxels")
    return cross() if kind == "cross" else ball(value) if kind == "ball" else load(value)


def reach(shape):
    """(below, above) along z, y, x that the erosion by a bound structuring element takes; the dilation's are (above,
    below), and those of both together as many on either side."""
    return tuple((n // 2, n - 1 - n // 2) for n in (shape[1] if shape[0] == "box" else _voxels(shape).shape))


def _extrema(stdin, shape, greatest, mode, cval):
    kind, value = shape
    edges = {"mode": mode, "cval": cval, "greatest": greatest}
    before = (lambda n: n - 1 - n // 2) if greatest else (lambda n: n // 2)
    if kind == "box":
        nz, ny, nx = value
        if ny > 1 or nx > 1:
            stdin = stdin | _plane(sizes=(ny, nx), below=(before(ny), before(nx)), **edges)
        return stdin | _depth(size=nz, below=before(nz), **edges) if nz > 1 else stdin
    voxels = _voxels(shape)
    runs = runs_of(voxels[::-1, ::-1, ::-1] if greatest else voxels)
    return stdin | _footprint(runs=runs, sizes=voxels.shape, below=tuple(map(before, voxels.shape)), **edges)


def erosion(stdin, shape, mode="reflect", cval=0):
    """Graph of the least values over a bound structuring element."""
    return _extrema(stdin, shape, False, mode, cval)


def dilation(stdin, shape, mode="reflect", cval=0):
    """Graph of the greatest values over a bound structuring element, reflected."""
    return _extrema(stdin, shape, True, mode, cval)


def opening(stdin, shape, mode="reflect", cval=0):
    """Graph of the dilation of the erosion."""
    return dilation(erosion(stdin, shape, mode, cval), shape, mode, cval)


def closing(stdin, shape, mode="reflect", cval=0):
    """Graph of the erosion of the dilation."""
    return erosion(dilation(stdin, shape, mode, cval), shape, mode, cval)


def beside_both(stdin, shape):
    """The stream itself, to be joined with its opening or closing."""
    return inner(stdin, [(a + b, a + b) for a, b in reach(shape)])
