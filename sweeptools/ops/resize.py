"""sweep-resize: the same extent in another number of voxels."""

from functools import partial

import numpy as np

from ..errors import UsageError
from ..kernels import resample
from ..params import Arg, Param, Sizes
from ..spec import Block, op
from ._axes import steps, whole
from ._lines import merged, precision
from ._splines import Held, Order, coefficients, spans, taps
from .cast import cast


def _head(head, shape):
    """The extent stays: spacing goes with the voxels, and the origin to the centre of the first of them."""
    for axis, n, m in zip(head.axes, whole(head).whole, shape):
        if not n and m:
            raise UsageError(f"the volume has no voxels along {axis} to make {m} of")
    ratio = [n / m if m else 1.0 for n, m in zip(head.whole, shape)]
    return head.but(
        whole=tuple(shape), spacing=head.spacing and tuple(s and s * r for s, r in zip(head.spacing, ratio)),
        origin=tuple(o + (r - 1) / 2 * s for o, r, s in zip(head.origin, ratio, steps(head))), chunks=None,
    )  # fmt: skip


def _plane_head(head, shape):
    return _head(head, (head.whole[0], *shape))


@op("the nearest voxels of slices", extent="slice", reach=None, head=_plane_head)
def _nearest_plane(src, dst, box, *, shape: Param("voxels along y, x")):
    """Rows and columns are copied."""
    z0, z1, y0, y1, x0, x1 = box
    rows, columns = (taps(n, m, 0)[0][:, 0] for n, m in zip(src.shape[1:3], shape))
    for z in range(z0, z1):
        for y in range(y0, y1):
            dst[z, y, x0:x1] = src[z, rows[y]][columns[x0:x1]]


def _plane_scratch(head, precise):
    return {"acc": ((head.slice_shape[1] * max(1, len(head.components)),), precise)}


@op("values between the voxels of slices", extent="slice", reach=None, head=_plane_head, scratch=_plane_scratch,
    dtype=lambda precise: precise)  # fmt: skip
def _plane(src, dst, box, *, shape: Param("voxels along y, x"), order: Param("of the spline"),
           precise: Param("type of the sums"), scratch):  # fmt: skip
    """Weighted sums of rows, then of columns."""
    (iy, wy), (ix, wx) = (taps(n, m, order if n != m else 0) for n, m in zip(src.shape[1:3], shape))
    src, step = merged(src)
    dst = merged(dst)[0]
    resample.plane(src, dst, box, iy, wy.astype(precise), ix, wx.astype(precise), step, scratch["acc"])


def _depth_head(head, count):
    return _head(head, (count, *head.whole[1:]))


def _held(head, taken, order):
    """The blocks that the slices of one sum are parts of."""
    return (order + 1 + 2 * taken) * head.slice_bytes


@op("values between slices", extent="slice", head=_depth_head, memory=_held,
    dtype=lambda precise, head: precise or head.dtype)  # fmt: skip
def _depth(streams, work, *, count: Param("slices"), order: Param("of the spline"), precise: Param("type of the sums")):
    """Weighted sums of slices as they come."""
    n = work.heads[0].whole[0]
    if order and n:
        one = np.zeros((1, 1), work.heads[0].dtype)
        resample.add(one, np.dtype(precise).type(1), np.zeros((1, 1), precise), True, 0, 1)
    return _between(streams[0], work, *taps(n, count, order), order)


