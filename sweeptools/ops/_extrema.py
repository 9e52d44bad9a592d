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
from ._lines import merged, pitch, stretched, strip_of

STRIP_BYTES = 4096                     # of a row worked through at a time
MOST = 1 << 26                         # voxels of the box around a ball: 400 along each axis
SLICES = 8                             # worked through at a time, beside the halo; of a large box up to four times as many
NEAR, ROOM = 1 << 20, 1 << 22          # bytes of scratch of a footprint: what is aimed at, and at most but for one slice


def _key(head):
    return np.dtype(f"int{8 * head.dtype.itemsize}")


def _margin(head, size):
    return (size - 1) * max(1, len(head.components))


def _reach(sizes, below):
    return tuple((b, n - 1 - b) for n, b in zip(sizes, below, strict=True))


# ------------------------------------------------------------------ boxes


def parts(size):
    """(count, hop, span), where size is (count - 1) * hop + span: `count` minima of `span` neighbours, which take far
    fewer steps than minima of `size`."""
    if size <= 8:
        return 1, 1, size
    count = max(2, round(size**0.5))
    return count, size // count, size // count + size % count


def _box_scratch(head, depth, sizes):
    key = _key(head)
    strip = strip_of(head, STRIP_BYTES // key.itemsize)
    slices = max(1, min(depth, max(SLICES, min(sizes[0], 4 * SLICES))))
    wide, (count, hop, span) = pitch(strip + _margin(head, sizes[2]), key), parts(sizes[1])
    keys, ring = ((slices + sizes[0] - 1, wide), key), pitch(strip, key)
    return {
        "keys": keys, "between": keys if parts(sizes[0])[0] > 1 else ((1, 1), key), "line": ((wide,), key),
        "part": ((wide,), key), "ring": ((slices, span, ring), key),
        "wide": ((slices, 1 + (count - 1) * hop, ring if count > 1 else 1), key), "out": ((strip,), key),
    }  # fmt: skip


@op("extrema over a box", edges=True, scratch=_box_scratch, work=8, halo=_reach)
def _box(src, dst, box, *, sizes: Param("window"), below: Param("voxels of it before its place"),
         greatest: Param("maxima"), scratch):  # fmt: skip
    """Least or greatest values over a box."""
    src, step = merged(minima.bits(src))
    minima.box(
        src, merged(minima.bits(dst))[0], stretched(box, step), *map(parts, sizes), step, minima.order(dst.dtype, greatest),
        *(scratch[name] for name in ("keys", "between", "line", "part", "ring", "wide", "out")),
    )  # fmt: skip


# ------------------------------------------------------------------ footprints


def taps_of(runs):
    """(lengths, taps): the runs as minima of a few lengths, taps (z, y, first, which length) by z. Where runs have many
    lengths, those are powers of two, and two of them that overlap make a run."""
    lengths = sorted({run[3] for run in runs})
    if len(lengths) > 8:
        lengths = [1 << k for k in range(lengths[0].bit_length() - 1, lengths[-1].bit_length())]
    taps = set()
    for z, y, first, length in runs:
        which = max(k for k, n in enumerate(lengths) if n <= length)
        taps |= {(z, y, first, which), (z, y, first + length - lengths[which], which)}
    return tuple(lengths), tuple(sorted(taps))


def _runs_scratch(head, depth, runs, sizes):
    key, (lengths, taps) = _key(head), taps_of(runs)
    margin, slices = _margin(head, sizes[2]), max(1, min(depth, SLICES))
    column = sizes[1] * len(lengths) * key.itemsize
    most = max(128, min(STRIP_BYTES // key.itemsize, NEAR // (column * (slices + sizes[0] - 1)) - margin))
    strip = strip_of(head, most)
    wide = pitch(strip + margin, key)
    stack = slices + sizes[0] - 1
    if stack * column * wide > ROOM:                 # fewer than the footprint has: its slices are taken in groups
        stack = min(stack, max(1, ROOM // (column * wide)))
    return {
        "a": ((strip + margin,), key), "b": ((strip + margin,), key), "out": ((strip,), key),
        "rows": ((stack, sizes[1], len(lengths), wide), key), "at": ((len(taps),), "int64"),
    }  # fmt: skip


@op("extrema over a footprint", edges=True, scratch=_runs_scratch, work=lambda runs: 2 * len(runs), halo=_reach)
def _footprint(src, dst, box, *, runs: Param("runs along x: z, y, x, length"), sizes: Param("window"),
               below: Param("voxels of it before its place"), greatest: Param("maxima"), scratch):  # fmt: skip
    """Least or greatest values over the voxels of a footprint."""
    src, step = merged(minima.bits(src))
    lengths, taps = map(np.array, taps_of(runs))
    stack, groups = scratch["rows"].shape[0], []
    group = sizes[0] if stack >= sizes[0] else (stack + 1) // 2
    for low in range(0, sizes[0], group):
        start, end = np.searchsorted(taps[:, 0], (low, low + group))
        if start < end:
            groups.append((low, min(low + group, sizes[0]), start, end))
    minima.footprint(
        src, merged(minima.bits(dst))[0], stretched(box, step), lengths, taps, np.array(groups), sizes, step,
        minima.order(dst.dtype, greatest), *(scratch[name] for name in ("a", "b", "rows", "at", "out")),
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
        sizes = tuple(value)
        return stdin | _box(sizes=sizes, below=tuple(map(before, sizes)), **edges) if prod(sizes) > 1 else stdin
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
