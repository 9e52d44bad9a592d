"""sweep-project: the volume seen along an axis, as one slice."""

import numpy as np

from ..errors import UsageError
from ..params import Choice, Param
from ..spec import Block, op
from ._axes import places, whole
from .normalize import floating

FOLDS = {"max": np.maximum, "min": np.minimum, "sum": np.add, "mean": np.add}


def _dtype(head, method):
    if method == "sum":
        return np.dtype("float64" if head.dtype.kind == "f" else f"{head.dtype.kind}8")
    return floating(head) if method == "mean" else head.dtype


def _head(head, at, method):
    """One voxel along the axis, which comes first; it is as thick as all were, its centre is theirs."""
    head, order = whole(head), (at, *(i for i in range(3) if i != at))
    by = lambda triple: None if triple is None else tuple(triple[i] for i in order)  # noqa: E731
    n, (spacing, origin) = head.whole[at], (list(head.spacing or (None,) * 3), list(head.origin))
    if not n:
        raise UsageError("there is nothing to project in a volume without voxels")
    origin[at] += (n - 1) / 2 * (1.0 if spacing[at] is None else spacing[at])
    spacing[at] = spacing[at] and spacing[at] * n
    sizes = [1 if i == at else size for i, size in enumerate(head.whole)]
    return head.but(
        whole=by(sizes), spacing=head.spacing and by(spacing), origin=by(origin), axes=by(head.axes), order=by(head.order),
        chunks=None, sweep="up", nodata=head.nodata if method in ("max", "min") else None,
    )  # fmt: skip


def _held(head, at, method):
    """Bytes of what is summed, and of what is sent."""
    slice_ = np.prod([n for i, n in enumerate(head.shape) if i != at], dtype=object) * max(1, len(head.components))
    return int(slice_) * 16 + 3 * head.slice_bytes


def _fold(streams, work, at, method):
    (head,), fold = work.heads, FOLDS[method]
    exact = head.dtype.kind != "f" and (method == "sum" or head.dtype.itemsize <= 4)
    kind = head.dtype if method in ("max", "min") else np.dtype(f"{head.dtype.kind}8" if exact else "float64")
    out, begun = np.zeros(work.head.slice_shape, kind), False
    with np.errstate(invalid="ignore", over="ignore"):
        for block in streams[0]:
            planes = block.array(head)
            for z, plane in enumerate(planes, block.z - head.first):
                if at == 0:
                    fold(out, plane, out=out) if begun else np.copyto(out, plane)
                    begun = True
                else:
                    fold.reduce(plane, axis=at - 1, dtype=kind, out=out[z])
            del block, planes
        if method == "mean":
            out = out / head.shape[at]
    yield Block(0, 1, np.ascontiguousarray(out[None], work.head.dtype))


@op("slices folded to one", extent="volume", head=_head, dtype=_dtype, memory=_held, direction="up")
def _folded(streams, work, *, at: Param("axis of the stream"), method: Param("how")):
    """Upwards, so that the order of a sum of floats does not depend on the stream."""
    return _fold(streams, work, at, method)


@op(
    "one slice of all along an axis", task="Geometry", extent="volume", dtype=None,
    examples=("z max", "y mean", "x sum", "z min --dtype float32"),
)  # fmt: skip
def project(
    stdin, *,
    axis: Choice("what is looked along", "z", "y", "x", positional=True),
    method: Choice("what of the voxels along it", "max", "min", "mean", "sum", positional=True),
):  # fmt: skip
    """Write one slice: for each line of voxels along AXIS its greatest or least voxel, its mean, or its sum.

    The slice has the other two axes in their order: sweep-project y max gives rows along z and columns along x. It is as
    thick as the volume was along AXIS: the spacing is multiplied, the origin is the middle. AXIS goes by the names that
    the stream's axes have.

    max and min keep the type; mean gives float32 (float64 from float64), computed in 64-bit integers from integers of up
    to 32 bits, else in float64, and rounded once; sum gives 64 bits of the kind, and integers that do not fit wrap, as
    in numpy. Floats are added in float64 in a fixed order. NaN in a line gives NaN. Components are projected apart.

    One sweep, upwards. Along z memory is for the slices in passing and two results; along y and x the result has a row
    for each slice, and so is larger for a deeper volume. Same as numpy.
    """
    return stdin | _folded(at=places(axis, stdin.head)[0], method=method)