def _between(blocks, work, index, weights, order):
    head = work.heads[0]
    held = Held(blocks, head, work.way)
    needed = index.min(axis=1) if work.way == "up" else index.max(axis=1)
    needed = np.minimum.accumulate(needed[::-1])[::-1] if work.way == "up" else np.maximum.accumulate(needed)
    weights = weights.astype(work.head.dtype) if order else weights
    for a, b in spans(len(index), work.depth, work.way):
        dst = work.pool.array((b - a, *work.head.slice_shape), work.head.dtype, work.depth)
        for z in range(a, b) if work.way == "up" else reversed(range(a, b)):
            held.drop(needed[z])
            if order == 0:
                dst[z - a] = held.slice(index[z, 0])
                continue
            out = dst[z - a].reshape(dst.shape[1], -1)
            # in the order of the weights whichever way the stream goes; what is asked for stays until it is dropped
            slices = {v: held.slice(v) for v in (sorted(set(index[z]), reverse=work.way == "down"))}
            for i, v in enumerate(index[z]):
                src = slices[v].reshape(out.shape)
                boxes = work.threads.boxes((1, *out.shape))
                calls = [partial(resample.add, src, weights[z, i], out, i == 0, box[2], box[3]) for box in boxes]
                work.threads.each(calls)
        yield Block(a, b - a, dst)
        del dst
    held.drain()


@op("change the number of voxels", task="Geometry", extent="slice",
    examples=("20,30,40", "5,9,40 --order 3", "16,16,5 --order 0"))  # fmt: skip
def resize(stdin, *, shape: Arg(Sizes, "voxels of the result along z, y and x, or one number for all", metavar="SHAPE",
                                unit="voxels"),
           order: Order("spline between voxels: 0 the nearest voxel, 1 linear, 3 cubic; auto is 0 for labels and masks, "
                        "else 1", "auto", "0", "1", "3") = "auto",
           dtype):  # fmt: skip
    """Give the volume SHAPE voxels over the same extent: from the first voxel's edge to the last one's edge.

    Voxel i of m along an axis that had n lies at (i + 0.5) n / m - 0.5 of the old ones, as in scipy.ndimage.zoom with
    grid_mode and mode reflect, and in skimage.transform.resize without anti_aliasing; beyond the border the volume goes
    on mirrored. The values there are those of the voxel nearest to it, of the straight line or of the cubic spline
    through the voxels. Where the result has fewer voxels most of the old ones are passed over: smooth first
    (sweep-gauss), or take the mean of blocks (sweep-downsample) to go by whole factors.

    The type is kept; sums are taken in float32 (float64 for float64 and 32- and 64-bit integers, or with --dtype
    float64) and rounded once at the end, to integers to the nearest, ties to even, clipped: a cubic spline overshoots at
    edges. With order 0 every type is exact. A NaN makes NaN of every voxel whose sum it is in, for order 3 of all
    within some 14 voxels; where the result is an integer NaN becomes 0 with a warning. Components are resized each on
    its own.

    Spacing is multiplied by n / m, and the origin moves to the centre of the new first voxel. Along z a few slices are
    held, whatever the depth. Errors: an axis without voxels (2).
    Source: the inverse filter and the weights of Unser, Aldroubi and Eden, B-spline signal processing (1993).
    """
    head, final = stdin.head, dtype or stdin.head.dtype.name
    _head(head, shape)
    if order == 0:
        if tuple(shape[1:]) != head.whole[1:]:
            stdin = stdin | _nearest_plane(shape=tuple(shape[1:]))
        if shape[0] != head.whole[0]:
            stdin = stdin | _depth(count=shape[0], order=0, precise=None)
        return stdin | cast(type=final) if final != head.dtype.name else stdin
    axes = [i for i in (0, 1, 2) if shape[i] != head.whole[i]]
    if not axes:
        return stdin | cast(type=final) if final != head.dtype.name else stdin
    precise = precision(head.dtype, dtype)
    if order == 3:
        stdin = coefficients(stdin, axes, "reflect", dtype)
    passes = [_plane(shape=tuple(shape[1:]), order=order, precise=precise)] if axes != [0] else []
    if 0 in axes:                                    # first where slices are left out, last where they are made
        passes.insert(len(passes) * (shape[0] > head.whole[0]), _depth(count=shape[0], order=order, precise=precise))
    for step in passes:
        stdin = stdin | step
    return stdin | cast(type=final) if final != precise else stdin
